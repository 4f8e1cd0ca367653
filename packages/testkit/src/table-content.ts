import { canonicalCell, unchanged, type RowValues, type Table } from '@weir/sdk';
import { latin1, type SeenCell } from './seen-batch.ts';

/** A row's cells in the order of the columns, as the doubles keep them. */
export type Cells = readonly SeenCell[];

/** The rows of tables in a form that two sides can be compared in: by `namespace.name`, each row as JSON text, sorted. */
export type TableContent = Readonly<Record<string, readonly string[]>>;

/** The content of tables given as rows. Tables without rows are left out, since a sink makes them late. */
export function contentOf(tables: ReadonlyMap<string, readonly Cells[]>): TableContent {
  const filled = Array.from(tables).filter(([, rows]) => rows.length > 0);
  return Object.fromEntries(filled.map(([name, rows]) => [name, rows.map((row) => JSON.stringify(row)).toSorted()]));
}

/** The key of a row as text. */
export function keyOf(table: Table, cells: Cells): string {
  return JSON.stringify(table.key.map((column) => cells[column]));
}

/** A row given as a plain object; a column that is missing is NULL. */
export function cellsOf(table: Table, values: RowValues): SeenCell[] {
  return table.columns.map(({ name, type }) => {
    const value = values[name];
    if (value === unchanged) return unchanged;
    return value === null || value === undefined ? null : latin1(canonicalCell(value, type));
  });
}
