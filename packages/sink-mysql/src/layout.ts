import { softDeleteColumn, tableName, type Table } from '@weir/sdk';
import { columnEncoder } from './column-encoders.ts';
import { columnType, type Encoding, type TypeRules } from './column-type.ts';
import type { TargetTable } from './inspect-target.ts';
import type { WrittenCell } from './insert-rows.ts';
import type { Doing, NamedColumn } from './sink-error.ts';
import { identifier, qualified, type QualifiedName } from './sql-text.ts';
import { extraColumns, isKeyIndex, keyNames, type TableOptions } from './table-rules.ts';

/** A column of the source's table that the target has. */
export interface MappedColumn extends WrittenCell {
  /** Its name at the sink, until the commit is through: see `TargetShapes`. */
  readonly physical: string;
  /** The same, quoted. */
  readonly quoted: string;
  readonly name: string;
  /** Its type at the sink. */
  readonly sql: string;
  readonly encoding: Encoding;
}

/** A column that only the target has: one that the source dropped, or somebody's own. The source has no values for it. */
export interface ExtraColumn {
  readonly quoted: string;
  readonly sql: string;
}

/** How one version of a source's table lies in its target: columns are found by name. */
export interface Layout {
  readonly table: Table;
  readonly target: QualifiedName;
  /** `` `schema`.`table` `` where the rows are now. */
  readonly sql: string;
  readonly columns: readonly MappedColumn[];
  readonly extras: readonly ExtraColumn[];
  /** The key's columns; empty where rows are not told by a key. */
  readonly key: readonly MappedColumn[];
  /** Deleted rows are marked. */
  readonly soft: boolean;
  /** The key has its unique index: no two rows are of one key. */
  readonly hasKeyIndex: boolean;
}

export function layOut(
  table: Table,
  target: QualifiedName,
  found: TargetTable,
  options: TableOptions,
  rules: TypeRules,
): Layout {
  const there = new Map(found.columns.map((column) => [column.name, column.physical]));
  const own = new Set([...table.columns, ...extraColumns(options)].map(({ name }) => name));
  const keyed = keyNames(table, options);
  const columns: MappedColumn[] = [];
  table.columns.forEach((column, index) => {
    const physical = there.get(column.name);
    if (physical === undefined) return;
    const { sql, encoding } = columnType(table, column, keyed, rules);
    const encoder = columnEncoder(encoding, table, column.name);
    columns.push({ index, name: column.name, physical, quoted: identifier(physical), sql, encoding, encoder });
  });
  return {
    table,
    target,
    sql: qualified(found.place),
    columns,
    extras: found.columns
      .filter(({ name, generated }) => !own.has(name) && !generated)
      .map(({ physical, type }) => ({ quoted: identifier(physical), sql: type })),
    key: keyed.map((name) => columns.find((column) => column.name === name)!),
    soft: options.mode === 'mirror' && options.deletes === 'soft',
    hasKeyIndex: keyed.length > 0 && found.indexes.some((index) => isKeyIndex(index.columns, keyed)),
  };
}

/** `` `id`, `note` ``: the target's names of the mapped columns. */
export function columnList({ columns }: Layout): string {
  return columns.map(({ quoted }) => quoted).join(', ');
}

/** What an error of a statement about the table says. @param staged whether the statement has a stage's names of the columns */
export function doingTo({ table, columns }: Layout, what: string, staged = false): Doing {
  const named: NamedColumn[] = columns.map(({ physical, name, index, sql }) => ({
    name: staged ? `c${index}` : physical,
    column: name,
    sqlType: sql,
  }));
  return { doing: `${what} ${tableName(table)}`, table, columns: named };
}

/** The name of the column that marks a row as deleted, quoted. */
export const MARK: string = identifier(softDeleteColumn.name);
