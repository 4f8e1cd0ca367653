import type { Batch } from '@weir/sdk';

/** A batch that its consumer must not read any more: every cell becomes rubbish, every image another's. */
export function spoiled(batch: Batch): Batch {
  batch.data.fill(0xee);
  batch.length.fill(1);
  batch.after.fill(0);
  batch.before.fill(0);
  return batch;
}
