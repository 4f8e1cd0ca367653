import type { CellRewrite, Relation, TableBinding } from '@weir/pgoutput';
import { mapType, query, quoteIdentifier, readTypes, type PgType } from '@weir/postgres';
import { tableName, type Column, type Table } from '@weir/sdk';
import type pg from 'pg';

/** A column as the catalog has it. */
export interface CatalogColumn {
  readonly name: string;
  readonly typeOid: number;
  readonly modifier: number;
}

/** A table of the database that can be captured. */
export interface CatalogTable {
  readonly oid: number;
  readonly namespace: string;
  readonly name: string;
  readonly columns: readonly CatalogColumn[];
  readonly table: Table;
  readonly rewrites: readonly (CellRewrite | null)[];
  readonly replicaIdentity: 'd' | 'n' | 'f' | 'i';
  readonly partitioned: boolean;
  readonly estimatedRows: number;
  /** What of it, the table or its partitions, this role may not read; as `"schema"."name"`. */
  readonly unreadable: readonly string[];
  /** Row security hides rows from this role. */
  readonly filtered: boolean;
  /** Partitions whose replica identity is not the table's: the stream identifies their rows in another way. */
  readonly deviating: readonly string[];
  readonly owned: boolean;
}

/**
 * Ordinary and partitioned tables outside the system schemas, partitions left out: changes arrive under their root.
 * Generated columns are left out, since the stream does not have them. A key that is only checked at commit identifies no
 * rows for the server either.
 */
const TABLES = `
  SELECT c.oid, n.nspname, c.relname, c.relreplident, c.relkind, greatest(c.reltuples, 0)::bigint AS rows,
         pg_has_role(c.relowner, 'USAGE') AS owned, row_security_active(c.oid) AS filtered,
         (SELECT json_agg(format('%I.%I', p.relnamespace::regnamespace::name, p.relname) ORDER BY p.relname)
            FROM pg_class p
           WHERE (p.oid = c.oid OR p.oid IN (SELECT relid FROM pg_partition_tree(c.oid)))
             AND NOT has_table_privilege(p.oid, 'SELECT')) AS unreadable,
         (SELECT json_agg(format('%I.%I', p.relnamespace::regnamespace::name, p.relname) ORDER BY p.relname)
            FROM pg_partition_tree(c.oid) t JOIN pg_class p ON p.oid = t.relid
           WHERE t.isleaf AND p.relreplident <> c.relreplident) AS deviating,
         (SELECT json_agg(json_build_array(a.attname, a.atttypid, a.atttypmod, NOT a.attnotnull,
                                           format_type(a.atttypid, a.atttypmod), a.attnum) ORDER BY a.attnum)
            FROM pg_attribute a
           WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '') AS columns,
         (SELECT json_agg(k.attnum ORDER BY k.place)
            FROM pg_index i, unnest(i.indkey::int2[]) WITH ORDINALITY AS k(attnum, place)
           WHERE i.indrelid = c.oid AND k.place <= i.indnkeyatts AND i.indisvalid
             AND (i.indimmediate OR c.relreplident = 'f')
             AND CASE c.relreplident WHEN 'i' THEN i.indisreplident ELSE i.indisprimary END) AS key
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence = 'p'
     AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_%'
   ORDER BY n.nspname, c.relname`;

/** Every table that could be captured, with its columns mapped. */
export async function readCatalog(client: pg.Client): Promise<CatalogTable[]> {
  const types = await readTypes(client);
  return (await query(client, TABLES)).map((row) => catalogTable(row, types));
}

type ColumnRow = [
  name: string,
  typeOid: string | number,
  modifier: number,
  nullable: boolean,
  sourceType: string,
  attnum: number,
];

function catalogTable(row: Record<string, string | null>, types: ReadonlyMap<number, PgType>): CatalogTable {
  const rows = JSON.parse(row['columns'] ?? '[]') as ColumnRow[];
  const keyNumbers = JSON.parse(row['key'] ?? '[]') as number[];
  const mappings = rows.map(([, typeOid, modifier]) => mapType(types, Number(typeOid), modifier));
  const columns: Column[] = rows.map(([name, , , nullable, sourceType], i) => ({
    name,
    type: mappings[i]!.type,
    nullable,
    sourceType,
  }));
  const key = keyNumbers.map((attnum) => rows.findIndex((column) => column[5] === attnum));
  const namespace = row['nspname']!;
  const name = row['relname']!;
  return {
    oid: Number(row['oid']),
    namespace,
    name,
    columns: rows.map(([columnName, typeOid, modifier]) => ({ name: columnName, typeOid: Number(typeOid), modifier })),
    // A key of which the stream lacks a column, since it is generated, is none.
    table: { namespace, name, version: 1, columns, key: key.includes(-1) ? [] : key },
    rewrites: mappings.map((mapping) => mapping.rewrite),
    replicaIdentity: row['relreplident'] as CatalogTable['replicaIdentity'],
    partitioned: row['relkind'] === 'p',
    estimatedRows: Number(row['rows']),
    unreadable: JSON.parse(row['unreadable'] ?? '[]') as string[],
    filtered: row['filtered'] === 't',
    deviating: JSON.parse(row['deviating'] ?? '[]') as string[],
    owned: row['owned'] === 't',
  };
}

export function bindTable(table: CatalogTable): TableBinding {
  return { table: table.table, rewrites: table.rewrites, skip: false };
}

/** Names, types and key of the columns as one text: it must be the same for copied and streamed rows to fit together. */
export function schemaDigest(table: CatalogTable): string {
  const columns = table.columns.map((column) => `${column.name}:${column.typeOid}:${column.modifier}`);
  return `${columns.join(',')};${table.table.key.join(',')};${table.replicaIdentity}`;
}

/** What of a relation in the stream differs from the catalog's table; null when nothing does. */
export function relationDifference(table: CatalogTable, relation: Relation): string | null {
  if (relation.oid !== table.oid) return 'it was dropped and made again';
  if (tableName(relation) !== tableName(table)) return `it was renamed to ${tableName(relation)}`;
  const columns = relation.columns.map((column) => `${column.name}:${column.typeOid}:${column.typeModifier}`);
  const known = table.columns.map((column) => `${column.name}:${column.typeOid}:${column.modifier}`);
  const added = relation.columns.filter((column) => !table.columns.some((other) => other.name === column.name));
  const dropped = table.columns.filter((column) => !relation.columns.some((other) => other.name === column.name));
  if (added.length > 0) return `column ${added[0]!.name} was added`;
  if (dropped.length > 0) return `column ${dropped[0]!.name} was dropped`;
  const changed = columns.findIndex((column, i) => column !== known[i]);
  if (changed >= 0) return `column ${relation.columns[changed]!.name} changed its type or place`;
  if (relation.replicaIdentity !== table.replicaIdentity) return 'the replica identity changed';
  const isKey = (index: number): boolean => relation.replicaIdentity === 'f' || table.table.key.includes(index);
  return relation.columns.every((column, i) => column.isKey === isKey(i)) ? null : 'the key changed';
}

/** `"schema"."table"` */
export function quoteTable(table: { readonly namespace: string; readonly name: string }): string {
  return `${quoteIdentifier(table.namespace)}.${quoteIdentifier(table.name)}`;
}
