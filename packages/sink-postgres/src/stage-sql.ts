import { Op } from '@weir/sdk';
import { MARK, columnList, type Layout } from './layout.ts';
import { identifier } from './sql-text.ts';

/** Bits of a staged row's sequence number that hold its operation: `seq = number << 3 | op`. */
export const OP_BITS = 3;
/** Numbers that lie between the rows of two merges of a commit; more than rows are ever staged for one. */
export const NUMBER_GAP: number = 2 ** 24;

/** The operation of a staged row. Expects the row's alias before it. */
export const OP_OF: string = `seq & ${(1 << OP_BITS) - 1}`;
/** A key whose first staged event is one of these is in the target already. */
export const MUST_EXIST: string = `first_op IN (${Op.update}, ${Op.delete})`;
/** These bring a row that was not there. */
export const INSERTS: string = `(${Op.insert}, ${Op.read})`;

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
 * The table that rows of a commit are staged in. It is emptied at each commit by the server itself.
 *
 * - `seq`: sequence number with the operation; `marks`: a bit per column of the source's table, 1 = unchanged
 * - `at`: commit time, under soft deletes
 * - `c0` …: the mapped columns by their place in the source's table, under names that cannot meet its own
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

/** The columns of the COPY that stages rows. */
export function stagedList({ columns, soft }: Layout): string {
  return ['seq', 'marks', ...(soft ? ['at'] : []), ...columns.map(({ index }) => `c${index}`)].join(', ');
}

/** The sequence number of a staged row without its operation. */
export function sequenceOf(number: number): number {
  return number * (1 << OP_BITS);
}

/** Keys are never NULL, so `=` is enough. */
export function keysMatch({ table, key }: Layout, target: string, staged: string): string {
  return key.map((index) => `${target}.${identifier(table.columns[index]!.name)} = ${staged}.c${index}`).join(' AND ');
}

/** Whether no row with the key of the target's row `t` is to be merged. */
export function lacksSql({ layout, stage, from }: Merge): string {
  return `NOT EXISTS (SELECT FROM ${stage} AS g WHERE g.seq >= ${sequenceOf(from)} AND ${keysMatch(layout, 't', 'g')})`;
}

/** Whether the target's row counts as there. */
export function isLive({ soft }: Layout, target: string): string {
  return soft ? `${target}.${MARK} IS NULL` : 'true';
}

export function isKnown(column: number, alias: string): string {
  return `coalesce(get_bit(${alias}.marks, ${column}), 0) = 0`;
}

/** A whole row as text: equal for two rows when every cell is, whatever the types know of equality. */
export function stagedText({ columns }: Layout, alias: string): string {
  return `ROW(${columns.map(({ index }) => `${alias}.c${index}`).join(', ')})::text`;
}

export function targetText({ columns }: Layout, alias: string): string {
  return `ROW(${columns.map(({ name }) => `${alias}.${identifier(name)}`).join(', ')})::text`;
}

/** `("id", "note", …)` of an INSERT, with the mark and the extra columns when they come too. */
export function insertList(layout: Layout, { mark, extras }: { mark: boolean; extras: boolean }): string {
  const more = extras ? layout.extras.map(({ name }) => identifier(name)) : [];
  return [columnList(layout), ...(mark ? [MARK] : []), ...more].join(', ');
}

/**
 * Fills in what changed keys left as it was, from the target's rows of the old keys. Each is two staged rows, a delete and
 * the insert right behind it. Nothing else may be staged, so that the target's rows are as they were before.
 */
export function fillSql({ layout, stage, from, unchanged }: Merge): string {
  const name = (index: number): string => identifier(layout.table.columns[index]!.name);
  const mapped = new Set(layout.columns.map(({ index }) => index));
  const cells = unchanged
    .filter((index) => mapped.has(index))
    .map((index) => `c${index} = CASE WHEN ${isKnown(index, 'n')} THEN n.c${index} ELSE t.${name(index)} END`);
  const extras = layout.extras.map((extra, index) => `x${index} = t.${identifier(extra.name)}`);
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
