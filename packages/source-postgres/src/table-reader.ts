import { closeClient, connect, CopyReader, cutOnAbort, quoteIdentifier, Wire } from '@weir/postgres';
import { WeirError, tableName, type Batch, type Table, type TableReader } from '@weir/sdk';
import { readCapture } from './capture/capture.ts';
import { bindTable, quoteTable, tableNamed, type CatalogTable } from './capture/catalog.ts';
import type { PostgresConfig } from './config.ts';

/** Copies tables over one connection; the catalog is read once, on the same. A copy that does not end takes it along. */
export class PostgresTableReader implements TableReader {
  readonly #config: PostgresConfig;
  readonly #publication: string;
  #tables: readonly CatalogTable[] | null = null;
  #wire: Wire | null = null;

  constructor(config: PostgresConfig, publication: string) {
    this.#config = config;
    this.#publication = publication;
  }

  /** @throws WeirError WEIR_PG_TABLES_NONE when there is no such table */
  async *scan(table: Table, signal: AbortSignal): AsyncGenerator<Batch> {
    const { wire, tables } = await this.#connected(signal);
    const found = tableNamed(tables, table);
    if (found === undefined) throw new WeirError('WEIR_PG_TABLES_NONE', `table ${tableName(table)} does not exist`);
    const cut = (): void => wire.abandon();
    signal.addEventListener('abort', cut);
    try {
      signal.throwIfAborted();
      yield* new CopyReader(wire).read(copySql(table, found), { ...bindTable(found), table });
    } catch (error) {
      signal.throwIfAborted();
      throw error;
    } finally {
      signal.removeEventListener('abort', cut);
      if (wire.failure !== null) await this.#close();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close();
  }

  async #connected(signal: AbortSignal): Promise<{ wire: Wire; tables: readonly CatalogTable[] }> {
    // The server may have ended a connection that rested.
    if (this.#wire !== null && this.#wire.failure !== null) await this.#close();
    if (this.#wire !== null && this.#tables !== null) return { wire: this.#wire, tables: this.#tables };
    const client = await connect(this.#config, signal);
    using _ = cutOnAbort(client, signal);
    try {
      const tables = (this.#tables ??= (await readCapture(client, this.#config, this.#publication)).tables);
      return { wire: (this.#wire = new Wire(client)), tables };
    } catch (error) {
      await closeClient(client);
      signal.throwIfAborted();
      throw error;
    }
  }

  async #close(): Promise<void> {
    const wire = this.#wire;
    this.#wire = null;
    await wire?.[Symbol.asyncDispose]();
  }
}

function copySql(table: Table, found: CatalogTable): string {
  const columns = table.columns.map((column) => quoteIdentifier(column.name)).join(', ');
  const { rowFilter } = found.scope;
  const rows = `${found.partitioned ? '' : 'ONLY '}${quoteTable(found)}${rowFilter === null ? '' : ` WHERE (${rowFilter})`}`;
  return `COPY (SELECT ${columns} FROM ${rows}) TO STDOUT`;
}
