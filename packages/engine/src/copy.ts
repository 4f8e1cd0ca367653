import type { Batch } from '@weir/sdk';

/**
 * True for the batches of a copy: chunks, and what starts their tables empty before them. They are never replays: a copy
 * that is made again belongs to another snapshot and brings other batches, so it is news for every sink, also for one whose
 * checkpoint lies behind it.
 *
 * A table that is created in the stream, and has its rows there, belongs to a transaction: its batch has a commit, by which
 * a replay is known. Were it taken for a copy, a sink that is ahead would empty a table whose rows it then drops as replayed.
 */
export function isCopy({ chunk, commits, schemaChanges }: Batch): boolean {
  return chunk !== null || (commits.length === 0 && schemaChanges.some(({ change }) => change === 'create'));
}
