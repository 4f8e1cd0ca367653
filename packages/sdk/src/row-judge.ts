import type { BatchWriter } from './batch-writer.ts';

/** Decides, row by row, what of a table belongs in the batch: for one that is copied while its changes stream. */
export interface RowJudge {
  /**
   * Called when a row is whole and the writer's last one; it may turn an update of the key into its delete or its insert.
   * @returns false to have it left out, and counted
   */
  keeps(writer: BatchWriter): boolean;
  /** The table is truncated. The row of that is kept. */
  truncated(): void;
}
