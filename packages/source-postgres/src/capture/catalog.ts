import type { CellRewrite, TableBinding } from '@weir/pgoutput';
import { mapType, query, quoteIdentifier, readTypes, type PgType } from '@weir/postgres';
import type { Column, Table } from '@weir/sdk';
import type pg from 'pg';

/** A column as the catalog has it. */
export interface CatalogColumn {
  readonly name: string;
  readonly typeOid: number;
  readonly modifier: number;
  /** `pg_attribute.attnum`: stays the same when the column is renamed. */
  readonly attnum: number;
}

/** A column whose value the server computes. */
export interface GeneratedColumn {
  readonly name: string;
  /** Stored ones are streamed from PostgreSQL 18 on, where the publication says so; virtual ones never. */
  readonly kind: 'stored' | 'virtual';
}

/** A partition that does not fit its root. */
export interface DeviatingPartition {
  /** `"schema"."name"` */
  readonly name: string;
  /** Its index that is a part of the root's identity index, if the root has one. */
  readonly index: string | null;
}

/** Which columns and rows of a table are captured, and by which publication. */
export interface TableScope {
  /** Null: every column that is not generated. */
  readonly columns: readonly string[] | null;
  /** They are a list, which the publication keeps when the table gets more columns. */
  readonly listed: boolean;
  /** The expression of a row filter, as SQL; null when all rows are captured. */
  readonly rowFilter: string | null;
  /** The columns that it reads; null as long as the server has not been asked. */
  readonly filterColumns: readonly string[] | null;
  /** Without updates and deletes, which the server cannot describe. */
  readonly insertsOnly: boolean;
  /** Weir's second publication has only inserts and truncates. */
  readonly publishedIn: 'main' | 'inserts';
}

/** A table of the database as it is captured. */
export interface CatalogTable {
  readonly oid: number;
  readonly namespace: string;
  readonly name: string;
  /** The captured ones, in the order of the stream. */
  readonly columns: readonly CatalogColumn[];
  readonly table: Table;
  readonly rewrites: readonly (CellRewrite | null)[];
  readonly replicaIdentity: 'd' | 'n' | 'f' | 'i';
  /** Columns of the primary key or index by which the server tells rows apart; null under FULL and NOTHING, or without. */
  readonly identity: readonly string[] | null;
  readonly primaryKey: readonly string[];
  /** A unique index that could be the replica identity. */
  readonly identityIndex: string | null;
  readonly scope: TableScope;
  readonly allColumns: readonly string[];
  readonly generated: readonly GeneratedColumn[];
  readonly partitioned: boolean;
  readonly estimatedRows: number;
  /** What of it, the table or its partitions, this role may not read; as `"schema"."name"`. */
  readonly unreadable: readonly string[];
  /** Row security hides rows from this role. */
  readonly filtered: boolean;
  /** Partitions that the stream would identify in another way than the table. */
  readonly deviating: readonly DeviatingPartition[];
  /** Partitions whose rows are in no log: unlogged ones and foreign tables; as `"schema"."name"`. */
  readonly unlogged: readonly string[];
  readonly owned: boolean;
}

/** Names of the columns by which the server identifies rows of a table; a key that is checked at commit does not count. */
const identityOf = (relation: string): string => `(
  SELECT array_agg(a.attname::text ORDER BY k.place)
    FROM pg_index i, unnest(i.indkey::int2[]) WITH ORDINALITY AS k(attnum, place), pg_attribute a
   WHERE i.indrelid = ${relation}.oid AND k.place <= i.indnkeyatts AND i.indisvalid AND i.indimmediate
     AND a.attrelid = i.indrelid AND a.attnum = k.attnum
     AND CASE ${relation}.relreplident WHEN 'd' THEN i.indisprimary WHEN 'i' THEN i.indisreplident END)`;

const nameOf = (relation: string): string =>
  `format('%I.%I', ${relation}.relnamespace::regnamespace::name, ${relation}.relname)`;

/** Tables by their oids. A key under FULL may be one that is checked at commit: it is not the server that uses it. */
const TABLES = `
  SELECT c.oid, n.nspname, c.relname, c.relreplident, c.relkind, greatest(c.reltuples, 0)::bigint AS rows,
         pg_has_role(c.relowner, 'USAGE') AS owned, array_to_json(${identityOf('c')}) AS identity,
         parts.filtered, parts.unreadable, parts.deviating, parts.unlogged,
         (SELECT json_agg(json_build_array(a.attname, a.atttypid, a.atttypmod, NOT a.attnotnull,
                                           format_type(a.atttypid, a.atttypmod), a.attnum, a.attgenerated)
                          ORDER BY a.attnum)
            FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns,
         (SELECT json_agg(a.attname ORDER BY k.place)
            FROM pg_index i, unnest(i.indkey::int2[]) WITH ORDINALITY AS k(attnum, place), pg_attribute a
           WHERE i.indrelid = c.oid AND k.place <= i.indnkeyatts AND i.indisvalid AND i.indisprimary
             AND a.attrelid = c.oid AND a.attnum = k.attnum) AS primary_key,
         (SELECT min(x.relname::text) FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid
           WHERE i.indrelid = c.oid AND i.indisunique AND NOT i.indisprimary AND i.indimmediate AND i.indisvalid
             AND i.indpred IS NULL AND i.indexprs IS NULL
             AND NOT EXISTS (SELECT FROM pg_attribute a
                              WHERE a.attrelid = c.oid AND a.attnum = ANY (i.indkey::int2[])
                                AND (NOT a.attnotnull OR a.attgenerated <> ''))) AS identity_index
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
   CROSS JOIN LATERAL (
         SELECT bool_or(row_security_active(p.oid)) AS filtered,
                json_agg(${nameOf('p')} ORDER BY p.relname) FILTER (WHERE NOT has_table_privilege(p.oid, 'SELECT'))
                  AS unreadable,
                json_agg(json_build_array(${nameOf('p')},
                           (SELECT x.relname FROM pg_index r, pg_partition_tree(r.indexrelid) t
                              JOIN pg_index i ON i.indexrelid = t.relid JOIN pg_class x ON x.oid = i.indexrelid
                             WHERE r.indrelid = c.oid AND r.indisreplident AND i.indrelid = p.oid)) ORDER BY p.relname)
                  FILTER (WHERE p.leaf AND (p.relreplident <> c.relreplident
                            OR ${identityOf('p')} IS DISTINCT FROM ${identityOf('c')}))
                  AS deviating,
                json_agg(${nameOf('p')} ORDER BY p.relname)
                  FILTER (WHERE p.relkind = 'f' OR (p.relkind = 'r' AND p.relpersistence = 'u')) AS unlogged
           FROM (SELECT c.oid, c.relname, c.relnamespace, c.relreplident, c.relkind, 'p' AS relpersistence, false AS leaf
                 UNION ALL
                 SELECT l.oid, l.relname, l.relnamespace, l.relreplident, l.relkind, l.relpersistence, t.isleaf
                   FROM pg_partition_tree(c.oid) t JOIN pg_class l ON l.oid = t.relid
                  WHERE c.relkind = 'p' AND t.relid <> c.oid) p) parts
   WHERE c.oid = ANY ($1::oid[])
   ORDER BY n.nspname, c.relname`;

/** Tables by their oids, each within its scope, ordered by name. What was dropped meanwhile is missing. */
export async function readTables(
  client: pg.Client,
  oids: Iterable<number>,
  scopeOf: (table: WholeTable) => TableScope,
): Promise<CatalogTable[]> {
  const types = await readTypes(client);
  const rows = await query(client, TABLES, [`{${[...oids].join(',')}}`]);
  return rows.map((row) => {
    const whole = wholeTable(row);
    const { columnRows: _, ...rest } = whole;
    return { ...rest, ...captured(whole, types, scopeOf(whole)) };
  });
}

type ColumnRow = [
  name: string,
  typeOid: string | number,
  modifier: number,
  nullable: boolean,
  sourceType: string,
  attnum: number,
  generated: '' | 's' | 'v',
];

/** What the catalog says of a table, before it is decided what of it is captured. */
export interface WholeTable extends Omit<CatalogTable, 'columns' | 'table' | 'rewrites' | 'scope'> {
  readonly columnRows: readonly ColumnRow[];
}

function wholeTable(row: Record<string, string | null>): WholeTable {
  const list = <T>(name: string): T[] => JSON.parse(row[name] ?? '[]') as T[];
  const columnRows = list<ColumnRow>('columns');
  const generated = columnRows.filter((column) => column[6] !== '');
  return {
    oid: Number(row['oid']),
    namespace: row['nspname']!,
    name: row['relname']!,
    columnRows,
    primaryKey: list<string>('primary_key'),
    replicaIdentity: row['relreplident'] as CatalogTable['replicaIdentity'],
    identity: row['identity'] === null ? null : list<string>('identity'),
    identityIndex: row['identity_index'] ?? null,
    allColumns: columnRows.map(([name]) => name),
    generated: generated.map((column) => ({ name: column[0], kind: column[6] === 's' ? 'stored' : 'virtual' })),
    partitioned: row['relkind'] === 'p',
    estimatedRows: Number(row['rows']),
    unreadable: list<string>('unreadable'),
    filtered: row['filtered'] === 't',
    deviating: list<[string, string | null]>('deviating').map(([name, index]) => ({ name, index })),
    unlogged: list<string>('unlogged'),
    owned: row['owned'] === 't',
  };
}

/** The table as it is captured: a key of which the stream lacks a column, since it is left out or generated, is none. */
function captured(
  whole: WholeTable,
  types: ReadonlyMap<number, PgType>,
  scope: TableScope,
): Pick<CatalogTable, 'columns' | 'table' | 'rewrites' | 'scope'> {
  const isCaptured = ([name, , , , , , generated]: ColumnRow): boolean => scope.columns?.includes(name) ?? generated === '';
  const rows = whole.columnRows.filter(isCaptured);
  const mappings = rows.map(([, typeOid, modifier]) => mapType(types, Number(typeOid), modifier));
  const columns: Column[] = rows.map(([name, , , nullable, sourceType], i) => ({
    name,
    type: mappings[i]!.type,
    nullable,
    sourceType,
  }));
  const names = whole.replicaIdentity === 'f' ? whole.primaryKey : (whole.identity ?? []);
  const indexes = scope.insertsOnly ? [] : names.map((name) => columns.findIndex((column) => column.name === name));
  const key = indexes.includes(-1) ? [] : indexes;
  const { namespace, name } = whole;
  return {
    columns: rows.map(([columnName, typeOid, modifier, , , attnum]) => ({
      name: columnName,
      typeOid: Number(typeOid),
      modifier,
      attnum,
    })),
    table: { namespace, name, version: 1, columns, key, ...(scope.insertsOnly ? { insertsOnly: true } : {}) },
    rewrites: mappings.map((mapping) => mapping.rewrite),
    scope,
  };
}

export function bindTable(table: CatalogTable): TableBinding {
  return { table: table.table, rewrites: table.rewrites, skip: false };
}

/** `"schema"."table"`; unlike `tableName` it is another for every table, so that it may be a key. */
export function quoteTable(table: { readonly namespace: string; readonly name: string }): string {
  return `${quoteIdentifier(table.namespace)}.${quoteIdentifier(table.name)}`;
}

const byName = new WeakMap<readonly CatalogTable[], ReadonlyMap<string, CatalogTable>>();

/** The table of that name. There may be thousands, and each of them is looked for again and again. */
export function tableNamed(
  tables: readonly CatalogTable[],
  name: { readonly namespace: string; readonly name: string },
): CatalogTable | undefined {
  let named = byName.get(tables);
  if (named === undefined) byName.set(tables, (named = new Map(tables.map((table) => [quoteTable(table), table]))));
  return named.get(quoteTable(name));
}
