import { Op } from '@weir/sdk';
import { vectorsSql } from './held-deletes.ts';
import type { LaidColumn } from './layout.ts';
import { identifier, qualified } from './sql-text.ts';
import { NUMBER_GAP, OP, OP_BITS, isKnown, sequenceOf, type Divergence, type Merge } from './staged-rows.ts';

const IMAGES = 'temp.main.weir_images';
/** A key whose first staged event is one of these is in the target already. */
const MUST_EXIST = `first_op IN (${Op.update}, ${Op.delete})`;

/** Over the staged rows of a key that end with a delete: more rows came than went, so it was another row's. */
const KNOTTED =
  `(max(seq) & ${(1 << OP_BITS) - 1}) = ${Op.delete} AND NOT bool_or((${OP}) = ${Op.read}) AND ` +
  `count(*) FILTER (WHERE (${OP}) = ${Op.insert}) + CASE min(seq) & ${(1 << OP_BITS) - 1} WHEN ${Op.insert} THEN 0 ELSE 1 END ` +
  `> count(*) FILTER (WHERE (${OP}) = ${Op.delete})`;

/** Counts the target's rows with a staged key; answers a row for {@link divergence}, {@link knotted}, {@link vectorsFound}. */
export function countSql(merge: Merge): string {
  return (
    `SELECT (SELECT count(*) FROM ${keysSql(merge)} WHERE ${MUST_EXIST}), count(*) FILTER (WHERE ${MUST_EXIST}), ` +
    `count(DISTINCT last_seq) FILTER (WHERE ${MUST_EXIST}), count(*) FILTER (WHERE first_op = ${Op.insert}), ` +
    `(SELECT count(*) FROM ${keysSql(merge)} WHERE knotted), ` +
    `${merge.isView ? '0' : vectorsSql(merge.layout)} FROM ${qualified(merge.target)} AS t ` +
    `JOIN ${keysSql(merge)} AS k ON ${keysMatch(merge)}${isThere(merge)}`
  );
}

/** Reads the row that {@link countSql} answers. */
export function divergence(row: readonly unknown[]): Divergence {
  const [expected = 0, rows = 0, keys = 0, present = 0] = row.map(Number);
  return { missing: expected - keys, doubled: rows - keys, present };
}

/** How many keys {@link unknotSql} is for, by the row that {@link countSql} answers. */
export function knotted(row: readonly unknown[]): number {
  return Number(row.at(-2));
}

/** In how many vectors {@link countSql} found rows. */
export function vectorsFound(row: readonly unknown[]): number {
  return Number(row.at(-1));
}

/**
 * Makes the target hold the last image of each staged key, once {@link countSql} found it as it must be: deletes the rows
 * of all staged keys and inserts the last images in the order of their keys, but for deletes. Where the old rows hold a part of what is inserted the
 * new ones are put together before: cells that did not change, columns that the source does not have, and all of a row that
 * is marked as deleted.
 */
export function applySql(merge: Merge): string {
  const { layout, target, unchanged, inPlace } = merge;
  if (inPlace !== null) return inPlaceSql(merge, inPlace);
  const remove = `DELETE FROM ${qualified(target)} AS t USING ${keysSql(merge)} AS k WHERE ${keysMatch(merge)}`;
  const names = layout.columns.map((column) => identifier(column.target));
  const insert = (columns: readonly string[]): string => `INSERT INTO ${qualified(target)} (${columns.join(', ')})`;
  const { extra, mark } = layout;
  // So that few row groups are read for a key that moved to the end of the table, however many did.
  const inOrder = `ORDER BY ${merge.key.map((index) => `c${index}`).join(', ')}`;
  if (unchanged.length === 0 && extra.length === 0 && mark === null)
    return `${remove};\n${insert(names)} ${imagesSql(merge)} ${inOrder}`;
  const cells = layout.columns.map(({ index }) => `c${index}`);
  if (mark !== null) {
    names.push(identifier(mark));
    cells.push('gone');
  }
  const others = extra.map((column) => identifier(column.name));
  const otherCells = extra.map((_, index) => `e${index}`);
  // A new row gets the defaults of the columns that it does not have.
  const inserts =
    extra.length === 0
      ? [`${insert(names)} SELECT ${cells.join(', ')} FROM ${IMAGES} ${inOrder}`]
      : [
          `${insert([...names, ...others])} SELECT ${[...cells, ...otherCells].join(', ')} FROM ${IMAGES} WHERE NOT made ${inOrder}`,
          `${insert(names)} SELECT ${cells.join(', ')} FROM ${IMAGES} WHERE made ${inOrder}`,
        ];
  const make = `CREATE TEMP TABLE ${IMAGES} AS ${imagesSql(merge)}`;
  return [make, remove, ...inserts, `DROP TABLE ${IMAGES}`].join(';\n');
}

/** Changes only the cells that came, so that the others are not even read, however large they are. */
function inPlaceSql(merge: Merge, changed: readonly number[]): string {
  const { layout, key, target } = merge;
  const columns = layout.columns.filter(({ index }) => key.includes(index) || changed.includes(index));
  const unchanged = merge.unchanged.filter((index) => changed.includes(index));
  const part: Merge = { ...merge, unchanged, layout: { ...layout, columns, extra: [], mark: null } };
  const changes = columns
    .filter(({ index }) => !key.includes(index))
    .map((column) => `${identifier(column.target)} = k.c${column.index}`);
  if (changes.length === 0) return 'SELECT 1';
  return (
    `CREATE TEMP TABLE ${IMAGES} AS ${imagesSql(part)};\n` +
    `UPDATE ${qualified(target)} AS t SET ${changes.join(', ')} FROM ${IMAGES} AS k ` +
    `WHERE ${keysMatch(merge)}${isThere(merge)};\n` +
    `DROP TABLE ${IMAGES}`
  );
}

/** The last images, whole: what did not change comes from an earlier image of the group or else from the target's row. */
export function imagesSql(merge: Merge): string {
  const { layout, target, stage, unchanged } = merge;
  const { extra, mark } = layout;
  const values = layout.columns.map((column) => `${valueSql(merge, column)} AS c${column.index}`);
  if (extra.length > 0) values.push('k.made', ...extra.map(({ name }, index) => `t.${identifier(name)} AS e${index}`));
  const earlier = unchanged.map((index) => `LEFT JOIN ${stage} AS s${index} ON s${index}.seq = k.f${index} `);
  const needsOld = unchanged.length > 0 || extra.length > 0 || mark !== null;
  const old = needsOld ? `LEFT JOIN ${qualified(target)} AS t ON ${keysMatch(merge)} ` : '';
  if (mark === null) {
    return (
      `SELECT ${values.join(', ')} FROM ${stage} AS s JOIN ${keysSql(merge, true)} AS k ON s.seq = k.last_seq ` +
      `${earlier.join('')}${old}WHERE (s.${OP}) <> ${Op.delete}`
    );
  }
  values.push(`CASE WHEN (l.${OP}) = ${Op.delete} THEN make_timestamptz(l.gone) END AS gone`);
  return (
    `SELECT ${values.join(', ')} FROM ${keysSql(merge, true)} AS k JOIN ${stage} AS l ON l.seq = k.last_seq ` +
    `LEFT JOIN ${stage} AS s ON s.seq = k.image_seq ${earlier.join('')}${old}`
  );
}

function valueSql({ layout, key, unchanged }: Merge, { index, target }: LaidColumn): string {
  const old = `t.${identifier(target)}`;
  const value = unchanged.includes(index)
    ? `CASE WHEN ${isKnown(index, 's.')} THEN s.c${index} WHEN k.f${index} IS NULL THEN ${old} ELSE s${index}.c${index} END`
    : `s.c${index}`;
  if (layout.mark === null) return value;
  return key.includes(index) ? `k.c${index}` : `CASE WHEN k.image_seq IS NULL THEN ${old} ELSE ${value} END`;
}

/**
 * Each staged key with its first operation and its last row, and whether {@link unknotSql} is for it.
 * @param whole with the last row that is no delete (`image_seq`), whether some row makes the key's row anew (`made`), and
 *   for columns that some image left unchanged the last row that has a value (`f`); NULL when that is the image itself, or
 *   none
 */
export function keysSql({ layout, key, stage, from, unchanged }: Merge, whole = false): string {
  const keys = key.map((index) => `c${index}`).join(', ');
  const isImage = `(${OP}) <> ${Op.delete}`;
  const values = unchanged.map(
    (index) =>
      `, nullif(max(seq) FILTER (WHERE ${isImage} AND ${isKnown(index)}), max(seq) FILTER (WHERE ${isImage})) AS f${index}`,
  );
  if (layout.mark !== null) values.push(`, max(seq) FILTER (WHERE ${isImage}) AS image_seq`);
  if (layout.extra.length > 0) values.push(`, bool_or((${OP}) IN (${Op.insert}, ${Op.read})) AS made`);
  return (
    `(SELECT ${keys}, min(seq) & ${(1 << OP_BITS) - 1} AS first_op, max(seq) AS last_seq` +
    `${whole ? values.join('') : `, ${KNOTTED} AS knotted, bool_or((${OP}) = ${Op.delete}) AS removed`} ` +
    `FROM ${stage} WHERE seq >= ${sequenceOf(from)} GROUP BY ${keys})`
  );
}

/**
 * Where a key's constraint is deferred, one transaction may give row A the key of row B before B gets another (a swap, or
 * every key plus one). By key that is an insert and then a delete, and the delete is B's, not A's. It is told by its whole
 * old image, which is the target's row: such a delete is put before all other rows of the merge.
 */
export function untangleSql(merge: Merge): string {
  const { layout, key, target, stage, from } = merge;
  const same = layout.columns.map((column) => `t.${identifier(column.target)} IS NOT DISTINCT FROM d.c${column.index}`);
  const sameKey = key.map((index) => `k.c${index} = d.c${index}`);
  return (
    `UPDATE ${stage} AS d SET seq = d.seq - ${sequenceOf(NUMBER_GAP / 2)} ` +
    `FROM ${qualified(target)} AS t, ${keysSql(merge)} AS k ` +
    `WHERE d.seq >= ${sequenceOf(from)} AND (d.${OP}) = ${Op.delete} AND k.first_op = ${Op.insert} ` +
    `AND ${[...sameKey, ...same].join(' AND ')}${isThere(merge)}`
  );
}

/**
 * The same where B was changed or inserted by an earlier transaction of the group: the key's rows are an update, an insert and
 * a delete, which is B's. B's end is known by the insert, so its delete is forgotten.
 */
export function unknotSql(merge: Merge): string {
  return `DELETE FROM ${merge.stage} AS d USING ${keysSql(merge)} AS k WHERE k.knotted AND d.seq = k.last_seq`;
}

/** A changed key whose image lacks cells: two staged rows, one with the old key, one with the new and what changed. */
export interface Move {
  readonly oldSeq: number;
  readonly newSeq: number;
  /** The columns that came, by their places in the source's table. */
  readonly columns: readonly number[];
}

/** Gives a row another key; the last statement answers how many rows had the old one. */
export function moveSql(merge: Merge, { oldSeq, newSeq, columns }: Move): string {
  const { layout, target, stage } = merge;
  const changed = layout.columns.filter(({ index }) => columns.includes(index));
  const rows =
    `${stage} AS k, ${stage} AS n WHERE k.seq = ${oldSeq} AND n.seq = ${newSeq} ` +
    `AND ${keysMatch(merge)}${isThere(merge)}`;
  if (layout.mark === null) {
    const changes = changed.map((column) => `${identifier(column.target)} = n.c${column.index}`);
    return `UPDATE ${qualified(target)} AS t SET ${changes.join(', ')} FROM ${rows}`;
  }
  // The old row stays, marked; one that is marked under the new key gives way.
  const mark = identifier(layout.mark);
  const kept = [...layout.columns.map((column) => column.target), ...layout.extra.map((column) => column.name)];
  const cells = kept.map((name) => {
    const column = changed.find((other) => other.target === name);
    return column === undefined ? `t.${identifier(name)}` : `n.c${column.index}`;
  });
  return (
    `DELETE FROM ${qualified(target)} AS t USING ${stage} AS k WHERE k.seq = ${newSeq} AND ${keysMatch(merge)} ` +
    `AND t.${mark} IS NOT NULL;\n` +
    `INSERT INTO ${qualified(target)} (${kept.map(identifier).join(', ')}) SELECT ${cells.join(', ')} ` +
    `FROM ${qualified(target)} AS t, ${rows};\n` +
    `UPDATE ${qualified(target)} AS t SET ${mark} = make_timestamptz(k.gone) FROM ${stage} AS k WHERE k.seq = ${oldSeq} ` +
    `AND ${keysMatch(merge)}${isThere(merge)}`
  );
}

/** Counts the target's rows with the key of one staged row. */
export function presentSql(merge: Merge, seq: number): string {
  return (
    `SELECT count(*) FROM ${qualified(merge.target)} AS t, ${merge.stage} AS k ` +
    `WHERE k.seq = ${seq} AND ${keysMatch(merge)}${isThere(merge)}`
  );
}

/** A condition for a row of the target: no row with its key is staged. */
export function lacksSql(merge: Merge): string {
  return `NOT EXISTS (SELECT 1 FROM ${merge.stage} AS k WHERE k.seq >= ${sequenceOf(merge.from)} AND ${keysMatch(merge)})`;
}

/** Keys are never NULL, so `=` is enough. */
export function keysMatch({ layout, key }: Merge, alias = 't'): string {
  const names = new Map(layout.columns.map((column) => [column.index, column.target]));
  return key.map((index) => `${alias}.${identifier(names.get(index)!)} = k.c${index}`).join(' AND ');
}

/** A row that is marked as deleted is not there. */
function isThere({ layout }: Merge): string {
  return layout.mark === null ? '' : ` AND t.${identifier(layout.mark)} IS NULL`;
}
