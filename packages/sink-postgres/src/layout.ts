import { softDeleteColumn, tableName, type Table } from '@weir/sdk';
import { columnEncoder } from './column-encoders.ts';
import type { CopiedCell } from './copy-rows.ts';
import type { TargetTable } from './inspect-target.ts';
import type { CopiedColumn, Doing } from './postgres-error.ts';
import { identifier, qualified, type QualifiedName } from './sql-text.ts';
import { extraColumns, isKeyIndex, keyNames, type TableOptions } from './table-rules.ts';
import { columnType } from './types.ts';

/** A column of the source's table that the target has. */
export interface MappedColumn extends CopiedCell {
  readonly name: string;
  /** Its type at the sink. */
  readonly sql: string;
}

/** A column that only the target has: one that the source dropped, or somebody's own. The source has no values for it. */
export interface ExtraColumn {
  readonly name: string;
  readonly sql: string;
}

/** How one version of a source's table lies in its target: columns are found by name. */
export interface Layout {
  readonly table: Table;
  readonly target: QualifiedName;
  /** `"schema"."table"` */
  readonly sql: string;
  readonly columns: readonly MappedColumn[];
  readonly extras: readonly ExtraColumn[];
  /** Indexes of the key's columns in the source's table; empty where rows are not told by a key. */
  readonly key: readonly number[];
  /** Deleted rows are marked. */
  readonly soft: boolean;
  /** The unique index on the key. */
  readonly keyIndex: string | null;
}

export function layOut(table: Table, target: QualifiedName, found: TargetTable, options: TableOptions): Layout {
  const there = new Set(found.columns.map(({ name }) => name));
  const own = new Set([...table.columns, ...extraColumns(options)].map(({ name }) => name));
  const columns: MappedColumn[] = [];
  table.columns.forEach((column, index) => {
    if (!there.has(column.name)) return;
    columns.push({ index, name: column.name, sql: columnType(column).sql, encoder: columnEncoder(table, index) });
  });
  const key = keyNames(table, options);
  return {
    table,
    target,
    sql: qualified(target),
    columns,
    extras: found.columns
      .filter(({ name, generated }) => !own.has(name) && !generated)
      .map(({ name, type }) => ({ name, sql: type })),
    key: options.mode === 'append' ? [] : table.key,
    soft: options.mode === 'mirror' && options.deletes === 'soft',
    keyIndex: found.indexes.find((index) => isKeyIndex(index.columns, key))?.name ?? null,
  };
}

/** `"id", "note"`: the target's names of the mapped columns. */
export function columnList({ columns }: Layout): string {
  return columns.map(({ name }) => identifier(name)).join(', ');
}

/** What an error of a statement about the table says. @param names the COPY's own names of the columns, if they differ */
export function doingTo(layout: Layout, what: string, names?: (column: MappedColumn) => string): Doing {
  const columns: CopiedColumn[] = layout.columns.map((column) => ({
    name: names?.(column) ?? column.name,
    column: column.name,
    sqlType: column.sql,
  }));
  const { table, keyIndex } = layout;
  return { doing: `${what} ${tableName(table)}`, table, columns, keyIndex };
}

/** The name of the column that marks a row as deleted, quoted. */
export const MARK: string = identifier(softDeleteColumn.name);
