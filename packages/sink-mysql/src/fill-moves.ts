import { Op } from '@weir/sdk';
import { OP_BITS, OP_OF, isLive, keysMatch } from '@weir/sql-sink';
import { ROW_NUMBER } from './inspect-target.ts';
import type { Layout } from './layout.ts';
import type { KeylessTables } from './merge-keyless.ts';
import { identifier } from './sql-text.ts';
import { isKnown, type Merge } from './stage-sql.ts';

/** From the sequence number of a delete to that of the insert right behind it. */
const TO_INSERT = (1 << OP_BITS) + Op.insert - Op.delete;

/** Which insert gets what the target's row of which key, or which row, has. */
export function movesColumns({ key }: Layout): string {
  const row = key.length > 0 ? key.map(({ index, sql }) => `c${index} ${sql} NOT NULL`) : ['place bigint unsigned NOT NULL'];
  return ['seq bigint NOT NULL PRIMARY KEY', ...row].join(', ');
}

/**
 * The first of the statements that fill in what changed keys left as it was, from the target's rows of the old keys. Each is
 * two staged rows, a delete and the insert right behind it. Nothing else may be staged, so that the target's rows are as they
 * were before.
 */
export function movesSql({ layout, stage }: Merge, moves: string): string {
  const list = layout.key.map(({ index }) => `c${index}`).join(', ');
  return `INSERT INTO ${moves} (seq, ${list}) SELECT seq + ${TO_INSERT}, ${list} FROM ${stage} AS s WHERE (s.${OP_OF}) = ${Op.delete}`;
}

/** Without a key it is one of several equal rows, the one that `removeKeylessSql` will take. */
export function keylessMoveSql({ stage }: Merge, moves: string, { places }: KeylessTables): string {
  return (
    `INSERT INTO ${moves} (seq, place) SELECT s.seq + ${TO_INSERT}, p.place FROM ${stage} AS s JOIN ${places} AS p ON p.n = 1 ` +
    `WHERE (s.${OP_OF}) = ${Op.delete}`
  );
}

/** Answers how many it found. */
export function fillSql({ layout, stage, unchanged }: Merge, moves: string): string {
  const isKeyed = layout.key.length > 0;
  const cells = layout.columns
    .filter(({ index }) => unchanged.includes(index))
    .map(({ index, quoted }) => `n.c${index} = CASE WHEN ${isKnown(index, 'n')} THEN n.c${index} ELSE t.${quoted} END`);
  const extras = layout.extras.map(({ quoted }, index) => `n.x${index} = t.${quoted}`);
  const carried = extras.length === 0 ? [] : ['n.carried = true', ...extras];
  const row = isKeyed ? `${keysMatch(layout, 't', 'm')} AND ${isLive(layout, 't')}` : `t.${identifier(ROW_NUMBER)} = m.place`;
  return (
    `UPDATE ${moves} AS m STRAIGHT_JOIN ${stage} AS n ON n.seq = m.seq STRAIGHT_JOIN ${layout.sql} AS t ON ${row} ` +
    `SET ${[...cells, ...carried].join(', ')}`
  );
}

/** Everything is known of the filled rows. A statement of its own: the server may set columns in any order. */
export function filledSql({ stage }: Merge): string {
  return `UPDATE ${stage} SET marks = NULL`;
}
