import { Op, type Table } from '@weir/sdk';
import { identifier, qualified, type QualifiedName } from './sql-text.ts';
import { columnType } from './types.ts';

/** Bits of a staged row's sequence number that hold its operation: `seq = number << 3 | op`. */
export const OP_BITS = 3;
/** Columns that one UINTEGER of marks covers. */
export const MARK_BITS = 32;
/** Numbers that lie between the rows of two merges; more than rows are ever staged for one. */
export const NUMBER_GAP: number = 2 ** 32;

const IMAGES = 'temp.main.weir_images';
/** The operation of a staged row. Expects the row's alias before it. */
const OP = `seq & ${(1 << OP_BITS) - 1}`;
/** A key whose first staged event is one of these is in the target already. */
const MUST_EXIST = `first_op IN (${Op.update}, ${Op.delete})`;

/**
 * The columns of a staging table: the sequence number with the operation, marks for cells that did not change (bit i of
 * `u0` is column i, and so on), and the table's columns under names that cannot meet its own.
 */
export function stagingColumns(table: Table): string {
  const columns = ['seq BIGINT'];
  for (let i = 0; i < markWords(table); i++) columns.push(`u${i} UINTEGER`);
  table.columns.forEach((column, index) => columns.push(`c${index} ${columnType(column.type).sql}`));
  return columns.join(', ');
}

/** How many UINTEGERs of marks a row has. */
export function markWords(table: Table): number {
  return Math.ceil(table.columns.length / MARK_BITS);
}

/** What is merged: the rows of a staging table from a number on, into a target. */
export interface Merge {
  readonly table: Table;
  readonly target: QualifiedName;
  readonly stage: string;
  /** Rows below this number were merged before. Half a gap before the first row, see {@link untangleSql}. */
  readonly from: number;
  /** Columns that some staged image left unchanged. */
  readonly unchanged: readonly number[];
}

/** Counts the target's rows with a staged key; answers one row, for {@link divergence}. */
export function countSql(merge: Merge): string {
  const { table, target } = merge;
  return (
    `SELECT (SELECT count(*) FROM ${keysSql(merge)} WHERE ${MUST_EXIST}), count(*) FILTER (WHERE ${MUST_EXIST}), ` +
    `count(DISTINCT last_seq) FILTER (WHERE ${MUST_EXIST}), count(*) FILTER (WHERE first_op = ${Op.insert}) ` +
    `FROM ${qualified(target)} AS t JOIN ${keysSql(merge)} AS k ON ${keysMatch(table)}`
  );
}

/** What the target holds of the staged keys; all zero when it is what the source says it is. */
export interface Divergence {
  /** Keys to change or delete that are not there. */
  readonly missing: number;
  /** Rows too many of keys to change or delete. */
  readonly doubled: number;
  /** Rows of keys that are to be inserted. */
  readonly present: number;
}

/** Reads the row that {@link countSql} answers. */
export function divergence(row: readonly unknown[]): Divergence {
  const [expected = 0, rows = 0, keys = 0, present = 0] = row.map(Number);
  return { missing: expected - keys, doubled: rows - keys, present };
}

/**
 * Makes the target hold the last image of each staged key, once {@link countSql} found it as it must be: deletes the rows
 * of all staged keys and inserts the last images, but for deletes. Where images lack cells that did not change they are put
 * together before, since the old rows may hold them.
 */
export function applySql(merge: Merge): string {
  const { table, target, unchanged } = merge;
  const remove = `DELETE FROM ${qualified(target)} AS t USING ${keysSql(merge)} AS k WHERE ${keysMatch(table)}`;
  const names = table.columns.map((column) => identifier(column.name)).join(', ');
  const insert = `INSERT INTO ${qualified(target)} (${names})`;
  if (unchanged.length === 0) return `${remove};\n${insert} ${imagesSql(merge)}`;
  const make = `CREATE TEMP TABLE ${IMAGES} AS ${imagesSql(merge)}`;
  return `${make};\n${remove};\n${insert} SELECT * FROM ${IMAGES};\nDROP TABLE ${IMAGES}`;
}

/** The last images, whole: what did not change comes from an earlier image of the group or else from the target's row. */
function imagesSql(merge: Merge): string {
  const { table, target, stage, unchanged } = merge;
  const values = table.columns.map(({ name }, index) => {
    if (!unchanged.includes(index)) return `s.c${index}`;
    const before = `WHEN k.f${index} IS NULL THEN t.${identifier(name)} ELSE s${index}.c${index}`;
    return `CASE WHEN ${isKnown(index, 's.')} THEN s.c${index} ${before} END AS c${index}`;
  });
  const earlier = unchanged.map((index) => `LEFT JOIN ${stage} AS s${index} ON s${index}.seq = k.f${index} `);
  const old = unchanged.length === 0 ? '' : `LEFT JOIN ${qualified(target)} AS t ON ${keysMatch(table)} `;
  return (
    `SELECT ${values.join(', ')} FROM ${stage} AS s JOIN ${keysSql(merge, true)} AS k ON s.seq = k.last_seq ` +
    `${earlier.join('')}${old}WHERE (s.${OP}) <> ${Op.delete}`
  );
}

/**
 * Each staged key with its first operation and its last row.
 * @param earlier with the last row that has a value, for columns that some image left unchanged; NULL when that is the last
 *   row itself, or none (`f`)
 */
function keysSql({ table, stage, from, unchanged }: Merge, earlier = false): string {
  const keys = table.key.map((index) => `c${index}`).join(', ');
  const values = unchanged.map((index) => {
    const known = `(${OP}) <> ${Op.delete} AND ${isKnown(index)}`;
    return `, nullif(max(seq) FILTER (WHERE ${known}), max(seq)) AS f${index}`;
  });
  return (
    `(SELECT ${keys}, min(seq) & ${(1 << OP_BITS) - 1} AS first_op, max(seq) AS last_seq${earlier ? values.join('') : ''} ` +
    `FROM ${stage} WHERE seq >= ${sequenceOf(from)} GROUP BY ${keys})`
  );
}

/**
 * Where a key's constraint is deferred, one transaction may give row A the key of row B before B gets another (a swap, or
 * every key plus one). By key that is an insert and then a delete, and the delete is B's, not A's. It is told by its whole
 * old image, which is the target's row: such a delete is put before all other rows of the merge.
 */
export function untangleSql(merge: Merge): string {
  const { table, target, stage, from } = merge;
  const same = table.columns.map(({ name }, index) => `t.${identifier(name)} IS NOT DISTINCT FROM d.c${index}`);
  const sameKey = table.key.map((index) => `k.c${index} = d.c${index}`);
  return (
    `UPDATE ${stage} AS d SET seq = d.seq - ${sequenceOf(NUMBER_GAP / 2)} ` +
    `FROM ${qualified(target)} AS t, ${keysSql(merge)} AS k ` +
    `WHERE d.seq >= ${sequenceOf(from)} AND (d.${OP}) = ${Op.delete} AND k.first_op = ${Op.insert} ` +
    `AND ${[...sameKey, ...same].join(' AND ')}`
  );
}

/** A changed key whose image lacks cells: two staged rows, one with the old key, one with the new and what changed. */
export interface Move {
  readonly oldSeq: number;
  readonly newSeq: number;
  /** The columns that came. */
  readonly columns: readonly number[];
}

/** Changes the row of the old key in place. */
export function moveSql({ table, target, stage }: Merge, { oldSeq, newSeq, columns }: Move): string {
  const changes = columns.map((index) => `${identifier(table.columns[index]!.name)} = n.c${index}`);
  return (
    `UPDATE ${qualified(target)} AS t SET ${changes.join(', ')} FROM ${stage} AS k, ${stage} AS n ` +
    `WHERE k.seq = ${oldSeq} AND n.seq = ${newSeq} AND ${keysMatch(table)}`
  );
}

/** Counts the target's rows with the key of one staged row. */
export function presentSql({ table, target, stage }: Merge, seq: number): string {
  return `SELECT count(*) FROM ${qualified(target)} AS t, ${stage} AS k WHERE k.seq = ${seq} AND ${keysMatch(table)}`;
}

/** The sequence number of a staged row without its operation. */
function sequenceOf(number: number): number {
  return number * (1 << OP_BITS);
}

/** Keys are never NULL, so `=` is enough. */
function keysMatch(table: Table): string {
  return table.key.map((index) => `t.${identifier(table.columns[index]!.name)} = k.c${index}`).join(' AND ');
}

function isKnown(column: number, alias = ''): string {
  return `(${alias}u${Math.floor(column / MARK_BITS)} & ${2 ** (column % MARK_BITS)}) = 0`;
}
