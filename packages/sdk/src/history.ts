import type { Column, Table } from './table.ts';

/**
 * The columns that a table in `mode: append` has behind the source's own. There each row event is a row:
 *
 * - its own columns hold the after image; for a delete, what is known of the row that is gone (its key at least)
 * - `_weir_op`: `insert`, `update`, `delete`, `read` (a row of a copy) or `truncate` (the table is empty from here on; also
 *   written when a table is copied once more)
 * - `_weir_commit_time`: when it was committed at the source; NULL for rows of a copy
 * - `_weir_position` and `_weir_ordinal`: the commit's position and the row's place in it; together they order a table's history
 * - `_weir_before`: the before image as a JSON object of canonical cells (bytes as `\x…` hex), those columns that the source
 *   sent; NULL without one
 * - `_weir_unchanged`: a JSON array of the names of columns that the source did not send since they did not change, whose
 *   cells are NULL here; NULL when there are none
 */
export const historyColumns: readonly Column[] = [
  { name: '_weir_op', type: { kind: 'string' }, nullable: false, sourceType: 'text' },
  { name: '_weir_commit_time', type: { kind: 'timestamptz' }, nullable: true, sourceType: 'timestamptz' },
  { name: '_weir_position', type: { kind: 'string' }, nullable: false, sourceType: 'text' },
  { name: '_weir_ordinal', type: { kind: 'int', bits: 64 }, nullable: false, sourceType: 'bigint' },
  { name: '_weir_before', type: { kind: 'json' }, nullable: true, sourceType: 'json' },
  { name: '_weir_unchanged', type: { kind: 'json' }, nullable: true, sourceType: 'json' },
];

/** The column that `deletes: soft` adds to a mirror: the commit time of the delete, NULL while the row is there. */
export const softDeleteColumn: Column = {
  name: '_weir_deleted_at',
  type: { kind: 'timestamptz' },
  nullable: true,
  sourceType: 'timestamptz',
};

/** The table's shape at a sink in `mode: append`. */
export function historyTable(table: Table): Table {
  return { ...table, columns: [...table.columns, ...historyColumns], key: [] };
}
