import { keyOrder, type Batch, type Key, type KeyRange } from '@weir/sdk';
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
 * The row in the hole, if it is still there. Its key alone was read: what happened to the keys around it is in the stream, and
 * nowhere else.
 */
export function refill(before: ChunkState, { table }: ChunkPart, hole: Key, batch: Batch): Taken {
  const order = keyOrder(table.table)!;
  const holes = before.holes.filter((other) => order(other, hole) !== 0);
  return { range: { after: hole, upTo: hole }, chunks: { ...before, holes, rows: before.rows + batch.rows }, rows: batch };
}
