import { query } from '@weir/postgres';
import type pg from 'pg';
import type { CatalogTable } from '../capture/catalog.ts';
import type { CatalogShape, Partition, ShapeColumn } from './table-shape.ts';

/** Oids below are types of the server itself. */
const FIRST_OWN_OID = 16_384;

/**
 * Columns by `attnum`, whether captured or not, with the transaction that altered each last; of those that were added with a
 * constant default, what rows from before show. For a partitioned table, which has no rows itself, its leaves say that.
 */
const COLUMNS = `
  SELECT c.oid, c.relfilenode, c.relnatts,
         (SELECT i.indexrelid FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary) AS key_index,
         (SELECT json_agg(json_build_array(a.attnum, a.xmin::text, NOT a.attnotnull,
                                           format_type(a.atttypid, a.atttypmod),
                                           CASE WHEN c.relkind = 'p' THEN
                                             (SELECT min(l.attmissingval::text)
                                                FROM pg_partition_tree(c.oid) t JOIN pg_attribute l ON l.attrelid = t.relid
                                               WHERE t.isleaf AND l.attname = a.attname AND l.atthasmissing)
                                           WHEN a.atthasmissing THEN a.attmissingval::text END) ORDER BY a.attnum)
            FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns,
         (SELECT json_agg(json_build_array(a.attnum, a.xmin::text))
            FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND a.attisdropped) AS dropped
    FROM pg_class c WHERE c.oid = ANY ($1::oid[])`;

/**
 * Everything below partitioned tables. A partition was born as one when a column of it is as it was when the table was made,
 * in the same command as the table's own system columns, and inherited already: to attach or detach a table changes that.
 */
const PARTITIONS = `
  WITH RECURSIVE tree(root, oid, attached) AS (
    SELECT r.oid, i.inhrelid, i.xmin::text FROM unnest($1::oid[]) AS r(oid) JOIN pg_inherits i ON i.inhparent = r.oid
     WHERE NOT i.inhdetachpending
    UNION ALL
    SELECT t.root, i.inhrelid, i.xmin::text FROM tree t JOIN pg_inherits i ON i.inhparent = t.oid
     WHERE NOT i.inhdetachpending)
  SELECT t.root, t.oid, t.attached, c.relfilenode,
         (c.relkind = 'p' OR c.relfilenode = c.oid)
           AND EXISTS (SELECT FROM pg_attribute made, pg_attribute a
                        WHERE made.attrelid = c.oid AND made.attnum = -6 AND a.attrelid = c.oid AND a.attnum > 0
                          AND a.attinhcount = 1 AND NOT a.attislocal AND a.xmin = made.xmin AND a.cmin = made.cmin) AS born
    FROM tree t JOIN pg_class c ON c.oid = t.oid
   ORDER BY t.root, t.oid`;

/** Enum values and composite types that a type has in it, at any depth, each with what a change of would show in values. */
const CONTENTS = `
  WITH RECURSIVE used(root, oid) AS (
    SELECT oid, oid FROM unnest($1::oid[]) AS r(oid)
    UNION
    SELECT u.root, inner_type.oid
      FROM used u JOIN pg_type t ON t.oid = u.oid
     CROSS JOIN LATERAL (
           SELECT t.typelem WHERE t.typelem <> 0
           UNION ALL SELECT t.typbasetype WHERE t.typbasetype <> 0
           UNION ALL SELECT r.rngsubtype FROM pg_range r WHERE t.oid IN (r.rngtypid, r.rngmultitypid)
           UNION ALL SELECT a.atttypid FROM pg_attribute a
                      WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped) inner_type(oid))
  SELECT u.root, 'e' || e.oid AS part, e.enumlabel::text AS content FROM used u JOIN pg_enum e ON e.enumtypid = u.oid
  UNION ALL
  SELECT u.root, 'c' || t.oid,
         (SELECT coalesce(string_agg(a.atttypid || ':' || a.atttypmod, ' ' ORDER BY a.attnum), '') FROM pg_attribute a
           WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped)
    FROM used u JOIN pg_type t ON t.oid = u.oid AND t.typrelid <> 0`;

type ColumnRow = [
  attnum: number,
  altered: string,
  nullable: boolean,
  sourceType: string,
  missing: string | null,
];

/** The shapes of tables by their oids, as a transaction sees the catalog. What was dropped meanwhile is missing. */
export async function readShapes(client: pg.Client, tables: readonly CatalogTable[]): Promise<Map<number, CatalogShape>> {
  const byOid = new Map(tables.map((table) => [table.oid, table]));
  const oids = (of: readonly CatalogTable[]): string => `{${of.map(({ oid }) => oid).join(',')}}`;
  const rows = await query(client, COLUMNS, [oids(tables)]);
  const partitions = await readPartitions(client, oids(tables.filter(({ partitioned }) => partitioned)));
  const contents = await readContents(client, tables);
  return new Map(
    rows.map((row) => {
      const oid = Number(row['oid']);
      const table = byOid.get(oid)!;
      const below = partitions.get(oid) ?? [];
      const columnRows = JSON.parse(row['columns'] ?? '[]') as ColumnRow[];
      return [
        oid,
        {
          ...capturedColumns(table, columnRows),
          key: table.table.key.map((index) => table.columns[index]!.attnum),
          keyIndex: Number(row['key_index'] ?? 0),
          identity: table.replicaIdentity,
          insertsOnly: table.scope.insertsOnly,
          fileNode: Number(row['relfilenode']),
          partitions: below.map(({ partition }) => partition),
          contents: Object.assign({}, ...table.columns.map(({ typeOid }) => contents.get(typeOid) ?? {})) as Record<
            string,
            string
          >,
          highest: Number(row['relnatts']),
          dropped: new Map(JSON.parse(row['dropped'] ?? '[]') as [number, string][]),
          born: new Set(below.filter(({ born }) => born).map(({ partition }) => partition.oid)),
        },
      ];
    }),
  );
}

function capturedColumns(
  table: CatalogTable,
  rows: readonly ColumnRow[],
): Pick<CatalogShape, 'columns' | 'missing'> {
  const captured = new Map(table.columns.map((column) => [column.attnum, column]));
  const columns = rows.flatMap(([attnum, altered, nullable, sourceType]): ShapeColumn[] => {
    const column = captured.get(attnum);
    if (column === undefined) return [];
    const { name, typeOid, modifier } = column;
    return [{ attnum, name, typeOid, modifier, nullable, sourceType, altered }];
  });
  const missing = rows.flatMap(([attnum, , , , value]): [number, string][] => (value === null ? [] : [[attnum, value]]));
  return { columns, missing: new Map(missing) };
}

async function readPartitions(
  client: pg.Client,
  roots: string,
): Promise<Map<number, { partition: Partition; born: boolean }[]>> {
  const found = new Map<number, { partition: Partition; born: boolean }[]>();
  if (roots === '{}') return found;
  for (const row of await query(client, PARTITIONS, [roots])) {
    const root = Number(row['root']);
    const partition = { oid: Number(row['oid']), fileNode: Number(row['relfilenode']), attached: row['attached']! };
    found.set(root, [...(found.get(root) ?? []), { partition, born: row['born'] === 't' }]);
  }
  return found;
}

/** By the oid of a column's type. */
async function readContents(
  client: pg.Client,
  tables: readonly CatalogTable[],
): Promise<Map<number, Record<string, string>>> {
  const types = new Set(tables.flatMap(({ columns }) => columns.map(({ typeOid }) => typeOid)));
  const own = [...types].filter((oid) => oid >= FIRST_OWN_OID);
  const found = new Map<number, Record<string, string>>(own.map((oid) => [oid, {}]));
  if (own.length === 0) return found;
  for (const row of await query(client, CONTENTS, [`{${own.join(',')}}`])) {
    found.get(Number(row['root']))![row['part']!] = row['content']!;
  }
  return found;
}
