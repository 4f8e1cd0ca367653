import { setTimeout as sleep } from 'node:timers/promises';
import type { ZeroDates } from '@weir/binlog';
import { cutOnAbort, query, type ConnectionConfig } from '@weir/mysql';
import { WeirError, toWeirError, type TableName } from '@weir/sdk';
import type { Flavour } from '../checkpoint-state.ts';
import { beginSnapshot, type SnapshotMoment, type StreamPlace } from './chunk-snapshot.ts';
import { RowReader } from './row-reader.ts';

/** How soon it is looked again whether a snapshot sees what the stream has delivered, in ms, and how often. */
const RETRY_MS = 20;
const MOST_TRIES = 250;

export interface SnapshotOptions {
  readonly config: ConnectionConfig;
  readonly flavour: Flavour;
  /** The server that the stream comes from, as `MysqlState.server` has it. */
  readonly server: string;
  readonly zeroDates: ZeroDates;
  /** Of MySQL: tables are locked against writers for the moment in which a snapshot is taken; needed where it has GTIDs off. */
  readonly isLocking: boolean;
}

/** A connection whose reads see one moment of the tables; made when it is needed, and again where it was lost. */
export class SnapshotConnection implements AsyncDisposable {
  readonly #options: SnapshotOptions;
  #reader: RowReader | null = null;
  #locker: RowReader | null = null;

  constructor(options: SnapshotOptions) {
    this.#options = options;
  }

  /**
   * Does something in a snapshot that sees all that the stream has delivered.
   * @param place where the stream stands
   * @returns what was done; null when it cannot be done now: the server does not show yet what it has sent, somebody has a lock, or
   * the tables are not as the statements have them
   * @throws WeirError what connecting met, WEIR_MYSQL_CONNECTION_LOST, WEIR_MYSQL_GRANT, what `work` throws; the signal's reason
   */
  async during<T>(
    tables: readonly TableName[],
    place: StreamPlace,
    signal: AbortSignal,
    work: (reader: RowReader, moment: SnapshotMoment) => Promise<T>,
  ): Promise<T | null> {
    try {
      const reader = await this.#connected(signal);
      using _ = cutOnAbort(reader.client, signal);
      const moment = await this.#snapshot(reader, tables, place, signal);
      if (moment === null) return null;
      const done = await work(reader, moment);
      if (!reader.isLost) await query(reader.client, 'COMMIT');
      return done;
    } catch (error) {
      await this.#close(false);
      signal.throwIfAborted();
      const failure = toWeirError(error);
      if (failure.code === 'WEIR_MYSQL_QUERY' || failure.code === 'WEIR_MYSQL_LOCKED') return null;
      throw failure;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close(true);
  }

  /** The server sends a transaction a little before it shows it. */
  async #snapshot(reader: RowReader, tables: readonly TableName[], place: StreamPlace, signal: AbortSignal): Promise<SnapshotMoment | null> {
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const moment = await beginSnapshot(reader.client, tables, this.#locker?.client ?? null);
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
    throw new WeirError('WEIR_MYSQL_CONNECTION_LOST', `the copy came to another server (${row![0]}) than the stream (${server})`);
  }

  async #close(isPolite: boolean): Promise<void> {
    const readers = [this.#reader, this.#locker];
    this.#reader = null;
    this.#locker = null;
    for (const reader of readers) await reader?.close(isPolite);
  }
}
