import type { Ask, QualifiedName, TargetColumn as SqlColumn, TargetIndex, TargetTable as SqlTable } from '@weir/sql-sink';
import { literal } from './sql-text.ts';

/** A column of a table at the sink; its type is as `format_type` prints it. */
export interface TargetColumn extends SqlColumn {
  readonly typeOid: number;
  readonly modifier: number;
}

/** What a table at the sink is like now. */
export interface TargetTable extends SqlTable {
  /** An ordinary or a partitioned table: what Weir writes. A view, say, is none. */
  readonly isTable: boolean;
  readonly columns: readonly TargetColumn[];
  /** A foreign key of another table points to it: then it cannot be truncated. */
  readonly referenced: boolean;
}

/** Looks at a table. @returns null when there is none of that name, of whatever kind */
export async function inspectTarget(ask: Ask, target: QualifiedName): Promise<TargetTable | null> {
  const [row] = (await ask(inspectSql(target))).rows;
  if (row === undefined) return null;
  const [kind, columns, indexes, referenced] = row;
  return {
    isTable: kind === 'r' || kind === 'p',
    columns: (JSON.parse(columns ?? '[]') as ColumnRow[]).map(columnOf),
    indexes: (JSON.parse(indexes ?? '[]') as IndexRow[]).map(indexOf),
    referenced: referenced === 't',
  };
}

type ColumnRow = [string, string, boolean, boolean, boolean, string | number, number];

function columnOf([name, type, notNull, filled, generated, typeOid, modifier]: ColumnRow): TargetColumn {
  return { name, type, notNull, filled, generated, typeOid: Number(typeOid), modifier };
}

type IndexRow = [string, boolean, boolean, string[] | null];

function indexOf([name, primary, exclusion, columns]: IndexRow): TargetIndex {
  return { name, primary, exclusion, columns };
}

function inspectSql({ schema, table }: QualifiedName): string {
  return `SELECT c.relkind,
    (SELECT json_agg(json_build_array(a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
                                      (a.atthasdef AND a.attgenerated = '') OR a.attidentity <> '', a.attgenerated <> '',
                                      a.atttypid, a.atttypmod) ORDER BY a.attnum)
       FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),
    (SELECT json_agg(json_build_array(ic.relname, i.indisprimary, i.indisexclusion,
                                      CASE WHEN i.indexprs IS NULL AND i.indpred IS NULL THEN
                                        (SELECT json_agg(a.attname ORDER BY k.place)
                                           FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k(attnum, place)
                                           JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
                                          WHERE k.place <= i.indnkeyatts) END) ORDER BY ic.relname)
       FROM pg_index i JOIN pg_class ic ON ic.oid = i.indexrelid
      WHERE i.indrelid = c.oid AND (i.indisunique OR i.indisexclusion)),
    EXISTS (SELECT FROM pg_constraint f WHERE f.contype = 'f' AND f.confrelid = c.oid AND f.conrelid <> c.oid)
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = ${literal(schema)} AND c.relname = ${literal(table)}`;
}
