import { describe, expect, test } from 'vitest';
import type { Checkpoint, Table } from '@weir/sdk';
import { ManualClock } from './manual-clock.ts';
import { MemoryTables } from './memory-tables.ts';
import { PrunedLog, type LoggedChange } from './pruned-log.ts';
import { boundaryOf, stateOf } from './pruning-position.ts';
import { PruningSource, type PruningSourceOptions } from './pruning-source.ts';
import { Reading } from './reading.ts';
import { nullable, ordersTable, withColumn, withRenamed, withoutColumn } from './sink-contract-tables.ts';
import { contractOptions, contractShard } from './sink-driver.ts';
import { contentOf } from './table-content.ts';
import { eventsOf } from './table-events.ts';

const orders = withoutColumn(withoutColumn(ordersTable(), 'paid'), 'amount');
const wide = withColumn(orders, nullable('city', { kind: 'string' }));
const renamed = withRenamed(wide, 'note', 'remark');
const customers: Table = { ...orders, name: 'customers' };

const add: LoggedChange = { op: 'schema', change: { table: wide, change: 'add', column: 'city', value: 'Bonn' } };
const rename: LoggedChange = { op: 'schema', change: { table: renamed, change: 'rename', column: 'remark', from: 'note' } };
const create: LoggedChange = { op: 'schema', change: { table: customers, change: 'create', reason: 'new' } };

function insert(table: Table, id: number): LoggedChange {
  return { op: 'insert', table, after: { id, city: 'Rome' } };
}

/** A log with changes of shape between rows of a transaction, and between transactions. */
function reshapedLog(): PrunedLog {
  const log = new PrunedLog([orders], new ManualClock());
  log.commit([insert(orders, 1), insert(orders, 2), add, insert(wide, 3)]);
  log.commit([rename]);
  log.commit([insert(renamed, 4), create, insert(customers, 1)]);
  log.commit([{ op: 'delete', table: renamed, before: { id: 1 } }]);
  log.commit([{ op: 'schema', change: { table: customers, change: 'drop-table' } }]);
  return log;
}

async function read(log: PrunedLog, from: Checkpoint | null, options: Partial<PruningSourceOptions> = {}): Promise<Reading> {
  const source = new PruningSource({ log, clock: new ManualClock(), ...options });
  await using reading = await Reading.open(source, from);
  await reading.untilHead();
  return reading;
}

const events = [
  'public.orders insert {"id":"1","note":null}',
  'public.orders insert {"id":"2","note":null}',
  'public.orders add city = Bonn',
  'public.orders insert {"id":"3","note":null,"city":"Rome"}',
  'public.orders rename remark from note',
  'public.orders insert {"id":"4","remark":null,"city":"Rome"}',
  'public.customers create new',
  'public.customers insert {"id":"1","note":null}',
  'public.orders delete {"id":"1","remark":null,"city":null}',
  'public.customers drop-table',
];

describe('a log whose tables change', () => {
  test('is read in order: rows before a change, the change, rows after it', async () => {
    for (const rowsPerBatch of [1, 2, 4, 100]) {
      const { seen } = await read(reshapedLog(), null, { rowsPerBatch, transactionsPerBatch: 3 });
      expect(eventsOf(seen)).toEqual(events);
      const inTheMiddle = seen.filter(({ schemaChanges, checkpoint }) => schemaChanges.length > 0 && checkpoint === null);
      for (const { commits } of inTheMiddle) expect(commits).toHaveLength(1);
    }
  });

  test('is read from any checkpoint, with exactly the rest', async () => {
    const { seen } = await read(reshapedLog(), null);
    for (const [i, { checkpoint }] of seen.entries()) {
      if (checkpoint === null) continue;
      expect(eventsOf((await read(reshapedLog(), checkpoint)).seen)).toEqual(eventsOf(seen.slice(i + 1)));
    }
  });

  test('is copied in the shapes of now', async () => {
    const { seen } = await read(reshapedLog(), null, { copies: true });
    expect(eventsOf(seen).slice(0, 2)).toEqual([
      'public.orders create first',
      'public.orders read {"id":"2","remark":null,"city":"Bonn"}',
    ]);
  });

  test('knows a table that appeared as copied, until it goes', async () => {
    const { seen } = await read(reshapedLog(), null);
    const copied = seen.flatMap(({ checkpoint }) => (checkpoint === null ? [] : [Object.keys(stateOf(checkpoint).copied)]));
    expect(copied).toContainEqual(['public.orders', 'public.customers']);
    expect(copied.at(-1)).toEqual(['public.orders']);
  });

  test('shows nothing of tables that are not read', async () => {
    const { seen } = await read(reshapedLog(), null, { tables: [orders] });
    expect(eventsOf(seen)).toEqual(events.filter((event) => event.startsWith('public.orders')));
  });

  test('holds at each boundary what a strict mirror of its batches holds', async () => {
    const log = reshapedLog();
    const mirror = new MemoryTables();
    const { seen } = await read(log, null, { rowsPerBatch: 1 });
    let boundaries = 0;
    for (const batch of seen) {
      mirror.apply(batch, { shard: contractShard, options: contractOptions });
      if (batch.checkpoint === null) continue;
      expect(contentOf(mirror.mirrors())).toEqual(log.content(++boundaries));
      expect(batch.checkpoint.position).toBe(boundaryOf(boundaries));
    }
    expect(boundaries).toBe(log.head);
  });

  test('refuses what a database would refuse', () => {
    const log = reshapedLog();
    const refused: LoggedChange[] = [
      add,
      rename,
      insert(orders, 9),
      insert(customers, 9),
      { op: 'schema', change: { table: orders, change: 'drop', column: 'note' } },
      { op: 'schema', change: { table: customers, change: 'widen', column: 'id' } },
    ];
    for (const change of refused) expect(() => log.commit([change])).toThrow(/cannot be|no table|has not the columns/);
    expect(log.head).toBe(5);
  });
});
