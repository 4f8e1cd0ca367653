import { Op } from '@weir/sdk';
import { OP_BITS, OP_OF, isLive, keysMatch, sequenceOf, type Layout } from '@weir/sql-sink';

/** Numbers that lie between the rows of two merges of a commit; more than rows are ever staged for one. */
export const NUMBER_GAP: number = 2 ** 24;

/** A stage, and which of its rows are to be merged. */
export interface Merge {
  readonly layout: Layout;
  /** The stage's name in SQL. */
  readonly stage: string;
  /** Rows below this number were merged before. Half a gap before the first row, see `untangleSql`. */
  readonly from: number;
  /** Columns that some staged image left unchanged. */
  readonly unchanged: readonly number[];
  /** Some staged row carries what the target's extra columns held. */
  readonly carries: boolean;
}

/**
 * The columns of the table that rows of a commit are staged in: those of `stagedList`, and
 *
 * - `x0` … and `carried`: the target's extra columns, as the row held them under its old key
 */
export function stageColumns({ columns, extras, soft }: Layout): string {
  const carried = extras.length === 0 ? [] : ['carried boolean', ...extras.map(({ sql }, index) => `x${index} ${sql}`)];
  return [
    'seq bigint',
    'marks bit varying',
    ...(soft ? ['at timestamp with time zone'] : []),
    ...columns.map(({ index, sql }) => `c${index} ${sql}`),
    ...carried,
  ].join(', ');
}

/** Whether no row with the key of the target's row `t` is to be merged. */
export function lacksSql({ layout, stage, from }: Merge): string {
  return `NOT EXISTS (SELECT FROM ${stage} AS g WHERE g.seq >= ${sequenceOf(from)} AND ${keysMatch(layout, 't', 'g')})`;
}

export function isKnown(column: number, alias: string): string {
  return `coalesce(get_bit(${alias}.marks, ${column}), 0) = 0`;
}

/** A whole row as text: equal for two rows when every cell is, whatever the types know of equality. */
export function stagedText({ columns }: Layout, alias: string): string {
  return `ROW(${columns.map(({ index }) => `${alias}.c${index}`).join(', ')})::text`;
}

export function targetText({ columns }: Layout, alias: string): string {
  return `ROW(${columns.map(({ quoted }) => `${alias}.${quoted}`).join(', ')})::text`;
}

/**
 * Fills in what changed keys left as it was, from the target's rows of the old keys. Each is two staged rows, a delete and
 * the insert right behind it. Nothing else may be staged, so that the target's rows are as they were before.
 */
export function fillSql({ layout, stage, from, unchanged }: Merge): string {
  const cells = layout.columns
    .filter(({ index }) => unchanged.includes(index))
    .map(({ index, quoted }) => `c${index} = CASE WHEN ${isKnown(index, 'n')} THEN n.c${index} ELSE t.${quoted} END`);
  const extras = layout.extras.map(({ quoted }, index) => `x${index} = t.${quoted}`);
  const carried = extras.length === 0 ? [] : ['carried = true', ...extras];
  return (
    `UPDATE ${stage} AS n SET ${[...cells, ...carried, 'marks = NULL'].join(', ')} ` +
    `FROM ${stage} AS o, ${layout.sql} AS t WHERE n.seq >= ${sequenceOf(from)} AND n.${OP_OF} = ${Op.insert} ` +
    `AND o.seq = (((n.seq >> ${OP_BITS}) - 1) << ${OP_BITS} | ${Op.delete}) AND ${oldRowSql(layout)}`
  );
}

/** The target's row that a staged delete is about. */
function oldRowSql(layout: Layout): string {
  if (layout.key.length > 0) return `${keysMatch(layout, 't', 'o')} AND ${isLive(layout, 't')}`;
  // One of several equal rows, the one that `removeSql` will take.
  return (
    `t.ctid = (SELECT r.ctid FROM ${layout.sql} AS r WHERE ${targetText(layout, 'r')} = ${stagedText(layout, 'o')} ` +
    `AND ${isLive(layout, 'r')} ORDER BY r.ctid LIMIT 1)`
  );
}
