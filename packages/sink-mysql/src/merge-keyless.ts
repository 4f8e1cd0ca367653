import { Op } from '@weir/sdk';
import { INSERTS, MARK, OP_OF, insertList, isLive } from '@weir/sql-sink';
import { ROW_NUMBER } from './inspect-target.ts';
import type { Layout } from './layout.ts';
import { identifier } from './sql-text.ts';
import { imageSql, type Merge } from './stage-sql.ts';

const PLACE = identifier(ROW_NUMBER);

/** The tables that deletes of a table without a key take: images that are to go, and rows of the target that have them. */
export interface KeylessTables {
  readonly images: string;
  readonly places: string;
}

const IMAGE = 'image char(64) collate utf8mb4_bin NOT NULL, n bigint NOT NULL';

export const imagesColumns: string = `${IMAGE}, at datetime(6) NULL, PRIMARY KEY (image, n)`;
export const placesColumns: string = `place bigint unsigned NOT NULL PRIMARY KEY, ${IMAGE}, KEY (image, n)`;

/**
 * Inserts the staged rows of a table without a key. Equal rows cannot be told apart, so what counts is how many there are of
 * each: all staged inserts first and then all staged deletes give the same rows as one after the other.
 */
export function insertKeylessSql({ layout, stage, carries }: Merge): string[] {
  const cells = layout.columns.map(({ index }) => `s.c${index}`);
  const one = (extras: boolean, which: string): string => {
    const values = extras ? [...cells, ...layout.extras.map((_, index) => `s.x${index}`)] : cells;
    return (
      `INSERT INTO ${layout.sql} (${insertList(layout, { mark: false, extras })}) SELECT ${values.join(', ')} ` +
      `FROM ${stage} AS s WHERE (s.${OP_OF}) IN ${INSERTS}${which} ORDER BY s.seq`
    );
  };
  return carries ? [one(false, ' AND s.carried IS NOT TRUE'), one(true, ' AND s.carried')] : [one(false, '')];
}

/** Which images are to go, numbered among equal ones. */
export function imagesSql({ layout, stage }: Merge, { images }: KeylessTables): string {
  const image = imageSql(layout, ({ index }) => `s.c${index}`);
  const at = layout.soft ? 's.at' : 'NULL';
  return (
    `INSERT INTO ${images} (image, n, at) SELECT image, ROW_NUMBER() OVER (PARTITION BY image ORDER BY seq), at ` +
    `FROM (SELECT ${image} AS image, s.seq, ${at} AS at FROM ${stage} AS s WHERE (s.${OP_OF}) = ${Op.delete}) AS d`
  );
}

/** Which rows of the target have them, numbered in the same way; it reads the table once. */
export function placesSql(layout: Layout, { images, places }: KeylessTables): string {
  const image = imageSql(layout, ({ quoted }) => `t.${quoted}`);
  return (
    `INSERT INTO ${places} (place, image, n) SELECT place, image, ROW_NUMBER() OVER (PARTITION BY image ORDER BY place) ` +
    `FROM (SELECT t.${PLACE} AS place, ${image} AS image FROM ${layout.sql} AS t WHERE ${isLive(layout, 't')}) AS r ` +
    `WHERE image IN (SELECT image FROM ${images})`
  );
}

/** Deletes, or marks, one row for each image: one that is the same in every column, whichever, and n rows for n equal deletes. */
export function removeKeylessSql(layout: Layout, { images, places }: KeylessTables): string {
  const which = `${images} AS d STRAIGHT_JOIN ${places} AS p ON p.image = d.image AND p.n = d.n STRAIGHT_JOIN ${layout.sql} AS t ON t.${PLACE} = p.place`;
  return layout.soft ? `UPDATE ${which} SET t.${MARK} = d.at` : `DELETE t FROM ${which}`;
}
