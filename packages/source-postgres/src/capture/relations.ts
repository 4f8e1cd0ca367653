import type { TableName } from '@weir/sdk';
import { query } from '@weir/postgres';
import type pg from 'pg';

/** What a relation is, for people; only the first two have a stream of changes of their own. */
export type RelationKind =
  | 'table'
  | 'partitioned table'
  | 'view'
  | 'materialized view'
  | 'foreign table'
  | 'sequence'
  | 'unlogged table'
  | 'temporary table'
  | 'system table';

/** Anything of the database that a pattern can name. */
export interface NamedRelation extends TableName {
  readonly oid: number;
  readonly kind: RelationKind;
  /** Oids of the partitioned tables that it is a part of, the nearest first; empty when it is no partition. */
  readonly ancestors: readonly number[];
}

const RELATIONS = `
  SELECT c.oid, n.nspname, c.relname, c.relkind, c.relpersistence,
         n.nspname = 'information_schema' OR n.nspname LIKE 'pg\\_%' AS system,
         CASE WHEN c.relispartition THEN
           (SELECT json_agg(relid::oid::bigint) FROM pg_partition_ancestors(c.oid) WITH ORDINALITY AS a(relid, place)
             WHERE relid <> c.oid)
         END AS ancestors
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND n.nspname NOT LIKE 'pg\\_toast%'
   ORDER BY n.nspname, c.relname`;

const KINDS: Record<string, RelationKind> = {
  r: 'table',
  p: 'partitioned table',
  v: 'view',
  m: 'materialized view',
  f: 'foreign table',
  S: 'sequence',
};

/** Every relation that has rows, by name. */
export async function readRelations(client: pg.Client): Promise<NamedRelation[]> {
  return (await query(client, RELATIONS)).map((row) => ({
    oid: Number(row['oid']),
    namespace: row['nspname']!,
    name: row['relname']!,
    kind: kindOf(row),
    ancestors: JSON.parse(row['ancestors'] ?? '[]') as number[],
  }));
}

/** A temporary table lies in a schema of the system; a partitioned table has no rows that could be logged or not. */
function kindOf(row: Record<string, string | null>): RelationKind {
  const kind = KINDS[row['relkind']!]!;
  if (row['relpersistence'] === 't') return 'temporary table';
  if (row['system'] === 't') return 'system table';
  return kind === 'table' && row['relpersistence'] === 'u' ? 'unlogged table' : kind;
}
