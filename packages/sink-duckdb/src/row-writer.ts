import type { Batch, Table, TableRows } from '@weir/sdk';
import type { NotFinite } from './encode.ts';
import type { Layout } from './layout.ts';
import type { Target } from './target.ts';

/** From this many rows on an appender has more than one of DuckDB's row groups, and gains nothing by waiting. */
export const FLUSH_ROWS = 122_880;

/** Writes the rows of one version of a table within the session's transaction. */
export interface RowWriter {
  readonly table: Table;
  readonly target: Target;
  /** Memory that waits to be flushed, in bytes. */
  readonly pendingBytes: number;
  /** True when this commit group has had a row for the table. */
  touched: boolean;
  /** True when the target lacks nothing but what was appended and not flushed: no deletes are to come. */
  readonly isSettled: boolean;
  /** @param part what the batch has for this table */
  write(batch: Batch, part: TableRows): Promise<void>;
  /** Merges what waits in the target's delta, if it has one. Everything must be settled. */
  mergeWaiting(): Promise<void>;
  /** Hands rows that can wait no longer to DuckDB. */
  flush(): void;
  /** Ends the appender, which a change of the target's columns would break; its rows are in the target then. */
  endAppend(): Promise<void>;
  /** Makes the target hold everything that was written. */
  settle(): Promise<void>;
  /** The target has other columns beside those of the table than before. */
  useLayout(layout: Layout): void;
  /** Forgets what is not in the target yet. Must come before a rollback, see `Loader`. */
  discard(): void;
  /** Forgets what is not in the target yet, and drops temporary tables. For a table that is replaced or rests. */
  close(): Promise<void>;
}

/** What a writer may ask of the tables that it is one of. */
export interface WriterHost {
  /** Makes a column VARCHAR. @returns the layout from then on @throws the error itself where that is not configured */
  toText(target: Target, table: Table, error: NotFinite): Promise<Layout>;
  /** Whether changes of a target are to wait in a delta. */
  wantsDelta(target: Target): Promise<boolean>;
  /** The time that the sink's clock shows, in ms since 1970. */
  now(): number;
}
