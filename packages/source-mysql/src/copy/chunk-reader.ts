import type { Batch, Key } from '@weir/sdk';
import type { TableShape } from '../capture/table-shape.ts';
import { quoteTable, type SnapshotMoment, type StreamPlace } from './chunk-snapshot.ts';
import { keySql } from './key-sql.ts';
import { rowCells, selectedColumns, type RowReader } from './row-reader.ts';
import { SnapshotConnection, type SnapshotOptions } from './snapshot-connection.ts';

/** Bytes that a chunk is to have; one whose rows are larger than those before it is ended at twice as many. */
export const CHUNK_BYTES: number = 8 << 20;

/** Rows of a table in the order of its key. */
export interface ReadChunk {
  readonly moment: SnapshotMoment;
  /** Without checkpoints; whoever sends them on sets it, and releases them. */
  readonly batches: readonly Batch[];
  readonly rows: number;
  readonly bytes: number;
  /** The table has no rows behind it. */
  readonly isRest: boolean;
}

/** A connection that reads chunks, one at a time, each in a snapshot of its own. */
export class ChunkReader implements AsyncDisposable {
  readonly #options: SnapshotOptions;
  readonly #connection: SnapshotConnection;

  constructor(options: SnapshotOptions) {
    this.#options = options;
    this.#connection = new SnapshotConnection(options);
  }

  /**
   * Reads at most `most` rows behind a key, fewer where they are large: see {@link CHUNK_BYTES}.
   * @param place the snapshot sees all that was delivered up to there
   * @returns null when it cannot be read now
   * @throws what `SnapshotConnection.during` throws, WeirError WEIR_BINLOG_ZERO_DATE; the signal's reason
   */
  async read(shape: TableShape, after: Key | null, most: number, place: StreamPlace, signal: AbortSignal): Promise<ReadChunk | null> {
    const batches: Batch[] = [];
    const sql = chunkSql(shape, after, most);
    let chunk: ReadChunk | null = null;
    try {
      chunk = await this.#connection.during([shape.table], place, signal, async (reader, moment) => {
        const read = await this.#rows(reader, sql, shape, batches, signal);
        return { moment, batches, rows: read.rows, bytes: read.bytes, isRest: read.isWhole && read.rows < most };
      });
      return chunk;
    } finally {
      if (chunk === null) for (const batch of batches) batch.release();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#connection[Symbol.asyncDispose]();
  }

  async #rows(
    reader: RowReader,
    sql: string,
    { table }: TableShape,
    batches: Batch[],
    signal: AbortSignal,
  ): Promise<{ readonly rows: number; readonly bytes: number; readonly isWhole: boolean }> {
    let rows = 0;
    let bytes = 0;
    const take = (batch: Batch): boolean => {
      batches.push(batch);
      rows += batch.rows;
      bytes += batch.bytes;
      return bytes < 2 * CHUNK_BYTES;
    };
    const isWhole = await reader.read(sql, rowCells(table, this.#options.zeroDates), take, signal);
    return { rows, bytes, isWhole };
  }
}

function chunkSql(shape: TableShape, after: Key | null, most: number): string {
  const key = keySql(shape);
  const where = after === null ? '' : ` WHERE ${key.after(after)}`;
  return `SELECT ${selectedColumns(shape.table)} FROM ${quoteTable(shape.table)}${where} ORDER BY ${key.ascending} LIMIT ${most}`;
}
