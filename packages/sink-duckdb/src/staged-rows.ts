import { WeirError, tableName, type Table } from '@weir/sdk';
import type { Layout } from './layout.ts';
import type { QualifiedName } from './sql-text.ts';

/** Bits of a staged row's sequence number that hold its operation: `seq = number << 3 | op`. */
export const OP_BITS = 3;
/** Columns that one UINTEGER of marks covers. */
export const MARK_BITS = 32;
/** Numbers that lie between the rows of two merges; more than rows are ever staged for one. */
export const NUMBER_GAP: number = 2 ** 32;

/** The operation of a staged row. Expects the row's alias before it. */
export const OP: string = `seq & ${(1 << OP_BITS) - 1}`;

/**
 * The columns of a staging table: the sequence number with the operation; where deletes mark their rows the commit time of
 * one, in microseconds (`gone`); marks for cells that did not change (bit i of `u0` is column i of the source, and so on);
 * and the columns that the target has, under names that cannot meet its own.
 */
export function stagingColumns(layout: Layout, columns: number): string {
  const cells = layout.columns.map(({ index, type }) => `c${index} ${type.sql}`);
  return [...extraColumns(layout, columns).map(({ name, sql }) => `${name} ${sql}`), ...cells].join(', ');
}

/** The columns of a staging table that come before those with cells. */
export function extraColumns(layout: Layout, columns: number): { name: string; sql: string }[] {
  const extra = [{ name: 'seq', sql: 'BIGINT' }];
  if (layout.mark !== null) extra.push({ name: 'gone', sql: 'BIGINT' });
  for (let i = 0; i < markWords(columns); i++) extra.push({ name: `u${i}`, sql: 'UINTEGER' });
  return extra;
}

/** How many UINTEGERs of marks a row has. @param columns of the source's table */
export function markWords(columns: number): number {
  return Math.ceil(columns / MARK_BITS);
}

/** What is merged: the rows of a staging table from a number on, into a target. */
export interface Merge {
  readonly layout: Layout;
  /** Columns of the source's table, by their places in it; none when rows are told by their whole images. */
  readonly key: readonly number[];
  readonly target: QualifiedName;
  /** True when the target is a view of a base and a delta. */
  readonly isView: boolean;
  readonly stage: string;
  /** Rows below this number were merged before. Half a gap before the first row, see `untangleSql`. */
  readonly from: number;
  /** Columns that some staged image left unchanged, of those that the target has. */
  readonly unchanged: readonly number[];
  /**
   * Columns whose cells are to be changed in the rows that are there, when all staged rows are updates of rows that keep
   * their key; null when rows are to be replaced.
   */
  readonly inPlace: readonly number[] | null;
}

/** What the target holds of the staged rows; all zero when it is what the source says it is. */
export interface Divergence {
  /** Rows to change or delete that are not there. */
  readonly missing: number;
  /** Rows too many of keys to change or delete. */
  readonly doubled: number;
  /** Rows of keys that are to be inserted. */
  readonly present: number;
}

/** The sequence number of a staged row without its operation. */
export function sequenceOf(number: number): number {
  return number * (1 << OP_BITS);
}

export function isKnown(column: number, alias = ''): string {
  return `(${alias}u${Math.floor(column / MARK_BITS)} & ${2 ** (column % MARK_BITS)}) = 0`;
}

/** @throws WeirError WEIR_DUCKDB_DIVERGED unless the target is as the source left it */
export function expectAsLeft(of: Table, { missing, doubled, present }: Divergence): void {
  if (missing === 0 && doubled === 0 && present === 0) return;
  const table = tableName(of);
  throw new WeirError(
    'WEIR_DUCKDB_DIVERGED',
    `${table} is not as the source left it: of the keys of this commit ${missing} to change are missing` +
      `, ${doubled} rows to change are there twice, ${present} rows to insert are there already`,
    { table },
  );
}
