import type { Batch } from './batch.ts';

/** A row that a transform could not take; it goes to the dead letters. */
export interface RejectedRow {
  readonly row: number;
  readonly code: string;
  readonly message: string;
}

export interface Transformed {
  readonly batch: Batch;
  readonly rejected: readonly RejectedRow[];
  /** Rows that the transform left out on purpose. */
  readonly filtered: number;
  /** Rows that the transform added. */
  readonly made: number;
}

/** Changes batches on their way. Keeps commits and checkpoint, and is deterministic: a replay gives the same bytes. */
export interface Transform {
  readonly name: string;
  apply(batch: Batch): Transformed | Promise<Transformed>;
  /** State of a transform that has any, saved before the sink commits the checkpoint that it belongs to. */
  snapshot?(): Uint8Array;
  restore?(state: Uint8Array): void;
}
