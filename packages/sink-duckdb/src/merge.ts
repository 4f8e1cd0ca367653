import { Op, type Table } from '@weir/sdk';
import { identifier, qualified, type QualifiedName } from './sql-text.ts';
import { columnType } from './types.ts';

/** Bits of a staged row's sequence number that hold its operation: `seq = number << 3 | op`. */
export const OP_BITS = 3;
/** Columns that one UINTEGER of marks covers. */
export const MARK_BITS = 32;
/** More than any sequence number; leaves the operation in its bits. */
const BEFORE_ALL = 2 ** 55;

/** The target's rows that a merge met; see {@link gatherSql}. One such table serves all merges of a session. */
const HITS = 'temp.main.weir_hits';
const IMAGES = 'temp.main.weir_images';
/** The operation of a staged row. Expects the row's alias before it. */
const OP = `seq & ${(1 << OP_BITS) - 1}`;
/** A key whose first staged event is one of these is in the target already. */
const MUST_EXIST = `first_op IN (${Op.update}, ${Op.delete})`;

/** Makes the session's `weir_hits` if it is not there. */
export const hitsTableSql: string = `CREATE TEMP TABLE IF NOT EXISTS ${HITS} (rid BIGINT, first_op BIGINT, last_seq BIGINT)`;

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

/** What is merged: a table, where it lies, its staging table, and the columns that some staged image left unchanged. */
export interface Merge {
  readonly table: Table;
  readonly target: QualifiedName;
  readonly stage: string;
  readonly unchanged: readonly number[];
}

/** Looks up the target's rows with a staged key and answers one row, for {@link gatherCounts}. */
export function gatherSql(merge: Merge): string {
  const { table, target } = merge;
  const rid = hasOwnRowid(table) ? 'NULL' : 't.rowid';
  return (
    `INSERT INTO ${HITS} SELECT ${rid}, k.first_op, k.last_seq FROM ${qualified(target)} AS t ` +
    `JOIN ${keysSql(merge)} AS k ON ${keysMatch(table)};\n` +
    `SELECT (SELECT count(*) FROM ${keysSql(merge)} WHERE ${MUST_EXIST}), count(*) FILTER (WHERE ${MUST_EXIST}), ` +
    `count(DISTINCT last_seq) FILTER (WHERE ${MUST_EXIST}), count(*) FILTER (WHERE first_op = ${Op.insert}) FROM ${HITS}`
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

/** Reads the row that {@link gatherSql} answers. */
export function gatherCounts(row: readonly unknown[]): Divergence {
  const [expected = 0, hits = 0, hitKeys = 0, present = 0] = row.map(Number);
  return { missing: expected - hitKeys, doubled: hits - hitKeys, present };
}

/**
 * Makes the target hold the last image of each staged key, after {@link gatherSql}: inserts the last images but deletes,
 * deletes the rows that were met, and empties the staging table. Unchanged cells are filled from earlier images of the
 * group or else from the row that was met; so the new rows are made before the old ones go.
 */
export function applySql(merge: Merge): string {
  const { table, target, stage } = merge;
  const into = `INSERT INTO ${qualified(target)} (${columnNames(table)})`;
  const statements = hasOwnRowid(table)
    ? [
        // Old and new rows of a key cannot be told apart here, so the new ones wait until the old ones are gone.
        `CREATE TEMP TABLE ${IMAGES} AS ${imagesSql(merge)}`,
        `DELETE FROM ${qualified(target)} AS t USING ${keysSql(merge)} AS k WHERE ${keysMatch(table)}`,
        `${into} SELECT * FROM ${IMAGES}`,
        `DROP TABLE ${IMAGES}`,
      ]
    : [`${into} ${imagesSql(merge)}`, `DELETE FROM ${qualified(target)} WHERE rowid IN (SELECT rid FROM ${HITS})`];
  return [...statements, clearSql(HITS), clearSql(stage)].join(';\n');
}

/** The last images, whole. */
function imagesSql(merge: Merge): string {
  const { table, target, stage, unchanged } = merge;
  const values = table.columns.map(({ name }, index) =>
    unchanged.includes(index)
      ? `CASE WHEN ${isKnown(index, 's.')} THEN s.c${index} WHEN k.k${index} THEN k.f${index} ELSE t.${identifier(name)} END AS c${index}`
      : `s.c${index}`,
  );
  // Only a key that begins with an update can lack a value in the group, and it was met exactly once. The filter stands in
  // a subquery: as a condition of the join it would make DuckDB compare all rows with all.
  const met = `(SELECT * FROM ${HITS} WHERE first_op = ${Op.update}) AS h ON h.last_seq = k.last_seq`;
  const old = `${qualified(target)} AS t ON ${hasOwnRowid(table) ? keysMatch(table) : 't.rowid = h.rid'}`;
  return (
    `SELECT ${values.join(', ')} FROM ${stage} AS s JOIN ${keysSql(merge, true)} AS k ON s.seq = k.last_seq ` +
    `${unchanged.length === 0 ? '' : `LEFT JOIN ${met} LEFT JOIN ${old} `}WHERE (s.${OP}) <> ${Op.delete}`
  );
}

/**
 * Each staged key with its first operation and its last row.
 * @param latest with the latest value that the group has of each column that some image left unchanged (`f`, if `k`)
 */
function keysSql({ table, stage, unchanged }: Merge, latest = false): string {
  const keys = table.key.map((index) => `c${index}`).join(', ');
  const values = unchanged.map((index) => {
    const known = `(${OP}) <> ${Op.delete} AND ${isKnown(index)}`;
    return `, arg_max_null(c${index}, seq) FILTER (WHERE ${known}) AS f${index}, bool_or(${known}) AS k${index}`;
  });
  return (
    `(SELECT ${keys}, min(seq) & ${(1 << OP_BITS) - 1} AS first_op, max(seq) AS last_seq${latest ? values.join('') : ''} ` +
    `FROM ${stage} GROUP BY ${keys})`
  );
}

/**
 * Where a key's constraint is deferred, one transaction may give row A the key of row B before B gets another (a swap, or
 * every key plus one). By key that is an insert and then a delete, and the delete is B's, not A's. It is told by its whole
 * old image, which is the target's row: such a delete is put before the insert, and the keys are to be gathered again.
 */
export function untangleSql(merge: Merge): string {
  const { table, target, stage } = merge;
  const same = table.columns.map(({ name }, index) => `t.${identifier(name)} IS NOT DISTINCT FROM d.c${index}`);
  const sameKey = table.key.map((index) => `k.c${index} = d.c${index}`);
  return (
    `UPDATE ${stage} AS d SET seq = d.seq - ${BEFORE_ALL} FROM ${qualified(target)} AS t, ${keysSql(merge)} AS k ` +
    `WHERE (d.${OP}) = ${Op.delete} AND k.first_op = ${Op.insert} AND ${[...sameKey, ...same].join(' AND ')};\n${clearSql(HITS)}`
  );
}

export function clearSql(temporary: string): string {
  return `DELETE FROM ${temporary}`;
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
export function countSql({ table, target, stage }: Merge, seq: number): string {
  return `SELECT count(*) FROM ${qualified(target)} AS t, ${stage} AS k WHERE k.seq = ${seq} AND ${keysMatch(table)}`;
}

function columnNames(table: Table): string {
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
