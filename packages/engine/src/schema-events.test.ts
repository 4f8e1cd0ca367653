import { describe, expect, test } from 'vitest';
import type { SchemaChange } from '@weir/sdk';
import { SchemaEvents, columnOf, describeChange } from './schema-events.ts';
import { orders } from './world.fake.ts';

const add: SchemaChange = { table: orders, change: 'add', column: 'note', value: null };
const drop: SchemaChange = { table: orders, change: 'drop', column: 'note' };
const added = { table: 'public.orders', change: 'add', column: 'note', action: 'apply' };

describe('the schema changes of a sink', () => {
  test('count with the commit that makes them durable, once', () => {
    const events = new SchemaEvents();
    events.noted(add, 'apply');
    events.noted(drop, 'ignore');
    expect([events.recent, events.totals]).toEqual([[], {}]);
    expect(events.committed(7)).toEqual([{ change: add, action: 'apply' }, { change: drop, action: 'ignore' }]);
    expect(events.committed(8)).toEqual([]);
    expect(events.recent).toEqual([{ at: 7, ...added }, { at: 7, ...added, change: 'drop', action: 'ignore' }]);
    expect(events.totals).toEqual({ add: { apply: 1 }, drop: { ignore: 1 } });
  });

  test('of an attempt that did not commit them come again: they count once', () => {
    const events = new SchemaEvents();
    events.noted(add, 'apply');
    events.abandoned();
    expect(events.committed(7)).toEqual([]);
    events.noted(add, 'apply');
    events.committed(8);
    expect(events.totals).toEqual({ add: { apply: 1 } });
  });

  test('that end an attempt count at once', () => {
    const events = new SchemaEvents();
    events.happened(add, 'stop', 7);
    events.happened(add, 'stop', 8);
    events.happened({ table: orders, change: 'drop-table' }, 'apply', 9);
    expect(events.totals).toEqual({ add: { stop: 2 }, 'drop-table': { apply: 1 } });
    expect(events.recent.at(-1)).toEqual({ at: 9, table: 'public.orders', change: 'drop-table', column: null, action: 'apply' });
  });

  test('are all counted, and the last 50 are kept, oldest first (invariant 8)', () => {
    const events = new SchemaEvents();
    for (let at = 1; at <= 60; at++) events.happened(add, 'apply', at);
    expect(events.recent.map(({ at }) => at)).toEqual(Array.from({ length: 50 }, (_, index) => index + 11));
    expect(events.totals).toEqual({ add: { apply: 60 } });
  });
});

test.each<[SchemaChange, string | null, string]>([
  [{ table: orders, change: 'create', reason: 'new' }, null, 'the table is new'],
  [{ table: orders, change: 'create', reason: 'again' }, null, 'the table is copied again'],
  [add, 'note', 'column note was added'],
  [drop, 'note', 'column note was dropped'],
  [{ table: orders, change: 'rename', from: 'note', column: 'remark' }, 'remark', 'column note was renamed to remark'],
  [{ table: orders, change: 'widen', column: 'note' }, 'note', 'column note has another type'],
  [{ table: orders, change: 'key' }, null, 'the key is another'],
  [{ table: orders, change: 'drop-table' }, null, 'the table was dropped'],
])('%j is told as it is', (change, column, words) => {
  expect([columnOf(change), describeChange(change)]).toEqual([column, words]);
});
