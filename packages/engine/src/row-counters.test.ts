import { describe, expect, test } from 'vitest';
import { BatchBuilder } from '@weir/sdk';
import { RowTally, imbalance, zeroCounters } from './row-counters.ts';
import { customers, orders, row } from './world.fake.ts';

function builder(): BatchBuilder {
  return new BatchBuilder().begin({ position: '1', version: 1n, time: 0, transactionId: '1' });
}

describe('imbalance (invariant 7)', () => {
  test('is 0 when every row that came in or was made is somewhere', () => {
    expect(imbalance(zeroCounters())).toBe(0);
    const counts = { delivered: 1, filtered: 2, skipped: 4, same: 128, replayed: 8, deadLetters: 16, abandoned: 32, inFlight: 64 };
    expect(imbalance({ in: 228, made: 27, ...counts })).toBe(0);
  });

  test('counts the rows that are missing, and those that are too many', () => {
    expect(imbalance({ ...zeroCounters(), in: 3, delivered: 1 })).toBe(2);
    expect(imbalance({ ...zeroCounters(), in: 3, delivered: 4 })).toBe(-1);
  });

  const places = ['delivered', 'filtered', 'skipped', 'replayed', 'same', 'deadLetters', 'abandoned', 'inFlight'] as const;
  test.each(places)('knows %s', (place) => {
    expect(imbalance({ ...zeroCounters(), in: 1, [place]: 1 })).toBe(0);
  });
});

describe('RowTally', () => {
  test('counts rows by table and operation', () => {
    const tally = new RowTally();
    const some = builder().insert(orders, row(1, 'a')).insert(customers, row(1, 'b')).update(orders, row(1, 'c'));
    const more = builder().read(orders, row(2, 'd')).delete(orders, row(1, '')).insert(orders, row(1, 'e'));
    tally.count(some.build(null));
    tally.count(more.truncate(customers).build(null));
    expect(tally.rows).toBe(7);
    expect(tally.byTable).toEqual({ 'public.orders': 5, 'public.customers': 2 });
    expect(tally.events).toEqual({
      'public.orders': { insert: 2, update: 1, read: 1, delete: 1 },
      'public.customers': { insert: 1, truncate: 1 },
    });
  });

  test('a logical message is a row of no table', () => {
    const tally = new RowTally();
    tally.count(builder().message('prefix', new Uint8Array(2)).insert(orders, row(1, 'a')).build(null));
    expect(tally.rows).toBe(2);
    expect(tally.byTable).toEqual({ 'public.orders': 1 });
    expect(tally.events).toEqual({ '': { message: 1 }, 'public.orders': { insert: 1 } });
  });

  test('moves what it counted into another', () => {
    const [group, total] = [new RowTally(), new RowTally()];
    for (let i = 0; i < 2; i++) {
      group.count(builder().insert(orders, row(1, 'a')).build(null));
      group.moveInto(total);
      expect([group.rows, group.events]).toEqual([0, {}]);
    }
    expect([total.rows, total.events]).toEqual([2, { 'public.orders': { insert: 2 } }]);
  });
});
