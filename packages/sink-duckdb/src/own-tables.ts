import type { DuckDBConnection } from '@duckdb/node-api';
import { errorCodes, tableName, type ErrorCode, type Shard, type StopReason, type Table } from '@weir/sdk';
import type { Database } from './database.ts';
import { foldName, identifier, literal, type QualifiedName } from './sql-text.ts';
import { targetKey, type CatalogReader } from './target-catalog.ts';
import type { Transaction } from './transaction.ts';

/** The schema of Weir's own tables in the file. */
export const OWN_SCHEMA = 'weir';
const STOP_COLUMNS = ['stopped_code', 'stopped_message'] as const;
/** Columns of `weir.tables` that files of the first version lack: why a table is stopped, the bytes of its largest row. */
const LATER_COLUMNS = [...STOP_COLUMNS.map((name) => ({ name, sql: 'VARCHAR' })), { name: 'largest_row', sql: 'BIGINT' }];

type SourceName = Pick<Table, 'namespace' | 'name'>;

/** `"shop"."weir"`, before a table's name. */
export function ownSchema(database: string): string {
  return `${identifier(database)}.${identifier(OWN_SCHEMA)}`;
}

/**
 * Makes Weir's own tables where they are missing. They have no key: the file's lock keeps other processes out, and within
 * this one `exclusively` lets one session at a time make its row.
 */
export async function makeOwnTables(database: Database, connection: DuckDBConnection): Promise<void> {
  const own = ownSchema(database.name);
  await connection.run(`CREATE SCHEMA IF NOT EXISTS ${own}`);
  await connection.run(
    `CREATE TABLE IF NOT EXISTS ${own}.checkpoint (pipeline VARCHAR, sink VARCHAR, shard INTEGER, source VARCHAR, ` +
      'fence BIGINT, position VARCHAR, state JSON, updated_at TIMESTAMP WITH TIME ZONE)',
  );
  await connection.run(
    `CREATE TABLE IF NOT EXISTS ${own}.tables (pipeline VARCHAR, sink VARCHAR, source_namespace VARCHAR, ` +
      `source_name VARCHAR, target_schema VARCHAR, target_table VARCHAR, ` +
      `${LATER_COLUMNS.map(({ name, sql }) => `${name} ${sql}`).join(', ')})`,
  );
  // Not ADD COLUMN IF NOT EXISTS, which is an ALTER even where it does nothing, and would be in the way of other sessions.
  const result = await connection.run(
    `SELECT column_name FROM duckdb_columns() WHERE database_name = ${literal(database.name)} ` +
      `AND schema_name = '${OWN_SCHEMA}' AND table_name = 'tables'`,
  );
  const names = (await result.getRows()).map(([name]) => String(name));
  for (const { name, sql } of LATER_COLUMNS) {
    if (!names.includes(name)) await connection.run(`ALTER TABLE ${own}.tables ADD COLUMN ${name} ${sql}`);
  }
}

/** Whose a table of the sink is. */
export type Owner = 'this table' | 'another table' | 'another sink' | 'nobody';

/** What Weir knows of the tables in the file: which target belongs to which table of a source, and which are stopped. */
export class OwnTables {
  readonly #transaction: CatalogReader;
  readonly #tables: string;
  readonly #sink: string;
  readonly #shard: Pick<Shard, 'pipeline' | 'sink'>;
  /** Targets that may have a row, by {@link targetKey}; null before the first was written. */
  #registered: Set<string> | null = null;

  constructor(transaction: CatalogReader, database: string, shard: Pick<Shard, 'pipeline' | 'sink'>) {
    this.#transaction = transaction;
    this.#tables = `${ownSchema(database)}.tables`;
    this.#shard = shard;
    this.#sink = `pipeline = ${literal(shard.pipeline)} AND sink = ${literal(shard.sink)}`;
  }

  /** Whose a target is. `of` is the source's table, when it is another one of the same sink. */
  async owner(table: SourceName, target: QualifiedName): Promise<{ owner: Owner; of: string }> {
    const rows = await this.#transaction.rows(
      `SELECT ${this.#sink}, source_namespace, source_name FROM ${this.#tables} WHERE ${ofTarget(target)}`,
      'reading weir.tables',
    );
    const names = rows
      .filter(([isSink]) => isSink === true)
      .map(([, namespace, name]) => `${String(namespace)}.${String(name)}`);
    if (names.includes(tableName(table))) return { owner: 'this table', of: '' };
    if (names.length > 0) return { owner: 'another table', of: names[0]! };
    return { owner: rows.length > 0 ? 'another sink' : 'nobody', of: '' };
  }

  /** Which target is each table's of this sink, as {@link targetKey} by `namespace.name`. */
  async targets(): Promise<Map<string, string>> {
    const rows = await this.#transaction.rows(
      `SELECT source_namespace, source_name, target_schema, target_table FROM ${this.#tables} ` +
        `WHERE ${this.#sink} AND target_table IS NOT NULL`,
      'reading weir.tables',
    );
    return new Map(
      rows.map((row) => {
        const [namespace, name, schema, table] = row.map(String);
        return [`${namespace}.${name}`, targetKey({ schema: schema!, table: table! })];
      }),
    );
  }

  /** Writes that a target belongs to a table, and to it alone. */
  async register(transaction: Transaction, table: SourceName, target: QualifiedName): Promise<void> {
    this.#registered ??= await this.#readRegistered();
    if (this.#registered.has(targetKey(target))) await this.unregister(transaction, target);
    this.#registered.add(targetKey(target));
    const values = [this.#shard.pipeline, this.#shard.sink, table.namespace, table.name, target.schema, target.table];
    await transaction.run(
      `INSERT INTO ${this.#tables} (pipeline, sink, source_namespace, source_name, target_schema, target_table) ` +
        `VALUES (${values.map(literal).join(', ')})`,
      'writing weir.tables',
    );
  }

  /** The targets that any sink registered, by {@link targetKey}. */
  async #readRegistered(): Promise<Set<string>> {
    const rows = await this.#transaction.rows(
      `SELECT target_schema, target_table FROM ${this.#tables} WHERE target_table IS NOT NULL`,
      'reading weir.tables',
    );
    return new Set(rows.map(([schema, table]) => targetKey({ schema: String(schema), table: String(table) })));
  }

  /** Forgets a target that is gone. */
  async unregister(transaction: Transaction, target: QualifiedName): Promise<void> {
    await transaction.run(`DELETE FROM ${this.#tables} WHERE ${ofTarget(target)}`, 'writing weir.tables');
  }

  /** The bytes of the largest row that any sink wrote to the file, as far as it was a large one; 0 otherwise. */
  async largestRow(): Promise<number> {
    const rows = await this.#transaction.rows(`SELECT max(largest_row) FROM ${this.#tables}`, 'reading weir.tables');
    return Number(rows[0]?.[0] ?? 0);
  }

  async setLargestRow(transaction: Transaction, table: SourceName, bytes: number): Promise<void> {
    await transaction.run(
      `UPDATE ${this.#tables} SET largest_row = ${Math.ceil(bytes)} WHERE ${this.#sink} ` +
        `AND source_namespace = ${literal(table.namespace)} AND source_name = ${literal(table.name)} ` +
        'AND target_table IS NOT NULL',
      'writing weir.tables',
    );
  }

  async stop(transaction: Transaction, table: SourceName, { code, message }: StopReason): Promise<void> {
    await this.clearStop(transaction, table);
    const values = [this.#shard.pipeline, this.#shard.sink, table.namespace, table.name, code, message];
    await transaction.run(
      `INSERT INTO ${this.#tables} (pipeline, sink, source_namespace, source_name, ${STOP_COLUMNS.join(', ')}) ` +
        `VALUES (${values.map(literal).join(', ')})`,
      'writing weir.tables',
    );
  }

  /** A mark is a row of its own, since a table can be stopped before it has a target. */
  async clearStop(transaction: Transaction, table: SourceName): Promise<void> {
    await transaction.run(
      `DELETE FROM ${this.#tables} WHERE ${this.#sink} AND source_namespace = ${literal(table.namespace)} ` +
        `AND source_name = ${literal(table.name)} AND stopped_code IS NOT NULL`,
      'writing weir.tables',
    );
  }

  async stopped(): Promise<Map<string, StopReason>> {
    const rows = await this.#transaction.rows(
      `SELECT source_namespace, source_name, ${STOP_COLUMNS.join(', ')} FROM ${this.#tables} ` +
        `WHERE ${this.#sink} AND stopped_code IS NOT NULL`,
      'reading weir.tables',
    );
    return new Map(
      rows.map(([namespace, name, code, message]) => {
        const reason = { code: knownCode(String(code)), message: String(message) };
        return [`${String(namespace)}.${String(name)}`, reason];
      }),
    );
  }
}

function ofTarget(target: QualifiedName): string {
  const fold = (column: string): string =>
    `translate(${column}, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', 'abcdefghijklmnopqrstuvwxyz')`;
  const same = (column: string, name: string): string => `${fold(column)} = ${literal(foldName(name))}`;
  return `${same('target_schema', target.schema)} AND ${same('target_table', target.table)}`;
}

/** A code that this version does not have was written by another one. */
function knownCode(code: string): ErrorCode {
  return code in errorCodes ? (code as ErrorCode) : 'WEIR_INTERNAL';
}
