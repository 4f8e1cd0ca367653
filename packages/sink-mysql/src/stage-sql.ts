import { Op } from '@weir/sdk';
import { INSERTS, OP_OF } from '@weir/sql-sink';
import type { Layout, MappedColumn } from './layout.ts';

/** The number of the first row of a merge: `untangleSql` puts rows before it. More than rows are ever staged for one. */
export const FIRST_NUMBER: number = 2 ** 24;

/** A stage, and how its rows are merged. */
export interface Merge {
  readonly layout: Layout;
  /** The stage's name in SQL. MySQL opens a temporary table once in a statement, so that it is joined to no copy of itself. */
  readonly stage: string;
  /** The table of staged keys: see `keysColumns`. */
  readonly keys: string;
  /** Columns of the source's table that some staged image left unchanged. */
  readonly unchanged: readonly number[];
  /** Some staged row carries what the target's extra columns held. */
  readonly carries: boolean;
}

/**
 * The columns of the table that rows of a commit are staged in: those of `stagedList`, and `x0` … and `carried`: the target's
 * extra columns, as the row held them under its old key.
 */
export function stageColumns({ columns, extras, soft, table }: Layout): string {
  const carried = extras.length === 0 ? [] : ['carried bool NULL', ...extras.map(({ sql }, index) => `x${index} ${sql} NULL`)];
  return [
    'seq bigint NOT NULL PRIMARY KEY',
    `marks varchar(${Math.max(1, table.columns.length)}) collate ascii_bin NULL`,
    ...(soft ? ['at datetime(6) NULL'] : []),
    ...columns.map(({ index, sql }) => `c${index} ${sql} NULL`),
    ...carried,
  ].join(', ');
}

/**
 * The staged keys with what became of each:
 *
 * - `first_op`, `last_op`, `last_seq`: its first operation and its last row
 * - `balance`: how many rows the key has at the end; NULL where one was read, which may have been there
 * - `image_seq`: the last row that is no delete; `new_seq`: the last that brought it anew; NULL when there is none
 * - `at`: when it was deleted, under soft deletes
 * - `f<i>`: for columns that some image left unchanged, the last row that has a value, and `v<i>`, that value
 * - `carried` and `x<i>`: as in the stage, of the row that brought it anew
 */
export function keysColumns({ layout, unchanged, carries }: Pick<Merge, 'layout' | 'unchanged' | 'carries'>): string {
  const typeOf = new Map(layout.columns.map(({ index, sql }) => [index, sql]));
  const carried = carries ? ['carried bool NULL', ...layout.extras.map(({ sql }, index) => `x${index} ${sql} NULL`)] : [];
  return [
    ...layout.key.map(({ index, sql }) => `c${index} ${sql} NOT NULL`),
    'first_op tinyint NOT NULL, last_op tinyint NOT NULL, last_seq bigint NOT NULL, image_seq bigint NULL',
    'new_seq bigint NULL, balance bigint NULL, at datetime(6) NULL',
    ...unchanged.filter((index) => typeOf.has(index)).map((index) => `f${index} bigint NULL, v${index} ${typeOf.get(index)!} NULL`),
    ...carried,
    `PRIMARY KEY (${layout.key.map(({ index }) => `c${index}`).join(', ')})`,
  ].join(', ');
}

/** Fills the keys from the stage, whose rows are all to be merged. */
export function fillKeysSql({ layout, stage, keys, unchanged }: Merge): string {
  const list = layout.key.map(({ index }) => `c${index}`).join(', ');
  const mapped = new Set(layout.columns.map(({ index }) => index));
  const known = unchanged.filter((index) => mapped.has(index));
  const isImage = `(${OP_OF}) <> ${Op.delete}`;
  const last = (which: string): string => `MAX(CASE WHEN ${which} THEN seq END)`;
  const count = (op: Op): string => `SUM((${OP_OF}) = ${op})`;
  const before = `CASE MIN(seq) & 7 WHEN ${Op.insert} THEN 0 ELSE 1 END`;
  const balance = `CASE WHEN ${count(Op.read)} = 0 THEN ${before} + ${count(Op.insert)} - ${count(Op.delete)} END`;
  const values = known.map((index) => `, ${last(`${isImage} AND ${isKnown(index, 'g')}`)}`).join('');
  const names = known.map((index) => `, f${index}`).join('');
  return (
    `INSERT INTO ${keys} (${list}, first_op, last_op, last_seq, image_seq, new_seq, balance${names}) ` +
    `SELECT ${list}, MIN(seq) & 7, MAX(seq) & 7, MAX(seq), ${last(isImage)}, ${last(`(${OP_OF}) IN ${INSERTS}`)}, ` +
    `${balance}${values} FROM ${stage} AS g GROUP BY ${list}`
  );
}

/** What the keys take from the stage's rows, one join each: values that an earlier image has, times of deletes, what is carried. */
export function completeKeysSql({ layout, stage, keys, unchanged, carries }: Merge): string[] {
  const mapped = new Set(layout.columns.map(({ index }) => index));
  const join = (on: string, set: string, where: string): string =>
    `UPDATE ${keys} AS k STRAIGHT_JOIN ${stage} AS s ON s.seq = k.${on} SET ${set} WHERE ${where}`;
  const statements = unchanged
    .filter((index) => mapped.has(index))
    .map((index) => join(`f${index}`, `k.v${index} = s.c${index}`, `k.f${index} <> k.image_seq`));
  if (layout.soft) statements.push(join('last_seq', 'k.at = s.at', `k.last_op = ${Op.delete}`));
  if (carries) {
    const extras = layout.extras.map((_, index) => `k.x${index} = s.x${index}`);
    statements.push(join('new_seq', ['k.carried = s.carried', ...extras].join(', '), 's.carried'));
  }
  return statements;
}

export function isKnown(column: number, alias: string): string {
  return `COALESCE(SUBSTRING(${alias}.marks, ${column + 1}, 1), '0') = '0'`;
}

/**
 * A row's image as 64 characters: equal for two rows when every cell is, whatever the types know of equality: a float's zeros
 * are two. A hash, since a text of all cells may be longer than the server lets a function answer.
 */
export function imageSql({ columns }: Layout, cellOf: (column: MappedColumn) => string): string {
  const cells = columns.map((column) => {
    const text = column.encoding.kind.startsWith('float') ? `CAST(${cellOf(column)} AS DOUBLE)` : cellOf(column);
    return `IFNULL(SHA2(${text}, 256), '-')`;
  });
  return `SHA2(CONCAT(${["''", ...cells].join(', ')}), 256)`;
}
