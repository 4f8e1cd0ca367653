import { connect, cutOnAbort, serverError, type ConnectionConfig, type MysqlClient } from '@weir/mysql';
import { BatchWriter, WeirError, softDeleteColumn, tableName, targetName, type Batch, type SinkOptions, type Table, type TableReader } from '@weir/sdk';
import { keyNames, nameText, type QualifiedName } from '@weir/sql-sink';
import { columnType, type TypeRules } from './column-type.ts';
import { readColumn, type ReadColumn } from './decode.ts';
import { inspectTarget, type TargetTable } from './inspect-target.ts';
import { writeRow } from './range-reader.ts';
import { identifier, qualified } from './sql-text.ts';
import { askOf } from './transaction.ts';

/** Reads tables over one connection. */
export class MysqlTableReader implements TableReader {
  readonly #config: ConnectionConfig;
  readonly #options: SinkOptions;
  readonly #rulesOf: (client: MysqlClient) => Promise<TypeRules>;
  #client: MysqlClient | null = null;

  constructor(config: ConnectionConfig, options: SinkOptions, rulesOf: (client: MysqlClient) => Promise<TypeRules>) {
    this.#config = config;
    this.#options = options;
    this.#rulesOf = rulesOf;
  }

  /**
   * The columns that the given table names. Marked rows are left out, unless it names the mark.
   * @throws WeirError WEIR_MYSQL_DIVERGED when there is no such table, WEIR_SINK_COLUMN_MISSING, WEIR_SINK_COLUMN_TYPE
   */
  async *scan(table: Table, signal: AbortSignal): AsyncGenerator<Batch> {
    let isWhole = false;
    const target = targetName(table, this.#options.target);
    try {
      const { client, sql, columns } = await this.#lookAt(table, target, signal);
      using _ = cutOnAbort(client, signal);
      yield* this.#batches(client, sql, table, columns);
      isWhole = true;
    } catch (error) {
      signal.throwIfAborted();
      throw serverError(error, `reading ${nameText(target)}`);
    } finally {
      // The rest of an answer that nobody takes is not waited for.
      if (!isWhole) await this.#close(false);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close(true);
  }

  async *#batches(client: MysqlClient, sql: string, table: Table, columns: readonly ReadColumn[]): AsyncGenerator<Batch> {
    const writer = new BatchWriter();
    const begin = (): number => {
      writer.addCommit({ position: '', version: 0n, time: 0, transactionId: '' });
      return writer.tableIndex(table);
    };
    let index = begin();
    for await (const row of client.rows(sql)) {
      writeRow(writer, index, row, writer.rows + 1, columns);
      if (!writer.isFull()) continue;
      yield writer.close(null);
      index = begin();
    }
    if (writer.rows > 0) yield writer.close(null);
  }

  async #lookAt(table: Table, target: QualifiedName, signal: AbortSignal): Promise<{ client: MysqlClient; sql: string; columns: ReadColumn[] }> {
    const isRested = this.#client !== null;
    try {
      return await this.#lookOnce(table, target, signal);
    } catch (error) {
      signal.throwIfAborted();
      const failure = serverError(error, `reading ${nameText(target)}`);
      // The server ended the connection while it rested.
      if (!isRested || failure.code !== 'WEIR_MYSQL_CONNECTION_LOST') throw failure;
      await this.#close(false);
      return await this.#lookOnce(table, target, signal);
    }
  }

  async #lookOnce(table: Table, target: QualifiedName, signal: AbortSignal): Promise<{ client: MysqlClient; sql: string; columns: ReadColumn[] }> {
    const client = (this.#client ??= await connect(this.#config, signal));
    using _ = cutOnAbort(client, signal);
    const rules = await this.#rulesOf(client);
    const found = await inspectTarget(askOf(client), target);
    if (found === null) {
      throw new WeirError('WEIR_MYSQL_DIVERGED', `there is no ${nameText(target)}`, { table: tableName(table) });
    }
    const key = keyNames(table, this.#options);
    const columns = table.columns.map((column) => {
      // In a table without its key, and in one that keeps another, text has another type than in a key.
      const types = [key, []].map((names) => columnType(table, column, names, rules));
      expectType(table, target, column.name, types.map(({ sql }) => sql), found);
      return readColumn(types[0]!.encoding, column.name);
    });
    const isMarked = found.columns.some(({ name }) => name === softDeleteColumn.name);
    const showsMarked = table.columns.some(({ name }) => name === softDeleteColumn.name);
    const where = isMarked && !showsMarked ? ` WHERE ${identifier(softDeleteColumn.name)} IS NULL` : '';
    const list = columns.map(({ select }) => select).join(', ');
    return { client, sql: `SELECT ${list} FROM ${qualified(target)}${where}`, columns };
  }

  async #close(isPolite: boolean): Promise<void> {
    const client = this.#client;
    this.#client = null;
    await client?.close(isPolite);
  }
}

function expectType(table: Table, target: QualifiedName, name: string, types: readonly string[], { columns }: TargetTable): void {
  const there = columns.find((column) => column.name === name);
  if (there !== undefined && (types.includes(there.type) || isLength(there.type, types))) return;
  const where = `${nameText(target)}.${name}`;
  throw there === undefined
    ? new WeirError('WEIR_SINK_COLUMN_MISSING', `${where} is missing`, { table: tableName(table) })
    : new WeirError('WEIR_SINK_COLUMN_TYPE', `${where} is ${there.type}, ${types[0]!} was expected`, { table: tableName(table) });
}

/** Text whose length differs: that of a key depends on the other columns of the key, which the table asked for may lack. */
function isLength(type: string, types: readonly string[]): boolean {
  const open = (text: string): string => text.replace(/^(?:varchar\(\d+\)|longtext)/, 'text').replace(/^(?:varbinary\(\d+\)|longblob)/, 'bytes');
  return types.some((expected) => open(expected) === open(type));
}
