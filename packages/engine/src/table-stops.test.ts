import { describe, expect, test } from 'vitest';
import { WeirError } from '@weir/sdk';
import { TableStops } from './table-stops.ts';
import { orders } from './world.fake.ts';

const NAME = 'public.orders';
const error = new WeirError('WEIR_SINK_TYPE', 'no such type', { table: NAME });
const reason = { code: error.code, message: error.message };

/** Stops in which orders failed at the end of a batch, and the next attempt has told the sink. */
function failedAt(at: string, isCopied = false): TableStops {
  const stops = new TableStops();
  stops.failed(NAME, orders, { error, reason, at, isCopied });
  return nextAttempt(stops);
}

/** @param marks what the sink has durably */
function nextAttempt(stops: TableStops, marks: ReadonlyMap<string, typeof reason> = new Map()): TableStops {
  stops.abandoned();
  stops.opened(marks);
  for (const { table, reason: why } of stops.unmarked) stops.marked(`${table.namespace}.${table.name}`, why);
  return stops;
}

describe('a table that failed', () => {
  test('is known by its error, with how often it failed', () => {
    const stops = failedAt('3');
    expect(stops.stoppedBy(error)).toEqual({ name: NAME, times: 1 });
    expect(stops.stoppedBy(new WeirError('WEIR_SINK_TYPE', 'no such type', { table: NAME }))).toBeNull();
    stops.failed(NAME, orders, { error, reason, at: '4', isCopied: false });
    expect(stops.stoppedBy(error)).toEqual({ name: NAME, times: 2 });
  });

  test('is marked in each attempt until a commit has the mark', () => {
    const stops = failedAt('3');
    expect(nextAttempt(stops).all.get(NAME)).toEqual(reason);
    stops.committed('1');
    expect(stops.unmarked).toEqual([]);
    expect(nextAttempt(stops, new Map([[NAME, reason]])).all.has(NAME)).toBe(true);
  });

  test('and was started again is not marked once more by a later attempt', () => {
    const stops = failedAt('3');
    stops.started(NAME);
    stops.committed('5');
    expect([stops.unmarked, nextAttempt(stops).all.size]).toEqual([[], 0]);
  });

  test('but whose start was not committed is', () => {
    const stops = failedAt('3');
    stops.started(NAME);
    expect(nextAttempt(stops).all.has(NAME)).toBe(true);
  });
});

describe('a `create` is held back', () => {
  test('up to the end of the batch that failed, and no further', () => {
    const stops = failedAt('3');
    expect([stops.holdsBack(NAME, '2', false), stops.holdsBack(NAME, '3', false)]).toEqual([true, true]);
    expect(stops.holdsBack(NAME, '4', false)).toBe(false);
  });

  test('until that is committed', () => {
    const stops = failedAt('3');
    stops.committed('2');
    expect(stops.holdsBack(NAME, '3', false)).toBe(true);
    stops.committed('3');
    expect(stops.holdsBack(NAME, '3', false)).toBe(false);
  });

  test('in a copy until the last chunk of the table is committed, in however many attempts', () => {
    const stops = failedAt('3', true);
    stops.committed('9');
    expect(stops.holdsBack(NAME, '8', true)).toBe(true);
    stops.passed(NAME, true);
    nextAttempt(stops, new Map([[NAME, reason]]));
    stops.committed('9');
    expect(stops.holdsBack(NAME, '9', true)).toBe(true);
    stops.passed(NAME, false);
    stops.committed('9');
    stops.passed(NAME, true);
    expect(stops.holdsBack(NAME, '9', true)).toBe(true);
    stops.committed('9');
    expect(stops.holdsBack(NAME, '9', true)).toBe(false);
  });

  test('that failed before any chunk: the copy that follows counts', () => {
    const stops = failedAt('3');
    expect(stops.holdsBack(NAME, '7', true)).toBe(true);
    stops.committed('8');
    expect(stops.holdsBack(NAME, '9', true)).toBe(true);
  });

  test('not for a mark of an earlier process', () => {
    const stops = new TableStops();
    expect(stops.opened(new Map([[NAME, reason]]))).toEqual([[NAME, reason]]);
    expect(stops.holdsBack(NAME, '1', true)).toBe(false);
    expect(stops.opened(new Map([[NAME, reason]])), 'told once').toEqual([]);
  });
});
