import type { Batch, TableRows } from '@weir/sdk';
import type { Layout } from './layout.ts';

/** Writes one version of a table within the session's transaction: `MirrorWriter` or `HistoryWriter`. */
export interface TableWriter<E = unknown> {
  readonly layout: Layout<E>;
  /** True when this commit group has had a row for the table. */
  readonly touched: boolean;
  /** @param part what the batch has for this table */
  write(batch: Batch, part: TableRows): Promise<void>;
  /** Makes the target hold everything that was written. */
  settle(): Promise<void>;
  /** To be called after a commit. */
  startGroup(): void;
  /** Forgets what is not in the target, and gives up what it has on the server. */
  close(): Promise<void>;
}
