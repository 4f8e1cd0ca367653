import { closeClient, connect, CopyReader, cutOnAbort, Wire, type ConnectionConfig } from '@weir/postgres';
import { targetName, type Batch, type SinkOptions, type Table, type TableReader } from '@weir/sdk';
import type pg from 'pg';
import { sinkError } from './postgres-error.ts';
import { ScannedTables, type Scan } from './scan.ts';
import { nameText, type QualifiedName } from './sql-text.ts';

/** Looks at tables over one connection and copies them over another. A copy that does not end takes its own along. */
export class PostgresTableReader implements TableReader {
  readonly #config: ConnectionConfig;
  readonly #target: SinkOptions['target'];
  #looking: { readonly client: pg.Client; readonly tables: ScannedTables } | null = null;
  #wire: Wire | null = null;

  constructor(config: ConnectionConfig, target: SinkOptions['target']) {
    this.#config = config;
    this.#target = target;
  }

  /** @throws WeirError WEIR_PG_DIVERGED when there is no such table or column, WEIR_SINK_COLUMN_TYPE */
  async *scan(table: Table, signal: AbortSignal): AsyncGenerator<Batch> {
    const { sql, rewrites } = await this.#lookAt(table, targetName(table, this.#target), signal);
    // The server may have ended a connection that rested.
    if (this.#wire !== null && this.#wire.failure !== null) await this.#closeWire();
    const wire = (this.#wire ??= new Wire(await connect(this.#config, signal)));
    const cut = (): void => wire.abandon();
    signal.addEventListener('abort', cut);
    try {
      signal.throwIfAborted();
      yield* new CopyReader(wire).read(sql, { table, rewrites, skip: false });
    } catch (error) {
      signal.throwIfAborted();
      throw error;
    } finally {
      signal.removeEventListener('abort', cut);
      if (wire.failure !== null) await this.#closeWire();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#closeWire();
    await this.#closeClient();
  }

  async #lookAt(table: Table, target: QualifiedName, signal: AbortSignal): Promise<Scan> {
    if (this.#looking === null) {
      const client = await connect(this.#config, signal);
      this.#looking = { client, tables: new ScannedTables(client) };
    }
    const { client, tables } = this.#looking;
    try {
      using _ = cutOnAbort(client, signal);
      return await tables.scan(table, target);
    } catch (error) {
      await this.#closeClient();
      signal.throwIfAborted();
      throw sinkError(error, { doing: `reading ${nameText(target)}`, table });
    }
  }

  async #closeClient(): Promise<void> {
    const looking = this.#looking;
    this.#looking = null;
    if (looking !== null) await closeClient(looking.client);
  }

  async #closeWire(): Promise<void> {
    const wire = this.#wire;
    this.#wire = null;
    await wire?.[Symbol.asyncDispose]();
  }
}
