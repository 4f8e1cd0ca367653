import { selected, textCells, type TextRewrite, type ZeroDates } from '@weir/binlog';
import { connect, cutOnAbort, query, quoteIdentifier, serverError, type ConnectionConfig, type MysqlClient } from '@weir/mysql';
import { BatchWriter, Op, toWeirError, type Batch, type Table, type WeirError } from '@weir/sdk';
import type { Flavour } from '../checkpoint-state.ts';
import { RowPackets } from './row-packets.ts';
import { writeTextRow } from './text-row.ts';

/** How long a statement may wait for somebody who alters its table, in s: whoever comes behind them waits for both. */
const LOCK_WAIT_S = 5;
/** How long the server waits for a reader that is slow, in s: its sinks may be. */
const SLOW_READER_S = 86_400;

/**
 * Rows that a query answers, in batches, over a connection of its own. What it selects becomes the cells that the log's decoder
 * gives (invariant 9).
 */
export class RowReader implements AsyncDisposable {
  readonly client: MysqlClient;
  readonly #writer = new BatchWriter();

  private constructor(client: MysqlClient) {
    this.client = client;
  }

  /** @throws WeirError what connecting met, or the server's answer to the session's settings; the signal's reason */
  static async open(config: ConnectionConfig, flavour: Flavour, signal: AbortSignal): Promise<RowReader> {
    const client = await connect(config, signal);
    using _ = cutOnAbort(client, signal);
    try {
      await query(client, 'SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ');
      await query(client, `SET ${SESSION[flavour]}`);
      return new RowReader(client);
    } catch (error) {
      await client.close(false);
      signal.throwIfAborted();
      throw error;
    }
  }

  get isLost(): boolean {
    return this.client.socket.destroyed;
  }

  /**
   * Reads all rows that a query answers. Batches have no checkpoint and one commit that says nothing; who sends them on sets both.
   * @param sql selects what {@link selectedColumns} says
   * @param give gets each batch; what it returns is waited for, and meanwhile the server waits (invariant 8). False: nothing more is
   * wanted, which costs the connection
   * @returns whether all rows were read
   * @throws WeirError what the server answers, WEIR_MYSQL_CONNECTION_LOST, WEIR_BINLOG_ZERO_DATE; the signal's reason
   */
  async read(sql: string, cells: RowCells, give: (batch: Batch) => boolean | Promise<boolean>, signal: AbortSignal): Promise<boolean> {
    using _ = cutOnAbort(this.client, signal);
    const reading = new Reading(this.client, this.#writer, cells, give);
    try {
      await this.client.packets(sql, (chunk) => reading.arrived(chunk));
      return await reading.end();
    } catch (error) {
      this.client.socket.destroy();
      signal.throwIfAborted();
      if (reading.isEnough) return false;
      throw reading.failure ?? serverError(error, reading.doing);
    }
  }

  /** As `read`, for whoever pulls. Who stops in the middle loses the connection. */
  async *batches(sql: string, cells: RowCells, signal: AbortSignal): AsyncGenerator<Batch> {
    let offered: { readonly batch: Batch; readonly taken: (isWanted: boolean) => void } | null = null;
    let isOver = false;
    let news = Promise.withResolvers<void>();
    const offer = async (batch: Batch): Promise<boolean> =>
      await new Promise((taken) => {
        offered = { batch, taken };
        news.resolve();
      });
    const reading = this.read(sql, cells, offer, signal).finally(() => {
      isOver = true;
      news.resolve();
    });
    // Whoever stops does not wait for it.
    reading.catch(() => {});
    let taken: ((isWanted: boolean) => void) | null = null;
    try {
      for (;;) {
        await news.promise;
        news = Promise.withResolvers();
        const next = offered as { readonly batch: Batch; readonly taken: (isWanted: boolean) => void } | null;
        offered = null;
        if (next !== null) {
          taken = next.taken;
          yield next.batch;
          taken(true);
          taken = null;
        } else if (isOver) break;
      }
      await reading;
    } finally {
      taken?.(false);
    }
  }

  /** Ends the connection. @param isPolite see `MysqlClient.close` */
  async close(isPolite = true): Promise<void> {
    await this.client.close(isPolite);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** What reads the same whatever the server's defaults. A date that is none of the calendar is a value like others. */
const SESSION: Readonly<Record<Flavour, string>> = {
  mysql: session('SESSION max_execution_time = 0'),
  mariadb: session('SESSION max_statement_time = 0'),
};

function session(more: string): string {
  return [
    `SESSION autocommit = 1, sql_mode = 'ALLOW_INVALID_DATES', sql_big_selects = 1, sql_select_limit = DEFAULT, lock_wait_timeout = ${LOCK_WAIT_S}`,
    `SESSION net_write_timeout = ${SLOW_READER_S}, ${more}`,
  ].join(', ');
}

/** How the columns of a query become the cells of a table. */
export interface RowCells {
  readonly table: Table;
  readonly rewrites: readonly (TextRewrite | null)[];
}

/**
 * The cells of a table's columns, in its order.
 * @param zeroDates of columns that are no part of the key; a key has no NULL, so that a date of one that is none of the calendar is
 * an error then
 */
export function rowCells(table: Table, zeroDates: ZeroDates): RowCells {
  const rewrites = table.columns.map(({ name, sourceType }, column) => {
    const own = zeroDates === 'null' && table.key.includes(column) ? 'error' : zeroDates;
    return textCells(`column "${name}"`, sourceType, own)!.rewrite;
  });
  return { table, rewrites };
}

/** What a query selects so that its rows are those of a table. */
export function selectedColumns({ columns }: Table): string {
  return columns.map(({ name, sourceType }) => selected(quoteIdentifier(name), sourceType)).join(', ');
}

/** An answer that is read. */
class Reading {
  readonly doing: string;
  readonly #client: MysqlClient;
  readonly #writer: BatchWriter;
  readonly #cells: RowCells;
  readonly #give: (batch: Batch) => boolean | Promise<boolean>;
  readonly #packets: RowPackets;
  #given: Promise<void> = Promise.resolve();
  /** Batches that nobody has taken yet: the server waits. */
  #waiting = 0;
  failure: WeirError | null = null;
  isEnough = false;

  constructor(client: MysqlClient, writer: BatchWriter, cells: RowCells, give: (batch: Batch) => boolean | Promise<boolean>) {
    this.doing = `reading ${cells.table.name}`;
    this.#client = client;
    this.#writer = writer;
    this.#cells = cells;
    this.#give = give;
    this.#packets = new RowPackets(writer, (start, end) => this.#row(start, end), this.doing);
  }

  arrived(chunk: Buffer): boolean {
    return this.#packets.arrived(chunk);
  }

  /** @returns whether all rows were wanted */
  async end(): Promise<boolean> {
    if (this.#writer.rows > 0) this.#close();
    else this.#packets.close(null);
    await this.#given;
    if (this.failure !== null) throw this.failure;
    return !this.isEnough;
  }

  #row(start: number, end: number): void {
    const writer = this.#writer;
    if (writer.rows === 0) writer.addCommit(unknownCommit);
    writer.beginRow(Op.read, writer.tableIndex(this.#cells.table), 0, writer.rows + 1);
    writer.beginAfter();
    writeTextRow(writer, this.#cells.rewrites, start, end);
    if (writer.isFull(this.#packets.taken)) this.#close();
  }

  #close(): void {
    const batch = this.#packets.close(null);
    this.#waiting++;
    this.#client.socket.pause();
    this.#given = this.#given.then(async () => await this.#hand(batch));
  }

  async #hand(batch: Batch): Promise<void> {
    const { socket } = this.#client;
    if (this.isEnough || this.failure !== null) return batch.release();
    try {
      if (await this.#give(batch)) {
        if (--this.#waiting === 0) socket.resume();
        return;
      }
      this.isEnough = true;
    } catch (error) {
      this.failure = toWeirError(error);
    }
    socket.destroy();
  }
}

const unknownCommit = { position: '', version: 0n, time: 0, transactionId: '' };
