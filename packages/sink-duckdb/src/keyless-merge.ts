import { Op } from '@weir/sdk';
import { identifier, qualified } from './sql-text.ts';
import { OP, sequenceOf, type Merge } from './staged-rows.ts';

/*
 * Rows of a table without a key. A delete takes away one row that is the same in every column, whichever: such rows cannot
 * be told apart. An update is a delete of the old image and an insert of the new one.
 */

const ROWS = 'temp.main.weir_rows';
const REMOVED = `(${OP}) = ${Op.delete}`;

/** Counts the rows that are to be deleted and are neither in the target nor inserted before them. Answers one number. */
export function keylessMissingSql(merge: Merge): string {
  const { target } = merge;
  return (
    `WITH g AS ${imagesSql(merge)}, h AS (SELECT g.id, count(*) AS there FROM ${qualified(target)} AS t JOIN g ` +
    `ON ${isSame(merge, 'g')} GROUP BY g.id) ` +
    'SELECT coalesce(sum(greatest(g.needed - coalesce(h.there, 0), 0)), 0) FROM g LEFT JOIN h ON h.id = g.id'
  );
}

/**
 * Inserts what was inserted, then takes as many rows of each image as were deleted: all of its rows are put aside, and those
 * that stay come back. (DuckDB's `rowid` would tell them apart, but a column may have that name.)
 * @param linked there is one update and nothing else: the new row keeps what the source does not have of the old one
 */
export function keylessApplySql(merge: Merge, linked: boolean): string {
  const { layout, target, stage, from } = merge;
  const { mark, extra } = layout;
  const inTarget = layout.columns.map((column) => identifier(column.target));
  const cells = layout.columns.map(({ index }) => `s.c${index}`);
  const others = extra.map((column) => identifier(column.name));
  const marks = mark === null ? [] : [identifier(mark)];
  const first = `(SELECT * FROM ${ROWS} ORDER BY number LIMIT 1) AS o`;
  const insert = linked
    ? `INSERT INTO ${qualified(target)} (${[...inTarget, ...others].join(', ')}) ` +
      `SELECT ${[...cells, ...extra.map((_, index) => `o.e${index}`)].join(', ')} FROM ${stage} AS s, ${first}`
    : `INSERT INTO ${qualified(target)} (${inTarget.join(', ')}) SELECT ${cells.join(', ')} FROM ${stage} AS s`;
  const inserted = `${insert} WHERE s.seq >= ${sequenceOf(from)} AND NOT (s.${OP}) = ${Op.delete}`;
  const take = takeSql(merge);
  const back =
    `INSERT INTO ${qualified(target)} (${[...inTarget, ...others, ...marks].join(', ')}) SELECT ${backSql(merge)} ` +
    `FROM ${ROWS} AS r LEFT JOIN ${deletesSql(merge)} AS d ON d.id = r.id AND d.number = r.number ` +
    `WHERE d.number IS NULL${mark === null ? '' : ' OR d.gone IS NOT NULL'}`;
  const statements = linked ? [...take, back, inserted] : [inserted, ...take, back];
  return [...statements, `DROP TABLE ${ROWS}`].join(';\n');
}

/** Puts all rows of the images that lose some aside, numbered. */
function takeSql(merge: Merge): string[] {
  const { layout, target } = merge;
  const cells = layout.columns.map((column) => `t.${identifier(column.target)} AS c${column.index}`);
  const others = layout.extra.map((column, index) => `t.${identifier(column.name)} AS e${index}`);
  return [
    `CREATE TEMP TABLE ${ROWS} AS SELECT ${[...cells, ...others].join(', ')}, g.id AS id, ` +
      `row_number() OVER (PARTITION BY g.id) AS number FROM ${qualified(target)} AS t JOIN ${imagesSql(merge)} AS g ` +
      `ON ${isSame(merge, 'g')}`,
    `DELETE FROM ${qualified(target)} AS t USING ${imagesSql(merge)} AS g WHERE ${isSame(merge, 'g')}`,
  ];
}

function backSql({ layout }: Merge): string {
  const cells = [...layout.columns.map(({ index }) => `r.c${index}`), ...layout.extra.map((_, index) => `r.e${index}`)];
  return [...cells, ...(layout.mark === null ? [] : ['make_timestamptz(d.gone)'])].join(', ');
}

/**
 * Each image that loses rows: a number of its own (`id`), and how many of them must have been in the target (`needed`): the
 * most that were deleted beyond those inserted up to any moment.
 */
function imagesSql(merge: Merge): string {
  const { layout, stage, from } = merge;
  const cells = layout.columns.map(({ index }) => `c${index}`).join(', ');
  return (
    `(SELECT ${cells}, min(seq) AS id, max(balance) AS needed ` +
    `FROM (SELECT ${cells}, seq, sum(CASE WHEN ${REMOVED} THEN 1 ELSE -1 END) ` +
    `OVER (PARTITION BY ${cells} ORDER BY seq ROWS UNBOUNDED PRECEDING) AS balance FROM ${stage} ` +
    `WHERE seq >= ${sequenceOf(from)}) GROUP BY ${cells} HAVING bool_or(${REMOVED}))`
  );
}

/** The deletes of each image, numbered in order. */
function deletesSql({ layout, stage, from }: Merge): string {
  const cells = layout.columns.map(({ index }) => `c${index}`).join(', ');
  const gone = layout.mark === null ? '' : ', gone';
  const rows = `FROM ${stage} WHERE seq >= ${sequenceOf(from)}`;
  return (
    `(SELECT id${gone}, row_number() OVER (PARTITION BY id ORDER BY seq) AS number ` +
    `FROM (SELECT seq${gone}, ${REMOVED} AS removed, ` +
    `min(seq) OVER (PARTITION BY ${cells}) AS id ${rows}) WHERE removed)`
  );
}

function isSame({ layout }: Merge, alias: string): string {
  const same = layout.columns.map(
    (column) => `t.${identifier(column.target)} IS NOT DISTINCT FROM ${alias}.c${column.index}`,
  );
  if (layout.mark !== null) same.push(`t.${identifier(layout.mark)} IS NULL`);
  return same.join(' AND ');
}
