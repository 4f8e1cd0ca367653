import type { Batch, Table } from '@weir/sdk';
import { HASH_WORDS } from './verify-hash.ts';
import { RowHasher } from './verify-row.ts';

/** Rows are summed up in this many buckets, by the high bits of the hash of their key. */
export const BUCKETS = 65_536;

/** The bucket of a key. @param high the first word of the key's hash */
export function bucketOf(high: number): number {
  return high >>> 16;
}

/**
 * What is remembered of one side of a table, in 1.5 MiB whatever its size. Nothing in it depends on the order of the rows:
 * hashes are added modulo 2^64, since with exclusive or two equal rows would cancel.
 */
export class TableDigest {
  readonly #hasher: RowHasher;
  rows = 0;
  /** For each column, the sum of its cells' hashes as two words. */
  readonly columnSums: Uint32Array;
  /** For each bucket, the sum of its rows' hashes as two words. */
  readonly bucketSums: Uint32Array = new Uint32Array(BUCKETS * 2);
  readonly bucketRows: Float64Array = new Float64Array(BUCKETS);

  constructor(table: Table) {
    this.#hasher = new RowHasher(table);
    this.columnSums = new Uint32Array(table.columns.length * 2);
  }

  /** Adds the rows of a batch. `seen` gets the first two words of the hash of each row's key. */
  add(batch: Batch, seen: (high: number, low: number) => void): void {
    const hasher = this.#hasher;
    const { cells, row, key } = hasher;
    const columns = this.columnSums.length / 2;
    hasher.use(batch);
    for (let i = 0; i < batch.rows; i++) {
      hasher.hashRow(i);
      for (let column = 0; column < columns; column++) addTo(this.columnSums, column, cells, column * HASH_WORDS);
      const bucket = bucketOf(key[0]!);
      addTo(this.bucketSums, bucket, row, 0);
      this.bucketRows[bucket]!++;
      seen(key[0]!, key[1]!);
    }
    this.rows += batch.rows;
  }
}

/** `sums[index] += hash` modulo 2^64; the first word is the high one. */
function addTo(sums: Uint32Array, index: number, hash: Uint32Array, at: number): void {
  const low = sums[index * 2 + 1]! + hash[at + 1]!;
  sums[index * 2 + 1] = low;
  sums[index * 2] = sums[index * 2]! + hash[at]! + (low > 0xffff_ffff ? 1 : 0);
}

/** The buckets whose rows differ, in order. None: the two sides hold the same rows, each as often. */
export function differingBuckets(a: TableDigest, b: TableDigest): number[] {
  const differing: number[] = [];
  for (let bucket = 0; bucket < BUCKETS; bucket++) {
    const asMany = a.bucketRows[bucket] === b.bucketRows[bucket];
    if (!asMany || sumsDiffer(a.bucketSums, b.bucketSums, bucket)) differing.push(bucket);
  }
  return differing;
}

/** The columns whose values differ as a whole, whichever rows they stand in. */
export function differingColumns(table: Table, a: TableDigest, b: TableDigest): string[] {
  return table.columns.filter((_, index) => sumsDiffer(a.columnSums, b.columnSums, index)).map((column) => column.name);
}

function sumsDiffer(a: Uint32Array, b: Uint32Array, index: number): boolean {
  return a[index * 2] !== b[index * 2] || a[index * 2 + 1] !== b[index * 2 + 1];
}
