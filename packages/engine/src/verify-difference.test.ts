import { describe, expect, test } from 'vitest';
import { BatchBuilder, type Batch, type Column, type Table } from '@weir/sdk';
import { KeyComparison } from './verify-difference.ts';
import { BUCKETS } from './verify-digest.ts';

const int: Column = { name: 'id', type: { kind: 'int', bits: 64 }, nullable: false, sourceType: 'bigint' };
const table: Table = { namespace: 'public', name: 't', version: 1, columns: [int, { ...int, name: 'value' }], key: [0] };
const allBuckets = Array.from({ length: BUCKETS }, (_, bucket) => bucket);

function batchOf(ids: readonly number[], value: (id: number) => number): Batch {
  const builder = new BatchBuilder().begin({ position: '0', version: 0n, time: 0, transactionId: '' });
  for (const id of ids) builder.read(table, { id, value: value(id) });
  return builder.build(null);
}

const ids = Array.from({ length: 40 }, (_, id) => id);

describe('KeyComparison', () => {
  test('looks only at the keys of its buckets', () => {
    const none = new KeyComparison(table, [], 100);
    none.addSource(batchOf(ids, () => 1));
    expect(none.differing()).toEqual([]);
    const all = new KeyComparison(table, allBuckets, 100);
    all.addSource(batchOf(ids, () => 1));
    expect(all.differing()).toHaveLength(40);
  });

  test('with more keys than it may hold judges those it holds, and rightly', () => {
    const comparison = new KeyComparison(table, allBuckets, 10);
    comparison.addSource(batchOf(ids, () => 1));
    comparison.addSink(batchOf([...ids.toReversed(), 1000], (id) => id % 2));
    // Ids 0 to 9 came first; every other key is on one side only for it, and must not be called missing or extra.
    expect(comparison.differing().toSorted((a, b) => a.key.localeCompare(b.key))).toEqual(
      [0, 2, 4, 6, 8].map((id) => ({ key: `(id=${id})`, problem: 'different' })),
    );
  });
});
