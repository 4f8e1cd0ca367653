import { filterRows, keyOrder, type Batch, type Key, type KeyRange } from '@weir/sdk';
import type { ChunkState } from '../position.ts';
import { keyAt, type ChunkPart } from './copy-round.ts';

/** What a batch of a chunk holds, and how far the table is with it. */
export interface Taken {
  readonly range: KeyRange;
  readonly chunks: ChunkState;
  readonly rows: Batch;
}

/** Rows come in the order of their keys, so each batch holds the range up to its last row. */
export function bulk(before: ChunkState, { table, isRest }: ChunkPart, batch: Batch, isLast: boolean): Taken {
  const isEnd = isRest && isLast;
  const last = batch.rows === 0 ? before.upTo : keyAt(batch, table, batch.rows - 1);
  const range = { after: before.upTo, upTo: isEnd ? null : last };
  return { range, chunks: { ...before, upTo: last, done: isEnd, rows: before.rows + batch.rows }, rows: batch };
}

/**
 * The rows are that before the hole and that in it, or two before it.
 * @param first the key of the first of them, when it came in a batch of its own
 */
export function refill(before: ChunkState, { table, hole: key }: ChunkPart, batch: Batch, first: Key | null): Taken {
  const order = keyOrder(table.table)!;
  const hole = key!;
  const keys = Array.from({ length: batch.rows }, (_, row) => keyAt(batch, table, row));
  const after = keys.findLast((other) => order(other, hole) < 0) ?? first;
  const rows = filterRows(batch, (row) => order(keys[row]!, hole) === 0);
  const holes = before.holes.filter((other) => order(other, hole) !== 0);
  return { range: { after, upTo: hole }, chunks: { ...before, holes, rows: before.rows + rows.rows }, rows };
}
