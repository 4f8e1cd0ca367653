import { setTimeout as sleep } from 'node:timers/promises';
import type { ZeroDates } from '@weir/binlog';
import { cutOnAbort, query, type ConnectionConfig } from '@weir/mysql';
import { WeirError, toWeirError, type Batch, type Key } from '@weir/sdk';
import type { TableShape } from '../capture/table-shape.ts';
import type { Flavour } from '../checkpoint-state.ts';
import { beginSnapshot, quoteTable, type SnapshotMoment, type StreamPlace } from './chunk-snapshot.ts';
import { keySql } from './key-sql.ts';
import { RowReader, rowCells, selectedColumns } from './row-reader.ts';

/** Bytes that a chunk is to have; one whose rows are larger than those before it is ended at twice as many. */
export const CHUNK_BYTES: number = 8 << 20;
/** How often it is looked whether a snapshot sees what the stream has delivered, in ms, and how often at most. */
const RETRY_MS = 20;
const MOST_TRIES = 250;

export interface ChunkReaderOptions {
  readonly config: ConnectionConfig;
  readonly flavour: Flavour;
  /** The server that the stream comes from, as `MysqlState.server` has it. */
  readonly server: string;
  readonly zeroDates: ZeroDates;
  /** The server goes without GTIDs: tables are locked for the moment in which a snapshot is taken. */
  readonly isLocking: boolean;
}

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
  readonly #options: ChunkReaderOptions;
  #reader: RowReader | null = null;
  #locker: RowReader | null = null;

  constructor(options: ChunkReaderOptions) {
    this.#options = options;
  }

  /**
   * Reads at most `most` rows behind a key, fewer where they are large: see {@link CHUNK_BYTES}.
   * @param place the snapshot sees all that was delivered up to there
   * @returns null when it cannot be read now: the server does not show yet what it has sent, somebody has a lock, or the table is not
   * as the stream has it
   * @throws WeirError what connecting met, WEIR_MYSQL_CONNECTION_LOST, WEIR_MYSQL_GRANT, WEIR_BINLOG_ZERO_DATE; the signal's reason
   */
  async read(shape: TableShape, after: Key | null, most: number, place: StreamPlace, signal: AbortSignal): Promise<ReadChunk | null> {
    const reader = await this.#connected(signal);
    const batches: Batch[] = [];
    try {
      using _ = cutOnAbort(reader.client, signal);
      const moment = await this.#snapshot(reader, shape, place, signal);
      if (moment === null) return null;
      const chunk = await this.#rows(reader, chunkSql(shape, after, most), shape, batches, signal);
      if (!reader.isLost) await query(reader.client, 'COMMIT');
      return { moment, batches, ...chunk, isRest: chunk.isWhole && chunk.rows < most };
    } catch (error) {
      for (const batch of batches) batch.release();
      signal.throwIfAborted();
      const failure = toWeirError(error);
      await this.#close(false);
      if (failure.code === 'WEIR_MYSQL_QUERY' || failure.code === 'WEIR_MYSQL_LOCKED') return null;
      throw failure;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close(true);
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

  /** A snapshot that sees what was delivered, soon: the server sends a transaction a little before it shows it. */
  async #snapshot(reader: RowReader, { table }: TableShape, place: StreamPlace, signal: AbortSignal): Promise<SnapshotMoment | null> {
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const moment = await beginSnapshot(reader.client, [table], this.#locker?.client ?? null);
      if (moment.covers(place)) return moment;
      await query(reader.client, 'ROLLBACK');
      await sleep(RETRY_MS, undefined, { signal });
    }
    return null;
  }

  async #connected(signal: AbortSignal): Promise<RowReader> {
    if (this.#reader?.isLost === true || this.#locker?.isLost === true) await this.#close(false);
    const { config, flavour, isLocking } = this.#options;
    if (this.#reader === null) {
      this.#reader = await RowReader.open(config, flavour, signal);
      await this.#expectServer(this.#reader);
    }
    if (isLocking && flavour === 'mysql') this.#locker ??= await RowReader.open(config, flavour, signal);
    return this.#reader;
  }

  /** Behind one name several servers may answer. */
  async #expectServer({ client }: RowReader): Promise<void> {
    const { flavour, server } = this.#options;
    const own = flavour === 'mysql' ? '@@global.server_uuid' : "CONCAT(@@global.gtid_domain_id, '-', @@global.server_id)";
    const [row] = await query(client, `SELECT ${own}`);
    if (row![0] === server) return;
    await this.#close(true);
    throw new WeirError('WEIR_MYSQL_CONNECTION_LOST', `the copy came to another server (${row![0]}) than the stream (${server})`);
  }

  async #close(isPolite: boolean): Promise<void> {
    const readers = [this.#reader, this.#locker];
    this.#reader = null;
    this.#locker = null;
    for (const reader of readers) await reader?.close(isPolite);
  }
}

function chunkSql(shape: TableShape, after: Key | null, most: number): string {
  const key = keySql(shape);
  const where = after === null ? '' : ` WHERE ${key.after(after)}`;
  return `SELECT ${selectedColumns(shape.table)} FROM ${quoteTable(shape.table)}${where} ORDER BY ${key.ascending} LIMIT ${most}`;
}
