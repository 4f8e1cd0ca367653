import { historyColumns, softDeleteColumn, type Column, type SinkOptions, type Table } from '@weir/sdk';

export type TableOptions = Pick<SinkOptions, 'mode' | 'deletes' | 'schemaChanges'>;

/** Weir's own columns at the sink, behind the source's. */
export function extraColumns({ mode, deletes }: TableOptions): readonly Column[] {
  if (mode === 'append') return historyColumns;
  return deletes === 'soft' ? [softDeleteColumn] : [];
}

/** The columns of a table's key, by name; none in `mode: append`, where a key has many rows. */
export function keyNames(table: Table, options: TableOptions): string[] {
  return options.mode === 'append' ? [] : table.key.map((index) => table.columns[index]!.name);
}

/** A column that the sink may lack: it came by a change that is to be ignored. */
export function isOptional(table: Table, column: Column, options: TableOptions): boolean {
  const { add, rename } = options.schemaChanges;
  if (add !== 'ignore' && rename !== 'ignore') return false;
  return table.columns.includes(column) && !keyNames(table, options).includes(column.name);
}

/** Whether an index is on just the columns of a key, in any order. */
export function isKeyIndex(columns: readonly string[] | null, key: readonly string[]): boolean {
  return columns !== null && columns.length === key.length && key.every((name) => columns.includes(name));
}
