import { WeirError, tableName, type Shard, type SinkOptions, type Table } from '@weir/sdk';
import { ownSchema } from './checkpoint.ts';
import { identifier, literal, qualified, type QualifiedName } from './sql-text.ts';
import { TableWriter } from './table-writer.ts';
import type { Transaction } from './transaction.ts';
import { columnType } from './types.ts';

/** Memory that all appenders of a session may hold together before they are flushed, in bytes (invariant 8). */
const FLUSH_BYTES = 16 * 2 ** 20;
/** Appenders and staging tables of tables that rest are given up, beyond this many. */
const OPEN_TABLES = 64;

/** Where a source's table lies in DuckDB. */
export function targetName(table: Table, database: string, target: SinkOptions['target']): QualifiedName {
  const fill = (template: string): string =>
    template.replace(/\{(schema|table)\}/g, (_, name) => (name === 'schema' ? table.namespace : table.name));
  return { database, schema: fill(target.schema), table: fill(target.table) };
}

/** The tables that a session writes: makes them, checks that they are Weir's own, and keeps a writer for each. */
export class TargetTables {
  readonly #transaction: Transaction;
  readonly #shard: Shard;
  readonly #database: string;
  readonly #templates: SinkOptions['target'];
  /** By target, the writer of the current version. Least recently touched first. */
  readonly #writers = new Map<string, TableWriter>();
  #made = 0;

  constructor(transaction: Transaction, shard: Shard, database: string, templates: SinkOptions['target']) {
    this.#transaction = transaction;
    this.#shard = shard;
    this.#database = database;
    this.#templates = templates;
  }

  /**
   * The writer of a table that is there already.
   * @throws WeirError WEIR_DUCKDB_TABLE_EXISTS, WEIR_DUCKDB_DIVERGED, WEIR_DUCKDB_SCHEMA_CHANGE
   */
  async writer(table: Table): Promise<TableWriter> {
    const target = targetName(table, this.#database, this.#templates);
    const current = this.#writers.get(keyOf(target));
    if (current?.table === table) return this.#touched(current);
    if (!(await this.#isOwn(table, target))) {
      if (await this.#exists(target)) throw foreign(table, target);
      throw new WeirError('WEIR_DUCKDB_DIVERGED', `${target.schema}.${target.table} is gone`);
    }
    await this.#expectColumns(table, target);
    await current?.settle();
    await current?.close();
    return this.#open(table, target);
  }

  /** Starts a table empty, whether it was there or not. @throws WeirError WEIR_DUCKDB_TABLE_EXISTS */
  async create(table: Table): Promise<void> {
    const target = targetName(table, this.#database, this.#templates);
    const own = await this.#isOwn(table, target);
    if (!own && (await this.#exists(target))) throw foreign(table, target);
    refuseAmbiguousColumns(table);
    const current = this.#writers.get(keyOf(target));
    this.#writers.delete(keyOf(target));
    await current?.close();
    const columns = table.columns.map((column) => `${identifier(column.name)} ${columnType(column.type).sql}`);
    await this.#transaction.run(
      `CREATE SCHEMA IF NOT EXISTS ${identifier(target.database)}.${identifier(target.schema)};\n` +
        `DROP TABLE IF EXISTS ${qualified(target)};\nCREATE TABLE ${qualified(target)} (${columns.join(', ')})`,
      `making ${target.schema}.${target.table}`,
    );
    if (!own) await this.#register(table, target);
    await this.#open(table, target);
  }

  /** Bounds the memory of appenders, after each batch. */
  flushIfLarge(): void {
    let pending = 0;
    for (const writer of this.#writers.values()) pending += writer.pendingBytes;
    if (pending <= FLUSH_BYTES) return;
    for (const writer of this.#writers.values()) writer.flush();
  }

  /** Makes the tables hold everything that was written. */
  async settle(): Promise<void> {
    for (const writer of this.#writers.values()) if (writer.touched) await writer.settle();
  }

  /** To be called after a commit. */
  startGroup(): void {
    for (const writer of this.#writers.values()) writer.touched = false;
  }

  /** Forgets what is not in the tables yet. Must come before a rollback. */
  discard(): void {
    for (const writer of this.#writers.values()) writer.discard();
    this.#writers.clear();
  }

  async #open(table: Table, target: QualifiedName): Promise<TableWriter> {
    await this.#closeResting();
    const writer = new TableWriter(this.#transaction, table, target, ++this.#made);
    this.#writers.set(keyOf(target), writer);
    return writer;
  }

  #touched(writer: TableWriter): TableWriter {
    if (writer.touched) return writer;
    this.#writers.delete(keyOf(writer.target));
    this.#writers.set(keyOf(writer.target), writer);
    return writer;
  }

  async #closeResting(): Promise<void> {
    if (this.#writers.size < OPEN_TABLES) return;
    const [key, oldest] = this.#writers.entries().next().value!;
    this.#writers.delete(key);
    await oldest.settle();
    await oldest.close();
  }

  async #isOwn(table: Table, target: QualifiedName): Promise<boolean> {
    const rows = await this.#transaction.rows(
      `SELECT 1 FROM ${ownSchema(this.#database)}.tables WHERE pipeline = ${literal(this.#shard.pipeline)} ` +
        `AND sink = ${literal(this.#shard.sink)} AND source_namespace = ${literal(table.namespace)} ` +
        `AND source_name = ${literal(table.name)} AND target_schema = ${literal(target.schema)} ` +
        `AND target_table = ${literal(target.table)}`,
      'reading weir.tables',
    );
    return rows.length > 0;
  }

  async #register(table: Table, target: QualifiedName): Promise<void> {
    const values = [this.#shard.pipeline, this.#shard.sink, table.namespace, table.name, target.schema, target.table];
    await this.#transaction.run(
      `INSERT INTO ${ownSchema(this.#database)}.tables VALUES (${values.map(literal).join(', ')})`,
      'writing weir.tables',
    );
  }

  /** Names in DuckDB differ only if they differ in more than case. */
  async #exists(target: QualifiedName): Promise<boolean> {
    const rows = await this.#transaction.rows(
      `SELECT 1 FROM information_schema.tables WHERE ${sameTable(target, 'table_catalog', 'table_schema')}`,
      `looking for ${target.schema}.${target.table}`,
    );
    return rows.length > 0;
  }

  async #expectColumns(table: Table, target: QualifiedName): Promise<void> {
    const rows = await this.#transaction.rows(
      `SELECT column_name, data_type FROM duckdb_columns() WHERE ${sameTable(target, 'database_name', 'schema_name')} ` +
        'ORDER BY column_index',
      `looking at ${target.schema}.${target.table}`,
    );
    const expected = table.columns.map((column) => `${identifier(column.name)} ${columnType(column.type).sql}`).join(', ');
    const found = rows.map(([name, type]) => `${identifier(String(name))} ${String(type)}`).join(', ');
    if (rows.length === 0) throw new WeirError('WEIR_DUCKDB_DIVERGED', `${target.schema}.${target.table} is gone`);
    if (found === expected) return;
    throw new WeirError(
      'WEIR_DUCKDB_SCHEMA_CHANGE',
      `${target.schema}.${target.table} has the columns (${found}), the source's ${tableName(table)} needs (${expected})`,
    );
  }
}

function keyOf(target: QualifiedName): string {
  return `${identifier(target.schema)}.${identifier(target.table)}`.toLowerCase();
}

function sameTable(target: QualifiedName, catalogColumn: string, schemaColumn: string): string {
  return (
    `${catalogColumn} = ${literal(target.database)} AND lower(${schemaColumn}) = lower(${literal(target.schema)}) ` +
    `AND lower(table_name) = lower(${literal(target.table)})`
  );
}

function foreign(table: Table, target: QualifiedName): WeirError {
  return new WeirError(
    'WEIR_DUCKDB_TABLE_EXISTS',
    `${tableName(table)} would land in ${target.schema}.${target.table}, which is there and was not made for it`,
  );
}

function refuseAmbiguousColumns(table: Table): void {
  const seen = new Set<string>();
  for (const column of table.columns) {
    const name = column.name.toLowerCase();
    if (seen.has(name)) {
      throw new WeirError(
        'WEIR_DUCKDB_TYPE',
        `${tableName(table)} has two columns ${identifier(column.name)}: DuckDB does not tell upper from lower case`,
      );
    }
    seen.add(name);
  }
}
