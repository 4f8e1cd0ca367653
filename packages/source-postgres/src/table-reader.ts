import { closeClient, connect, CopyConnection, cutOnAbort, quoteIdentifier } from '@weir/postgres';
import { WeirError, tableName, type Batch, type Table, type TableReader } from '@weir/sdk';
import type pg from 'pg';
import { readCapture } from './capture/capture.ts';
import { bindTable, quoteTable, tableNamed, type CatalogTable } from './capture/catalog.ts';
import type { PostgresConfig } from './config.ts';

/** Copies tables over one connection; the catalog is read once, on the same. */
export class PostgresTableReader implements TableReader {
  readonly #config: PostgresConfig;
  readonly #publication: string;
  readonly #connection = new CopyConnection((signal) => this.#open(signal));
  #tables: readonly CatalogTable[] | null = null;

  constructor(config: PostgresConfig, publication: string) {
    this.#config = config;
    this.#publication = publication;
  }

  /** @throws WeirError WEIR_PG_TABLES_NONE when there is no such table */
  async *scan(table: Table, signal: AbortSignal): AsyncGenerator<Batch> {
    await this.#connection.connect(signal);
    const found = tableNamed(this.#tables!, table);
    if (found === undefined) throw new WeirError('WEIR_PG_TABLES_NONE', `table ${tableName(table)} does not exist`);
    yield* this.#connection.read(copySql(table, found), { ...bindTable(found), table }, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#connection[Symbol.asyncDispose]();
  }

  /** The first connection reads the catalog before it copies. */
  async #open(signal: AbortSignal): Promise<pg.Client> {
    const client = await connect(this.#config, signal);
    if (this.#tables !== null) return client;
    using _ = cutOnAbort(client, signal);
    try {
      this.#tables = (await readCapture(client, this.#config, this.#publication)).tables;
      return client;
    } catch (error) {
      await closeClient(client);
      signal.throwIfAborted();
      throw error;
    }
  }
}

function copySql(table: Table, found: CatalogTable): string {
  const columns = table.columns.map((column) => quoteIdentifier(column.name)).join(', ');
  const { rowFilter } = found.scope;
  const rows = `${found.partitioned ? '' : 'ONLY '}${quoteTable(found)}${rowFilter === null ? '' : ` WHERE (${rowFilter})`}`;
  return `COPY (SELECT ${columns} FROM ${rows}) TO STDOUT`;
}
