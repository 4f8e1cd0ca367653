import { Op } from '@weir/sdk';
import { vectorsSql } from './held-deletes.ts';
import { imagesSql, keysMatch, keysSql } from './merge.ts';
import { identifier, literal, qualified, type QualifiedName } from './sql-text.ts';
import { OP_BITS, type Merge } from './staged-rows.ts';
import type { CatalogReader } from './target-catalog.ts';

/*
 * Changes that wait: a large table is two, and a view of both under its own name. The base holds the rows, the delta the last
 * image of each key that was changed since it was merged. An insert of a key that does not wait goes to the base.
 */

/** True in the row of a key that is deleted. */
const GONE = '_weir_gone';
/** True where the base must have a row of the key, once; otherwise it may. */
const BASED = '_weir_based';
const KEYS = 'temp.main.weir_keys';
const IMAGES = 'temp.main.weir_images';
const MUST_EXIST = `first_op IN (${Op.update}, ${Op.delete})`;

/** The two tables behind a view. */
export interface DeltaTables {
  readonly base: QualifiedName;
  readonly delta: QualifiedName;
}

export function deltaTables(view: QualifiedName): DeltaTables {
  return {
    base: { ...view, table: `_weir_base_${view.table}` },
    delta: { ...view, table: `_weir_delta_${view.table}` },
  };
}

/** Whether a view has the name, and the two tables stand behind it. */
export async function isDeltaView(reader: CatalogReader, view: QualifiedName): Promise<boolean> {
  const { base, delta } = deltaTables(view);
  const is = (name: QualifiedName, type: string): string =>
    `(lower(table_name) = lower(${literal(name.table)}) AND table_type = '${type}')`;
  const rows = await reader.rows(
    `SELECT count(*) FROM information_schema.tables WHERE table_catalog = ${literal(view.database)} ` +
      `AND lower(table_schema) = lower(${literal(view.schema)}) ` +
      `AND (${is(view, 'VIEW')} OR ${is(base, 'BASE TABLE')} OR ${is(delta, 'BASE TABLE')})`,
    `looking at ${view.schema}.${view.table}`,
  );
  return Number(rows[0]![0]) === 3;
}

/**
 * Makes a table base and view. The transaction must not have deleted rows of it: a log in which a table is renamed behind a
 * delete cannot be replayed by DuckDB 1.5.
 */
export function becomeSql(view: QualifiedName, columns: readonly string[], key: readonly string[]): string {
  const { base, delta } = deltaTables(view);
  const names = columns.map(identifier).join(', ');
  return (
    `ALTER TABLE ${qualified(view)} RENAME TO ${identifier(base.table)};\n` +
    `CREATE TABLE ${qualified(delta)} AS SELECT *, false AS ${GONE}, false AS ${BASED} FROM ${qualified(base)} LIMIT 0;\n` +
    `CREATE VIEW ${qualified(view)} AS SELECT ${names} FROM ${qualified(base)} ` +
    `ANTI JOIN ${qualified(delta)} USING (${key.map(identifier).join(', ')}) ` +
    `UNION ALL SELECT ${names} FROM ${qualified(delta)} WHERE NOT ${GONE}`
  );
}

export function dropSql(view: QualifiedName): string {
  const { base, delta } = deltaTables(view);
  return `DROP VIEW ${qualified(view)};\nDROP TABLE ${qualified(base)};\nDROP TABLE ${qualified(delta)}`;
}

/** Notes for each staged key whether it waits already. */
export function lookSql(merge: Merge, { delta }: DeltaTables): string {
  const extra =
    `d.${GONE} IS NOT NULL AS waits, coalesce(d.${GONE}, false) AS gone, ` +
    `coalesce(d.${BASED}, ${MUST_EXIST}) AS based, last_seq & ${(1 << OP_BITS) - 1} AS last_op`;
  return (
    `CREATE OR REPLACE TEMP TABLE ${KEYS.split('.').at(-1)} AS SELECT k.*, ${extra} FROM ${keysSql(merge)} AS k ` +
    `LEFT JOIN ${qualified(delta)} AS d ON ${keysMatch(merge, 'd')}`
  );
}

/**
 * What the delta alone says against the staged keys: a number of keys to change that are deleted, of keys to insert that are
 * there, and of keys that are inserted first and deleted later, of which only the base can tell what they were.
 */
export const doubtsSql: string =
  `SELECT count(*) FILTER (WHERE ${MUST_EXIST} AND gone), ` +
  `count(*) FILTER (WHERE first_op = ${Op.insert} AND ((waits AND NOT gone) OR removed)), ` +
  `count(*) FILTER (WHERE knotted) FROM ${KEYS}`;

/** Puts the last images into the delta, or, of new keys, into the base, once {@link lookSql} has looked. */
export function waitSql(merge: Merge, { base, delta }: DeltaTables): string {
  const { layout, key } = merge;
  const columns = layout.columns.map(({ index, target }) => ({ name: identifier(target), cell: `i.c${index}` }));
  for (const [index, { name }] of layout.extra.entries()) {
    columns.push({ name: identifier(name), cell: `CASE WHEN NOT i.made THEN i.e${index} END` });
  }
  const names = columns.map(({ name }) => name).join(', ');
  const cells = columns.map(({ cell }) => cell).join(', ');
  const order = key.map((index) => `i.c${index}`).join(', ');
  const images = `FROM ${IMAGES} AS i JOIN ${KEYS} AS k ON ${key.map((index) => `i.c${index} = k.c${index}`).join(' AND ')}`;
  const isNew = `first_op = ${Op.insert} AND NOT waits`;
  const keyNames = key.map((index) => identifier(layout.columns.find((column) => column.index === index)!.target));
  return [
    `CREATE TEMP TABLE ${IMAGES} AS ${imagesSql(merge)}`,
    `DELETE FROM ${qualified(delta)} AS t USING ${KEYS} AS k WHERE ${keysMatch(merge)}`,
    `INSERT INTO ${qualified(delta)} (${names}, ${GONE}, ${BASED}) SELECT ${cells}, false, based ${images} WHERE NOT (${isNew})`,
    `INSERT INTO ${qualified(delta)} (${keyNames.join(', ')}, ${GONE}, ${BASED}) ` +
      `SELECT ${key.map((index) => `c${index}`).join(', ')}, true, based FROM ${KEYS} ` +
      `WHERE last_op = ${Op.delete} AND NOT (${isNew})`,
    `INSERT INTO ${qualified(base)} (${names}) SELECT ${cells} ${images} WHERE ${isNew} ORDER BY ${order}`,
    `DROP TABLE ${IMAGES}`,
    `DROP TABLE ${KEYS}`,
  ].join(';\n');
}

/** How many keys wait, and how many of them deleted. */
export function waitingSql({ delta }: DeltaTables): string {
  return `SELECT count(*), count(*) FILTER (WHERE ${GONE}) FROM ${qualified(delta)}`;
}

/** Counts the rows of the base that wait to be replaced; answers a row as `countSql` does. */
export function countWaitingSql({ layout, key }: Merge, { base, delta }: DeltaTables): string {
  const names = key.map((index) => identifier(layout.columns.find((column) => column.index === index)!.target));
  const pairs = names.map((name) => `t.${name} = d.${name}`).join(' AND ');
  return (
    `SELECT (SELECT count(*) FROM ${qualified(delta)} WHERE ${BASED}), count(*) FILTER (WHERE d.${BASED}), ` +
    `count(DISTINCT (${names.map((name) => `d.${name}`).join(', ')})) FILTER (WHERE d.${BASED}), 0, ${vectorsSql(layout)} ` +
    `FROM ${qualified(base)} AS t JOIN ${qualified(delta)} AS d ON ${pairs}`
  );
}

/** Merges what waits into the base, once {@link countWaitingSql} found it as it must be. */
export function mergeWaitingSql({ layout, key }: Merge, { base, delta }: DeltaTables): string {
  const names = layout.order.map((column) => identifier('target' in column ? column.target : column.name)).join(', ');
  const keys = key.map((index) => identifier(layout.columns.find((column) => column.index === index)!.target));
  return (
    `DELETE FROM ${qualified(base)} AS t USING ${qualified(delta)} AS d ` +
    `WHERE ${keys.map((name) => `t.${name} = d.${name}`).join(' AND ')};\n` +
    `INSERT INTO ${qualified(base)} (${names}) SELECT ${names} FROM ${qualified(delta)} WHERE NOT ${GONE} ` +
    `ORDER BY ${keys.join(', ')};\nDELETE FROM ${qualified(delta)}`
  );
}
