import { Op } from '@weir/sdk';
import { MARK, MUST_EXIST, OP_OF, insertList, isLive, keysMatch, sequenceOf } from '@weir/sql-sink';
import type { Layout, MappedColumn } from './layout.ts';
import { FIRST_NUMBER, type Merge } from './stage-sql.ts';

/** How many keys must be in the target. */
export function expectedSql({ keys }: Merge): string {
  return `SELECT COUNT(*) FROM ${keys} WHERE ${MUST_EXIST}`;
}

/** Rows of the target with keys that must be there, and how many keys: for a table in which a key may have several rows. */
export function thereSql({ layout, keys }: Merge): string {
  return (
    `SELECT COUNT(*), COUNT(DISTINCT k.last_seq) FROM ${keys} AS k STRAIGHT_JOIN ${layout.sql} AS t ` +
    `ON ${keysMatch(layout, 't', 'k')} WHERE k.${MUST_EXIST} AND ${isLive(layout, 't')}`
  );
}

/** Rows of the target with keys that are to be inserted: for the same, after the deletes. */
export function inTheWaySql({ layout, keys }: Merge): string {
  return (
    `SELECT COUNT(*) FROM ${keys} AS k STRAIGHT_JOIN ${layout.sql} AS t ON ${keysMatch(layout, 't', 'k')} ` +
    `WHERE ${inserting(layout)}`
  );
}

/**
 * Removes rows of the target whose keys are deleted or brought anew.
 * @param must those that must be there, or the others, which may be
 */
export function removeSql({ layout, keys }: Merge, must: boolean): string {
  const which = must ? `k.${MUST_EXIST}` : `NOT k.${MUST_EXIST}`;
  return (
    `DELETE t FROM ${keys} AS k STRAIGHT_JOIN ${layout.sql} AS t ON ${keysMatch(layout, 't', 'k')} ` +
    `WHERE ${which} AND ${removed(layout)}`
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

/** Changes the other rows in place, all of which must be there, so that large values that did not change are not written again. */
export function updateSql(merge: Merge): string {
  const { layout, stage, keys } = merge;
  const value = (column: MappedColumn): string => {
    const known = cellSql(merge, column, `t.${column.quoted}`);
    return layout.soft ? `CASE WHEN k.image_seq IS NULL THEN t.${column.quoted} ELSE ${known} END` : known;
  };
  const changed = layout.columns.filter((column) => !layout.key.includes(column));
  const changes = changed.map((column) => `t.${column.quoted} = ${value(column)}`);
  if (layout.soft) changes.push(`t.${MARK} = CASE WHEN k.last_op = ${Op.delete} THEN k.at END`);
  // A table that is all key: its rows are found and counted all the same.
  if (changes.length === 0) changes.push(`t.${layout.key[0]!.quoted} = t.${layout.key[0]!.quoted}`);
  const which = layout.soft ? `t.${MARK} IS NULL` : `k.last_op <> ${Op.delete}`;
  return (
    `UPDATE ${keys} AS k LEFT JOIN ${stage} AS s ON s.seq = k.image_seq ` +
    `STRAIGHT_JOIN ${layout.sql} AS t ON ${keysMatch(layout, 't', 'k')} ` +
    `SET ${changes.join(', ')} WHERE k.new_seq IS NULL AND ${which}`
  );
}

/**
 * Inserts the rows of keys that were not there, or were brought anew, after the deletes.
 * @param carried the rows that carry the target's extra columns, or the others, so that those get their defaults
 */
export function insertSql(merge: Merge, carried: boolean): string {
  const { layout, stage, keys, carries } = merge;
  const values = layout.columns.map((column) => cellSql(merge, column, 'NULL'));
  if (layout.soft) values.push(`CASE WHEN k.last_op = ${Op.delete} THEN k.at END`);
  if (carried) values.push(...layout.extras.map((_, index) => `k.x${index}`));
  const which = carries ? ` AND k.carried IS ${carried ? 'TRUE' : 'NOT TRUE'}` : '';
  return (
    `INSERT INTO ${layout.sql} (${insertList(layout, { mark: layout.soft, extras: carried })}) SELECT ${values.join(', ')} ` +
    `FROM ${keys} AS k STRAIGHT_JOIN ${stage} AS s ON s.seq = k.image_seq WHERE ${inserting(layout)}${which}`
  );
}

/** Which keys get a row. */
function inserting({ soft }: Layout): string {
  return soft ? 'k.new_seq IS NOT NULL' : `k.new_seq IS NOT NULL AND k.last_op <> ${Op.delete}`;
}

/** Counts the target's rows of keys that are to be inserted: see {@link untangleSql}. */
export function presentSql({ layout, keys }: Merge): string {
  return (
    `SELECT COUNT(*) FROM ${keys} AS k STRAIGHT_JOIN ${layout.sql} AS t ON ${keysMatch(layout, 't', 'k')} ` +
    `WHERE k.first_op = ${Op.insert} AND ${isLive(layout, 't')}`
  );
}

/**
 * Where a key's constraint is deferred, one transaction may give row A the key of row B before B gets another (a swap, or
 * every key plus one). By key that is an insert and then a delete, and the delete is B's, not A's. It is told by its whole
 * old image, which is the target's row: such a delete is put before all other rows of the merge. The keys are then to be
 * filled again.
 */
export function untangleSql({ layout, stage, keys }: Merge): string {
  const same = layout.columns.map((column) => {
    const { quoted, index, encoding } = column;
    const isFloat = encoding.kind.startsWith('float');
    const text = (cell: string): string => (isFloat ? `CAST(CAST(${cell} AS DOUBLE) AS CHAR)` : cell);
    return `${text(`t.${quoted}`)} <=> ${text(`d.c${index}`)}`;
  });
  const sameKeys = layout.key.map(({ index }) => `k.c${index} = d.c${index}`).join(' AND ');
  return (
    `UPDATE ${stage} AS d JOIN ${keys} AS k ON ${sameKeys} JOIN ${layout.sql} AS t ON ${keysMatch(layout, 't', 'd')} ` +
    `SET d.seq = d.seq - ${sequenceOf(FIRST_NUMBER / 2)} ` +
    `WHERE (d.${OP_OF}) = ${Op.delete} AND k.first_op = ${Op.insert} AND ${isLive(layout, 't')} AND ${same.join(' AND ')}`
  );
}

/**
 * The same where B was changed or inserted by an earlier transaction of the group: the key's rows are an update, an insert and
 * a delete, which is B's. B's end is known by the insert, so its delete is forgotten. To be run, and the keys filled again,
 * until it deletes nothing: each time one of a key's rows goes.
 */
export function unknotSql({ stage, keys }: Merge): string {
  return (
    `DELETE d FROM ${keys} AS k STRAIGHT_JOIN ${stage} AS d ON d.seq = k.last_seq ` +
    `WHERE k.last_op = ${Op.delete} AND k.balance > 0`
  );
}

/** The last image's cell; one that did not come is that of an earlier image, or else the old row's. */
function cellSql({ unchanged }: Merge, { index }: MappedColumn, old: string): string {
  if (!unchanged.includes(index)) return `s.c${index}`;
  return `CASE WHEN k.f${index} IS NULL THEN ${old} WHEN k.f${index} = k.image_seq THEN s.c${index} ELSE k.v${index} END`;
}
