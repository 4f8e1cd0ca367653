import { Op } from '@weir/sdk';
import {
  INSERTS,
  MARK,
  MUST_EXIST,
  OP_OF,
  insertList,
  isLive,
  keysMatch,
  sequenceOf,
  type Divergence,
  type Layout,
  type MappedColumn,
} from '@weir/sql-sink';
import { NUMBER_GAP, isKnown, stagedText, targetText, type Merge } from './stage-sql.ts';

/**
 * Changes the target's rows of staged keys: removes those that are deleted or brought anew, updates the others in place, so
 * that large values that did not change are not written again. Answers one row for {@link changedDivergence}.
 */
export function changeSql(merge: Merge): string {
  const { layout } = merge;
  return (
    `WITH k AS MATERIALIZED (${keysSql(merge)}), ` +
    `d AS (DELETE FROM ${layout.sql} AS t USING k WHERE ${keysMatch(layout, 't', 'k')} AND ${removed(layout)} ` +
    `RETURNING k.first_op, k.last_seq), ` +
    `u AS (${updateSql(merge)} RETURNING k.first_op, k.last_seq), ` +
    `c AS (SELECT * FROM d WHERE ${MUST_EXIST} UNION ALL SELECT * FROM u WHERE ${MUST_EXIST}) ` +
    `SELECT (SELECT count(*) FROM k WHERE ${MUST_EXIST}), count(*), count(DISTINCT last_seq) FROM c`
  );
}

/** Reads the row that {@link changeSql} answers. */
export function changedDivergence(row: readonly unknown[]): Divergence {
  const [expected = 0, rows = 0, keys = 0] = row.map(Number);
  return { missing: expected - keys, doubled: rows - keys, present: 0 };
}

/**
 * Inserts the rows of keys that were not there, or were brought anew, after {@link changeSql}. Answers one row for
 * {@link insertedDivergence}. The rows that carry the target's extra columns are inserted with them, the others without, so
 * that those get their defaults.
 */
export function insertSql(merge: Merge): string {
  const { layout, carries } = merge;
  const one = (extras: boolean, which: string): string => {
    const list = insertList(layout, { mark: layout.soft, extras });
    return `(INSERT INTO ${layout.sql} (${list}) ${newRowsSql(merge, extras)}${which} RETURNING 1)`;
  };
  const inserts = carries
    ? `p AS ${one(false, ' AND o.carried IS NOT TRUE')}, q AS ${one(true, ' AND o.carried')}`
    : `p AS ${one(false, '')}`;
  const inserted = `(SELECT count(*) FROM p)${carries ? ' + (SELECT count(*) FROM q)' : ''}`;
  return (
    `WITH k AS MATERIALIZED (${keysSql(merge)}), ${inserts} ` +
    `SELECT (SELECT count(*) FROM k WHERE ${inserting(layout)}), ${inserted}`
  );
}

/** Reads the row that {@link insertSql} answers. */
export function insertedDivergence(row: readonly unknown[]): Divergence {
  const [expected = 0, inserted = 0] = row.map(Number);
  return { missing: 0, doubled: 0, present: expected - inserted };
}

/** Counts the target's rows of keys that are to be inserted: see {@link untangleSql}. */
export function presentSql(merge: Merge): string {
  const { layout } = merge;
  return (
    `SELECT count(*) FROM (${keysSql(merge)}) AS k JOIN ${layout.sql} AS t ON ${keysMatch(layout, 't', 'k')} ` +
    `WHERE k.first_op = ${Op.insert} AND ${isLive(layout, 't')}`
  );
}

/**
 * Where a key's constraint is deferred, one transaction may give row A the key of row B before B gets another (a swap, or
 * every key plus one). By key that is an insert and then a delete, and the delete is B's, not A's. It is told by its whole
 * old image, which is the target's row: such a delete is put before all other rows of the merge.
 */
export function untangleSql(merge: Merge): string {
  const { layout, stage, from } = merge;
  return (
    `UPDATE ${stage} AS d SET seq = d.seq - ${sequenceOf(NUMBER_GAP / 2)} ` +
    `FROM ${layout.sql} AS t, (${keysSql(merge)}) AS k WHERE d.seq >= ${sequenceOf(from)} AND d.${OP_OF} = ${Op.delete} ` +
    `AND k.first_op = ${Op.insert} AND ${sameKeys(layout, 'k', 'd')} AND ${keysMatch(layout, 't', 'd')} ` +
    `AND ${isLive(layout, 't')} AND ${targetText(layout, 't')} = ${stagedText(layout, 'd')}`
  );
}

/**
 * The same where B was changed or inserted by an earlier transaction of the group: the key's rows are an update, an insert and
 * a delete, which is B's. B's end is known by the insert, so its delete is forgotten. To be run until it deletes nothing: each
 * time one of a key's rows goes.
 */
export function unknotSql(merge: Merge): string {
  return (
    `DELETE FROM ${merge.stage} AS d USING (${keysSql(merge)}) AS k ` +
    `WHERE k.last_op = ${Op.delete} AND k.balance > 0 AND d.seq = k.last_seq`
  );
}

/**
 * Each staged key with what became of it:
 *
 * - `first_op`, `last_op`, `last_seq`: its first operation and its last row
 * - `balance`: how many rows the key has at the end; none where one was read, which may have been there
 * - `image_seq`: the last row that is no delete; `new_seq`: the last that brought it anew; NULL when there is none
 * - `f<i>`: for columns that some image left unchanged, the last row that has a value
 */
function keysSql({ layout, stage, from, unchanged }: Merge): string {
  const keys = layout.key.map(({ index }) => `c${index}`).join(', ');
  const isImage = `${OP_OF} <> ${Op.delete}`;
  const values = unchanged.map((index) => `, max(seq) FILTER (WHERE ${isImage} AND ${isKnown(index, 'g')}) AS f${index}`);
  const count = (op: Op): string => `count(*) FILTER (WHERE ${OP_OF} = ${op})`;
  const before = `CASE min(seq) & ${(1 << 3) - 1} WHEN ${Op.insert} THEN 0 ELSE 1 END`;
  const balance = `CASE WHEN ${count(Op.read)} = 0 THEN ${before} + ${count(Op.insert)} - ${count(Op.delete)} END`;
  return (
    `SELECT ${keys}, min(seq) & ${(1 << 3) - 1} AS first_op, max(seq) & ${(1 << 3) - 1} AS last_op, max(seq) AS last_seq, ` +
    `max(seq) FILTER (WHERE ${isImage}) AS image_seq, max(seq) FILTER (WHERE ${OP_OF} IN ${INSERTS}) AS new_seq, ` +
    `${balance} AS balance${values.join('')} FROM ${stage} AS g WHERE seq >= ${sequenceOf(from)} GROUP BY ${keys}`
  );
}

/** Which of the target's rows go. A row that is brought anew takes nothing from the one that was there, marked or not. */
function removed({ soft }: Layout): string {
  const anew = 'k.new_seq IS NOT NULL';
  if (!soft) return `k.first_op <> ${Op.insert} AND (k.last_op = ${Op.delete} OR ${anew})`;
  const isThere =
    `CASE k.first_op WHEN ${Op.insert} THEN t.${MARK} IS NOT NULL WHEN ${Op.read} THEN true ` +
    `ELSE t.${MARK} IS NULL END`;
  return `${anew} AND ${isThere}`;
}

/** Which keys get a row. */
function inserting({ soft }: Layout): string {
  return soft ? 'new_seq IS NOT NULL' : `new_seq IS NOT NULL AND last_op <> ${Op.delete}`;
}

function updateSql(merge: Merge): string {
  const { layout, stage } = merge;
  const value = (column: MappedColumn): string => {
    const known = cellSql(merge, column, `t.${column.quoted}`);
    return layout.soft ? `CASE WHEN k.image_seq IS NULL THEN t.${column.quoted} ELSE ${known} END` : known;
  };
  const changes = layout.columns.map((column) => `${column.quoted} = ${value(column)}`);
  if (layout.soft) changes.push(`${MARK} = CASE WHEN k.last_op = ${Op.delete} THEN l.at END`);
  const which = layout.soft ? `t.${MARK} IS NULL` : `k.last_op <> ${Op.delete}`;
  return (
    `UPDATE ${layout.sql} AS t SET ${changes.join(', ')} FROM k LEFT JOIN ${stage} AS s ON s.seq = k.image_seq ` +
    `${lastSql(merge)}${earlierSql(merge)}WHERE ${keysMatch(layout, 't', 'k')} AND k.new_seq IS NULL AND ${which}`
  );
}

function newRowsSql(merge: Merge, extras: boolean): string {
  const { layout, stage, carries } = merge;
  const values = layout.columns.map((column) => cellSql(merge, column, 'NULL'));
  if (layout.soft) values.push(`CASE WHEN k.last_op = ${Op.delete} THEN l.at END`);
  if (extras) values.push(...layout.extras.map((_, index) => `o.x${index}`));
  const origin = carries ? `JOIN ${stage} AS o ON o.seq = k.new_seq ` : '';
  return (
    `SELECT ${values.join(', ')} FROM k JOIN ${stage} AS s ON s.seq = k.image_seq ${origin}${lastSql(merge)}` +
    `${earlierSql(merge)}WHERE ${inserting(layout)} ` +
    `AND NOT EXISTS (SELECT FROM ${layout.sql} AS t WHERE ${keysMatch(layout, 't', 'k')})`
  );
}

/** The last image's cell; one that did not come is that of an earlier image, or else the old row's. */
function cellSql({ unchanged }: Merge, { index }: MappedColumn, old: string): string {
  if (!unchanged.includes(index)) return `s.c${index}`;
  return `CASE WHEN k.f${index} IS NULL THEN ${old} ELSE s${index}.c${index} END`;
}

function earlierSql({ layout, stage, unchanged }: Merge): string {
  const mapped = new Set(layout.columns.map(({ index }) => index));
  const columns = unchanged.filter((index) => mapped.has(index));
  return columns.map((index) => `LEFT JOIN ${stage} AS s${index} ON s${index}.seq = k.f${index} `).join('');
}

/** The last row, which has the commit time. */
function lastSql({ layout, stage }: Merge): string {
  return layout.soft ? `JOIN ${stage} AS l ON l.seq = k.last_seq ` : '';
}

function sameKeys({ key }: Layout, one: string, other: string): string {
  return key.map(({ index }) => `${one}.c${index} = ${other}.c${index}`).join(' AND ');
}
