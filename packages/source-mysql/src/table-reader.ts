import type { ZeroDates } from '@weir/binlog';
import type { ConnectionConfig } from '@weir/mysql';
import { WeirError, type Batch, type Table, type TableReader } from '@weir/sdk';
import type { Flavour } from './checkpoint-state.ts';
import { quoteTable } from './copy/chunk-snapshot.ts';
import { RowReader, rowCells, selectedColumns } from './copy/row-reader.ts';

/** Reads whole tables over one connection, one after the other. A scan that does not end takes it along; the next has a new one. */
export class MysqlTableReader implements TableReader {
  readonly #config: ConnectionConfig;
  readonly #flavour: Flavour;
  readonly #zeroDates: ZeroDates;
  #reader: RowReader | null = null;

  constructor(config: ConnectionConfig, flavour: Flavour, zeroDates: ZeroDates) {
    this.#config = config;
    this.#flavour = flavour;
    this.#zeroDates = zeroDates;
  }

  /**
   * @param table as `discover` has it, with `sourceType` of each column
   * @throws WeirError what connecting met, WEIR_MYSQL_QUERY where the table is not there, WEIR_MYSQL_GRANT; the signal's reason
   */
  async *scan(table: Table, signal: AbortSignal): AsyncGenerator<Batch> {
    const isRested = this.#reader !== null;
    let isBegun = false;
    try {
      for await (const batch of this.#scanOnce(table, signal)) {
        isBegun = true;
        yield batch;
      }
    } catch (error) {
      // The server ended a connection that rested, and its word had not arrived when the scan began.
      const isStale = isRested && !isBegun && error instanceof WeirError && error.code === 'WEIR_MYSQL_CONNECTION_LOST';
      if (!isStale) throw error;
      yield* this.#scanOnce(table, signal);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const reader = this.#reader;
    this.#reader = null;
    await reader?.close();
  }

  async *#scanOnce(table: Table, signal: AbortSignal): AsyncGenerator<Batch> {
    if (this.#reader?.isLost === true) await this[Symbol.asyncDispose]();
    this.#reader ??= await RowReader.open(this.#config, this.#flavour, signal);
    const sql = `SELECT ${selectedColumns(table)} FROM ${quoteTable(table)}`;
    yield* this.#reader.batches(sql, rowCells(table, this.#zeroDates), signal);
  }
}
