import type { DuckDBValue } from '@duckdb/node-api';
import { foldName, identifier, literal, type QualifiedName } from './sql-text.ts';

/** Who can be asked with SQL. */
export interface CatalogReader {
  rows(sql: string, doing: string): Promise<DuckDBValue[][]>;
}

/** A column of a table in DuckDB. */
export interface TargetColumn {
  readonly name: string;
  /** The type as DuckDB prints it. */
  readonly sql: string;
  readonly nullable: boolean;
  /** An SQL expression; null when rows that leave the column out get NULL. */
  readonly default: string | null;
}

/** A table in DuckDB, as its catalog has it. */
export interface TargetTable {
  readonly columns: readonly TargetColumn[];
  /** What lets a value be there once only, in words: `the index "by_note"`, `PRIMARY KEY (id)`. */
  readonly unique: readonly string[];
  /** The SQL that makes its other indexes. */
  readonly indexes: readonly string[];
  /** True when it has a CHECK or a FOREIGN KEY. */
  readonly constrained: boolean;
}

/** Whether a table or a view has the name. */
export async function isThere(reader: CatalogReader, target: QualifiedName): Promise<boolean> {
  const rows = await reader.rows(
    `SELECT table_schema, table_name FROM information_schema.tables WHERE table_catalog = ${literal(target.database)} ` +
      `AND lower(table_schema) = lower(${literal(target.schema)}) AND lower(table_name) = lower(${literal(target.table)})`,
    `looking for ${target.schema}.${target.table}`,
  );
  return rows.some(([schema, table]) => isNamed(target, schema, table));
}

/** The names that tables and views of a database have, by {@link targetKey}. */
export async function readNames(reader: CatalogReader, database: string): Promise<Set<string>> {
  const rows = await reader.rows(
    `SELECT table_schema, table_name FROM information_schema.tables WHERE table_catalog = ${literal(database)}`,
    'looking at the tables',
  );
  return new Set(rows.map(([schema, table]) => targetKey({ schema: String(schema), table: String(table) })));
}

/** The table as it is now; null when it is not there. */
export async function readTarget(reader: CatalogReader, target: QualifiedName): Promise<TargetTable | null> {
  const one =
    ` AND lower(schema_name) = lower(${literal(target.schema)}) AND lower(table_name) = lower(${literal(target.table)})`;
  const found = await readTargets(reader, target.database, one, `looking at ${target.schema}.${target.table}`);
  return found.get(targetKey(target)) ?? null;
}

/**
 * The tables of a database, by {@link targetKey}.
 * @param where a condition that begins with AND; none by default
 */
export async function readTargets(
  reader: CatalogReader,
  database: string,
  where = '',
  doing = 'looking at the tables',
): Promise<Map<string, TargetTable>> {
  const ask = async (what: string, from: string, order = ''): Promise<Map<string, DuckDBValue[][]>> => {
    const named = `SELECT schema_name, table_name, ${what} FROM ${from}() WHERE database_name = ${literal(database)}`;
    const rows = await reader.rows(`${named}${where}${order}`, doing);
    return Map.groupBy(rows, ([schema, table]) => targetKey({ schema: String(schema), table: String(table) }));
  };
  const described = 'column_name, data_type, is_nullable, column_default';
  const columns = await ask(described, 'duckdb_columns', ' ORDER BY column_index');
  const constraints = await ask("constraint_type, array_to_string(constraint_column_names, ', ')", 'duckdb_constraints');
  const indexes = await ask('index_name, is_unique, sql', 'duckdb_indexes');
  const own = (of: Map<string, DuckDBValue[][]>, key: string): DuckDBValue[][] => (of.get(key) ?? []).map((row) => row.slice(2));
  return new Map(
    Array.from(columns.keys(), (key) => [key, targetOf(own(columns, key), own(constraints, key), own(indexes, key))]),
  );
}

/**
 * About how many rows each table of a database has, by {@link targetKey}, those that were deleted since the last checkpoint
 * included.
 */
export async function tableSizes(reader: CatalogReader, database: string): Promise<Map<string, number>> {
  const rows = await reader.rows(
    `SELECT schema_name, table_name, estimated_size FROM duckdb_tables() WHERE database_name = ${literal(database)}`,
    'looking at the tables',
  );
  return new Map(
    rows.map(([schema, table, size]) => [targetKey({ schema: String(schema), table: String(table) }), Number(size)]),
  );
}

/** A name as DuckDB compares it. */
export function targetKey({ schema, table }: Pick<QualifiedName, 'schema' | 'table'>): string {
  return foldName(`${identifier(schema)}.${identifier(table)}`);
}

function targetOf(columns: DuckDBValue[][], constraints: DuckDBValue[][], indexes: DuckDBValue[][]): TargetTable {
  return {
    columns: columns.map(([name, sql, nullable, value]) => ({
      name: String(name),
      sql: String(sql),
      nullable: nullable === true,
      default: value === null || value === undefined || value === 'NULL' ? null : String(value),
    })),
    unique: [
      ...constraints
        .filter(([kind]) => kind === 'PRIMARY KEY' || kind === 'UNIQUE')
        .map(([kind, names]) => `${String(kind)} (${String(names)})`),
      ...indexes.filter(([, unique]) => unique === true).map(([name]) => `the index ${identifier(String(name))}`),
    ],
    indexes: indexes.filter(([, unique]) => unique !== true).map(([, , sql]) => String(sql)),
    constrained: constraints.some(([kind]) => kind === 'CHECK' || kind === 'FOREIGN KEY'),
  };
}

function isNamed(target: QualifiedName, schema: DuckDBValue | undefined, table: DuckDBValue | undefined): boolean {
  return foldName(String(schema)) === foldName(target.schema) && foldName(String(table)) === foldName(target.table);
}
