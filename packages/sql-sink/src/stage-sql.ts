import { Op } from '@weir/sdk';
import { MARK, columnList, type Layout } from './layout.ts';

/** Bits of a staged row's sequence number that hold its operation: `seq = number << 3 | op`. */
export const OP_BITS = 3;

/** The operation of a staged row. Expects the row's alias before it. */
export const OP_OF: string = `seq & ${(1 << OP_BITS) - 1}`;
/** A key whose first staged event is one of these is in the target already. */
export const MUST_EXIST: string = `first_op IN (${Op.update}, ${Op.delete})`;
/** These bring a row that was not there. */
export const INSERTS: string = `(${Op.insert}, ${Op.read})`;

/** The sequence number of a staged row without its operation. */
export function sequenceOf(number: number): number {
  return number * (1 << OP_BITS);
}

/**
 * The columns that staged rows are loaded into.
 *
 * - `seq`: sequence number with the operation; `marks`: a digit per column of the source's table, 1 = unchanged
 * - `at`: commit time, under soft deletes
 * - `c0` …: the mapped columns by their place in the source's table, under names that cannot meet its own
 */
export function stagedList({ columns, soft }: Layout): string {
  return ['seq', 'marks', ...(soft ? ['at'] : []), ...columns.map(({ index }) => `c${index}`)].join(', ');
}

/** Keys are never NULL, so `=` is enough. */
export function keysMatch({ key }: Layout, target: string, staged: string): string {
  return key.map(({ quoted, index }) => `${target}.${quoted} = ${staged}.c${index}`).join(' AND ');
}

/** Whether the target's row counts as there. */
export function isLive({ soft }: Layout, target: string): string {
  return soft ? `${target}.${MARK} IS NULL` : 'true';
}

/** `"id", "note", …` of an INSERT, with the mark and the extra columns when they come too. */
export function insertList(layout: Layout, { mark, extras }: { mark: boolean; extras: boolean }): string {
  const more = extras ? layout.extras.map(({ quoted }) => quoted) : [];
  return [columnList(layout), ...(mark ? [MARK] : []), ...more].filter((part) => part !== '').join(', ');
}
