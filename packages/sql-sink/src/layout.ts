import { softDeleteColumn, tableName, type Table } from '@weir/sdk';
import type { QualifiedName } from './quoting.ts';
import type { WrittenCell } from './row-loader.ts';
import type { Doing, NamedColumn } from './sql-transaction.ts';

/** A column of the source's table that the target has. */
export interface MappedColumn<E = unknown> extends WrittenCell {
  readonly name: string;
  /** Its name at the sink until the commit is through: see `TargetColumn`. */
  readonly physical: string;
  /** The same, quoted. */
  readonly quoted: string;
  /** Its type at the sink. */
  readonly sql: string;
  readonly encoding: E;
}

/** A column that only the target has: one that the source dropped, or somebody's own. The source has no values for it. */
export interface ExtraColumn {
  readonly quoted: string;
  readonly sql: string;
}

/** How one version of a source's table lies in its target: columns are found by name. */
export interface Layout<E = unknown> {
  readonly table: Table;
  readonly target: QualifiedName;
  /** `"schema"."table"` where the rows are now. */
  readonly sql: string;
  readonly columns: readonly MappedColumn<E>[];
  readonly extras: readonly ExtraColumn[];
  /** The key's columns; empty where rows are not told by a key. */
  readonly key: readonly MappedColumn<E>[];
  /** Deleted rows are marked. */
  readonly soft: boolean;
  /** The unique index on the key, by which no two rows are of one key. */
  readonly keyIndex: string | null;
}

/** `"id", "note"`: the target's names of the mapped columns. */
export function columnList({ columns }: Layout): string {
  return columns.map(({ quoted }) => quoted).join(', ');
}

/** What an error of a statement about the table says. @param staged whether the statement has a stage's names of the columns */
export function doingTo({ table, columns, keyIndex }: Layout, what: string, staged = false): Doing {
  const named: NamedColumn[] = columns.map(({ physical, name, index, sql }) => ({
    name: staged ? `c${index}` : physical,
    column: name,
    sqlType: sql,
  }));
  return { doing: `${what} ${tableName(table)}`, table, columns: named, keyIndex };
}

/** The name of the column that marks a row as deleted; it needs no quotes. */
export const MARK: string = softDeleteColumn.name;
