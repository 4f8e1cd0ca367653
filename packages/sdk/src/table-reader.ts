import type { Batch } from './batch.ts';
import type { Table } from './table.ts';

/**
 * Reads tables of a source or a sink one after the other. What all of them need, such as a connection and the catalog, is
 * opened with the first and kept until it is disposed. A scan must have ended before the next one begins.
 */
export interface TableReader extends AsyncDisposable {
  /** As `scan` of the source or the sink. What has changed since its first scan, it may not know. */
  scan(table: Table, signal: AbortSignal): AsyncIterable<Batch>;
}
