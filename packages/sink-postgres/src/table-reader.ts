import { closeClient, connect, CopyConnection, cutOnAbort, type ConnectionConfig } from '@weir/postgres';
import { targetName, type Batch, type SinkOptions, type Table, type TableReader } from '@weir/sdk';
import { nameText, type QualifiedName } from '@weir/sql-sink';
import type pg from 'pg';
import { sinkError } from './postgres-error.ts';
import { ScannedTables, type Scan } from './scan.ts';

/** Looks at tables over one connection and copies them over another. */
export class PostgresTableReader implements TableReader {
  readonly #config: ConnectionConfig;
  readonly #target: SinkOptions['target'];
  readonly #copies = new CopyConnection((signal) => connect(this.#config, signal));
  #looking: { readonly client: pg.Client; readonly tables: ScannedTables } | null = null;

  constructor(config: ConnectionConfig, target: SinkOptions['target']) {
    this.#config = config;
    this.#target = target;
  }

  /** @throws WeirError WEIR_PG_DIVERGED when there is no such table or column, WEIR_SINK_COLUMN_TYPE */
  async *scan(table: Table, signal: AbortSignal): AsyncGenerator<Batch> {
    const { sql, rewrites } = await this.#lookAt(table, targetName(table, this.#target), signal);
    yield* this.#copies.read(sql, { table, rewrites, skip: false }, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#copies[Symbol.asyncDispose]();
    await this.#closeClient();
  }

  async #lookAt(table: Table, target: QualifiedName, signal: AbortSignal): Promise<Scan> {
    const isRested = this.#looking !== null;
    try {
      return await this.#lookOnce(table, target, signal);
    } catch (error) {
      signal.throwIfAborted();
      const failure = sinkError(error, { doing: `reading ${nameText(target)}`, table });
      // The server ended the connection while it rested.
      if (!isRested || failure.code !== 'WEIR_PG_CONNECTION_LOST') throw failure;
      return await this.#lookOnce(table, target, signal);
    }
  }

  async #lookOnce(table: Table, target: QualifiedName, signal: AbortSignal): Promise<Scan> {
    this.#looking ??= await this.#open(signal);
    const { client, tables } = this.#looking;
    try {
      using _ = cutOnAbort(client, signal);
      return await tables.scan(table, target);
    } catch (error) {
      await this.#closeClient();
      throw error;
    }
  }

  async #open(signal: AbortSignal): Promise<{ client: pg.Client; tables: ScannedTables }> {
    const client = await connect(this.#config, signal);
    return { client, tables: new ScannedTables(client) };
  }

  async #closeClient(): Promise<void> {
    const looking = this.#looking;
    this.#looking = null;
    if (looking !== null) await closeClient(looking.client);
  }
}
