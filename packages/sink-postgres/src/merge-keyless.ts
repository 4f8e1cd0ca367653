import { Op } from '@weir/sdk';
import { INSERTS, MARK, OP_OF, insertList, isLive, sequenceOf, type Divergence } from '@weir/sql-sink';
import { stagedText, targetText, type Merge } from './stage-sql.ts';

/**
 * Inserts the staged rows of a table without a key. Equal rows cannot be told apart, so what counts is how many there are of
 * each: all staged inserts first and then all staged deletes give the same rows as one after the other.
 */
export function insertKeylessSql({ layout, stage, from, carries }: Merge): string {
  const cells = layout.columns.map(({ index }) => `s.c${index}`);
  const one = (extras: boolean, which: string): string => {
    const values = extras ? [...cells, ...layout.extras.map((_, index) => `s.x${index}`)] : cells;
    return (
      `INSERT INTO ${layout.sql} (${insertList(layout, { mark: false, extras })}) SELECT ${values.join(', ')} ` +
      `FROM ${stage} AS s WHERE s.seq >= ${sequenceOf(from)} AND s.${OP_OF} IN ${INSERTS}${which}`
    );
  };
  return carries ? `${one(false, ' AND s.carried IS NOT TRUE')}; ${one(true, ' AND s.carried')}` : one(false, '');
}

/**
 * Deletes, or marks, one row for each staged delete: one that is the same in every column, whichever, and n rows for n equal
 * deletes. Rows are compared as text, since not every type knows what is equal, and 1.0 and 1.00 are two values. Answers one
 * row for {@link removedDivergence}.
 */
export function removeKeylessSql({ layout, stage, from }: Merge): string {
  const at = layout.soft ? ', at' : '';
  const staged =
    `SELECT ${stagedText(layout, 's')} AS image, seq${at} FROM ${stage} AS s ` +
    `WHERE seq >= ${sequenceOf(from)} AND ${OP_OF} = ${Op.delete}`;
  const there =
    `SELECT t.ctid AS place, ${targetText(layout, 't')} AS image FROM ${layout.sql} AS t ` +
    `WHERE ${isLive(layout, 't')}`;
  const which = `(SELECT place${at} FROM d JOIN t USING (image, n)) AS x WHERE t.ctid = x.place RETURNING 1`;
  const remove = layout.soft
    ? `UPDATE ${layout.sql} AS t SET ${MARK} = x.at FROM ${which}`
    : `DELETE FROM ${layout.sql} AS t USING ${which}`;
  return (
    `WITH d AS MATERIALIZED (SELECT image${at}, row_number() OVER (PARTITION BY image ORDER BY seq) AS n ` +
    `FROM (${staged}) AS s), ` +
    `t AS (SELECT place, image, row_number() OVER (PARTITION BY image ORDER BY place) AS n FROM (${there}) AS t ` +
    `WHERE image IN (SELECT image FROM d)), r AS (${remove}) ` +
    `SELECT (SELECT count(*) FROM d), (SELECT count(*) FROM r)`
  );
}

/** Reads the row that {@link removeKeylessSql} answers. */
export function removedDivergence(row: readonly unknown[]): Divergence {
  const [expected = 0, removed = 0] = row.map(Number);
  return { missing: expected - removed, doubled: 0, present: 0 };
}
