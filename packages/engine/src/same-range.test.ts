import { BatchBuilder, type Batch, type KeyRange, type RowValues } from '@weir/sdk';
import { testSeed } from '@weir/testkit';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LaneWorld, boundary } from './lane-world.fake.ts';
import { orders, row } from './world.fake.ts';

const commit = { position: '', version: 0n, time: 0, transactionId: '' };

function copied(rows: readonly RowValues[], range: KeyRange, transaction: number, compare = true): Batch {
  const builder = new BatchBuilder().begin(commit);
  for (const values of rows) builder.read(orders, values);
  return builder.chunk(orders, { range, compare, last: false }).build(boundary(transaction));
}

function created(rows: readonly RowValues[]): Batch {
  const builder = new BatchBuilder().begin({ ...commit, position: boundary(1).position });
  builder.schemaChange({ table: orders, change: 'create', reason: 'first' });
  for (const values of rows) builder.insert(orders, values);
  return builder.build(boundary(1));
}

const all: KeyRange = { after: null, upTo: null };
const three = [row(1, 'a'), row(2, ''), row(3, 'c')];

/** What became of a range that is compared with three rows. */
async function repaired(rows: readonly RowValues[], range: KeyRange = all): Promise<LaneWorld> {
  const world = await LaneWorld.open();
  return await world.deliver(created(three), copied(rows, range, 2));
}

describe('a range that is compared', () => {
  test('is not written where the sink has just these rows, and every row is accounted for (invariant 7)', async () => {
    const world = await repaired(three.toReversed());
    expect(world.writes.map(({ rows }) => rows)).toEqual([3]);
    expect(world.record.rows).toMatchObject({ in: 6, delivered: 3, same: 3, inFlight: 0 });
    expect(world.confirmed.at(-1)).toBe(boundary(2).position);
    expect(world.record.status(0, true).repairs).toEqual({ 'public.orders': { ranges: 1, different: 0, rows: 0 } });
  });

  test.each<[string, readonly RowValues[], KeyRange]>([
    ['has another value', [row(1, 'a'), row(2, 'b'), row(3, 'c')], all],
    ['has NULL for an empty text', [row(1, 'a'), { id: 2, label: null }, row(3, 'c')], all],
    ['has a row that the sink lacks', [...three, row(4, 'd')], all],
    ['lacks a row of the sink', [row(1, 'a'), row(2, '')], all],
    ['lacks all of them', [], { after: ['2'], upTo: null }],
    ['has values of other keys', [row(1, 'c'), row(2, ''), row(3, 'a')], all],
  ])('is written where it %s', async (_, rows, range) => {
    const world = await repaired(rows, range);
    expect(world.writes.map((write) => write.rows)).toEqual([3, rows.length]);
    expect(world.record.rows).toMatchObject({ same: 0, inFlight: 0 });
    const tally = { ranges: 1, different: 1, rows: rows.length };
    expect(world.record.status(0, true).repairs).toEqual({ 'public.orders': tally });
  });

  test('is written without a look where the chunk does not ask for one', async () => {
    const world = await LaneWorld.open();
    await world.deliver(created(three), copied(three, all, 2, false));
    expect(world.writes.map(({ rows }) => rows)).toEqual([3, 3]);
    expect(world.record.status(0, true).repairs).toEqual({});
  });

  test('ends equal to what was read, and is written only when it was not', async () => {
    const rows = fc.uniqueArray(fc.tuple(fc.integer({ min: 0, max: 6 }), fc.constantFrom('a', 'b', '')), { selector: ([id]) => id });
    const valuesOf = (cells: readonly (readonly [number, string])[]): RowValues[] => cells.map(([id, text]) => row(id, text));
    const sorted = (cells: readonly (readonly [number, string])[]): string => JSON.stringify(cells.toSorted(([a], [b]) => a - b));
    const property = fc.asyncProperty(rows, rows, async (there, read) => {
      const world = await LaneWorld.open();
      await world.deliver(created(valuesOf(there)), copied(valuesOf(read), all, 2));
      expect(new Set(world.keys)).toEqual(new Set(read.map(([id]) => id)));
      expect(world.writes.length).toBe(sorted(there) === sorted(read) ? 1 : 2);
    });
    await fc.assert(property, { seed: testSeed, numRuns: 200 });
  });
});
