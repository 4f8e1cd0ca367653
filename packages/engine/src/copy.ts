import type { Batch } from '@weir/sdk';

/**
 * True for the batches of a copy: chunks, and what starts their tables empty before them. They are never replays: a copy
 * that is made again belongs to another snapshot and brings other batches, so it is news for every sink, also for one whose
 * checkpoint lies behind it.
 */
export function isCopy(batch: Batch): boolean {
  return batch.chunk !== null || batch.schemaChanges.some(({ change }) => change === 'create');
}
