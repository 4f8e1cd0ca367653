import { Op, type Table } from '@weir/sdk';
import { identifier, qualified, type QualifiedName } from './sql-text.ts';
import { columnType } from './types.ts';

/** Bits of a staged row's sequence number that hold its operation: `seq = number << 3 | op`. */
export const OP_BITS = 3;
/** Columns that one UINTEGER of marks covers. */
export const MARK_BITS = 32;

/** More than any sequence number; leaves the operation in its bits. */
const BEFORE_ALL = 2 ** 55;
const KEYS = 'temp.main.weir_keys';
const HITS = 'temp.main.weir_hits';
/** Expects the row alias before it. */
const OP = `seq & ${(1 << OP_BITS) - 1}`;

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

/**
 * Looks up what a merge will meet.
 * - `weir_keys`: for each key that was staged its first operation, its last image, and for the columns in `unchanged` the
 *   latest value within the group (`f`, if `k`);
 * - `weir_hits`: the target's rows with such a key, with their values of those columns.
 *
 * It answers one row, see {@link gatherCounts}.
 */
export function gatherSql(table: Table, target: QualifiedName, stage: string, unchanged: readonly number[]): string {
  const keys = table.key.map((index) => `c${index}`).join(', ');
  const latest = unchanged.map((index) => {
    const known = `(${OP}) <> ${Op.delete} AND ${isKnown(index)}`;
    return `, arg_max_null(c${index}, seq) FILTER (WHERE ${known}) AS f${index}, bool_or(${known}) AS k${index}`;
  });
  const old = unchanged.map((index) => `, t.${identifier(table.columns[index]!.name)} AS t${index}`);
  return (
    `CREATE TEMP TABLE ${KEYS} AS SELECT ${keys}, min(seq) & ${(1 << OP_BITS) - 1} AS first_op, max(seq) AS last_seq` +
    `${latest.join('')} FROM ${stage} GROUP BY ${keys};\n` +
    `CREATE TEMP TABLE ${HITS} AS SELECT ${hasOwnRowid(table) ? '' : 't.rowid AS rid, '}k.first_op, k.last_seq` +
    `${old.join('')} FROM ${qualified(target)} AS t JOIN ${KEYS} AS k ON ${keysMatch(table)};\n` +
    `SELECT (SELECT count(*) FROM ${KEYS} WHERE ${mustExist}), count(*) FILTER (WHERE ${mustExist}), ` +
    `count(DISTINCT last_seq) FILTER (WHERE ${mustExist}), count(*) FILTER (WHERE first_op = ${Op.insert}) FROM ${HITS}`
  );
}

/** A key whose first staged event is one of these is in the target already. */
const mustExist = `first_op IN (${Op.update}, ${Op.delete})`;

/** What the target holds of the staged keys; all zero when it is what the source says it is. */
export interface Divergence {
  /** Keys to change or delete that are not there. */
  readonly missing: number;
  /** Rows too many of keys to change or delete. */
  readonly doubled: number;
  /** Rows of keys that are to be inserted. */
  readonly present: number;
}

/** Reads the row that {@link gatherSql} answers. */
export function gatherCounts(row: readonly unknown[]): Divergence {
  const [expected = 0, hits = 0, hitKeys = 0, present = 0] = row.map(Number);
  return { missing: expected - hitKeys, doubled: hits - hitKeys, present };
}

/**
 * Makes the target hold the last image of each staged key: deletes the rows that were met, inserts the last images but
 * deletes, their unchanged cells filled from earlier images of the group or else from the row that was met. Then empties
 * the staging table.
 */
export function applySql(table: Table, target: QualifiedName, stage: string, unchanged: readonly number[]): string {
  const values = table.columns.map((_, index) =>
    unchanged.includes(index)
      ? `CASE WHEN ${isKnown(index, 's.')} THEN s.c${index} WHEN k.k${index} THEN k.f${index} ELSE h.t${index} END`
      : `s.c${index}`,
  );
  // Only a key that begins with an update can lack a value in the group, and it has exactly one hit.
  // The filter stands in a subquery: as a condition of the join it would make DuckDB compare all rows with all.
  const met = `(SELECT * FROM ${HITS} WHERE first_op = ${Op.update})`;
  const hits = unchanged.length === 0 ? '' : ` LEFT JOIN ${met} AS h ON h.last_seq = k.last_seq`;
  const remove = hasOwnRowid(table)
    ? `DELETE FROM ${qualified(target)} AS t USING ${KEYS} AS k WHERE ${keysMatch(table)}`
    : `DELETE FROM ${qualified(target)} WHERE rowid IN (SELECT rid FROM ${HITS})`;
  return (
    `${remove};\n` +
    `INSERT INTO ${qualified(target)} (${columnNames(table)}) SELECT ${values.join(', ')} FROM ${stage} AS s ` +
    `JOIN ${KEYS} AS k ON s.seq = k.last_seq${hits} WHERE (s.${OP}) <> ${Op.delete};\n` +
    `DROP TABLE ${KEYS};\nDROP TABLE ${HITS};\n${clearSql(stage)}`
  );
}

/**
 * Where a key's constraint is deferred, one transaction may give row A the key of row B before B gets another (a swap, or
 * every key plus one). By key that is an insert and then a delete, and the delete is B's, not A's. It is told by its whole
 * old image, which is the target's row: such a delete is put before the insert, and the keys are to be gathered again.
 */
export function untangleSql(table: Table, target: QualifiedName, stage: string): string {
  const same = table.columns.map(({ name }, index) => `t.${identifier(name)} IS NOT DISTINCT FROM d.c${index}`);
  const sameKey = table.key.map((index) => `k.c${index} = d.c${index}`);
  return (
    `UPDATE ${stage} AS d SET seq = d.seq - ${BEFORE_ALL} FROM ${qualified(target)} AS t, ${KEYS} AS k ` +
    `WHERE (d.${OP}) = ${Op.delete} AND k.first_op = ${Op.insert} AND ${[...sameKey, ...same].join(' AND ')};\n` +
    `DROP TABLE ${KEYS};\nDROP TABLE ${HITS}`
  );
}

export function clearSql(stage: string): string {
  return `DELETE FROM ${stage}`;
}

/**
 * A row that gets a new key and keeps cells that did not come: the row of the old key is changed in place.
 * @param oldSeq the staged row with the old key
 * @param newSeq the staged row with the new key and the cells that changed
 * @param columns the columns that came
 */
export function moveSql(
  table: Table,
  target: QualifiedName,
  stage: string,
  move: { readonly oldSeq: number; readonly newSeq: number; readonly columns: readonly number[] },
): string {
  const changes = move.columns.map((index) => `${identifier(table.columns[index]!.name)} = n.c${index}`);
  return (
    `UPDATE ${qualified(target)} AS t SET ${changes.join(', ')} FROM ${stage} AS k, ${stage} AS n ` +
    `WHERE k.seq = ${move.oldSeq} AND n.seq = ${move.newSeq} AND ${keysMatch(table)}`
  );
}

/** Counts the target's rows with the key of one staged row. */
export function countSql(table: Table, target: QualifiedName, stage: string, seq: number): string {
  return `SELECT count(*) FROM ${qualified(target)} AS t, ${stage} AS k WHERE k.seq = ${seq} AND ${keysMatch(table)}`;
}

export function columnNames(table: Table): string {
  return table.columns.map((column) => identifier(column.name)).join(', ');
}

/** Keys are never NULL, so `=` is enough. */
function keysMatch(table: Table): string {
  return table.key.map((index) => `t.${identifier(table.columns[index]!.name)} = k.c${index}`).join(' AND ');
}

function isKnown(column: number, alias = ''): string {
  return `(${alias}u${Math.floor(column / MARK_BITS)} & ${2 ** (column % MARK_BITS)}) = 0`;
}

/** A column of that name hides DuckDB's own row numbers. */
function hasOwnRowid(table: Table): boolean {
  return table.columns.some((column) => column.name.toLowerCase() === 'rowid');
}
