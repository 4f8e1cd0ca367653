import type { RowValues, Table } from '@weir/sdk';
import { column, ordersTable } from '@weir/testkit/orders';

/** Columns enough that DuckDB's least memory does not hold a block for the values and one for the NULLs of each. */
const COLUMNS = 150;

/** `public.orders` with many more columns. */
export const wideTable: Table = ordersTable({
  columns: [
    ...ordersTable().columns,
    ...Array.from({ length: COLUMNS }, (_, index) => column(`more_${index}`, { kind: 'string' })),
  ],
});

export function wideRow(id: number, changes: RowValues = {}): RowValues {
  const nulls = wideTable.columns.map(({ name }) => [name, null] as const);
  return { ...Object.fromEntries(nulls), id, ...changes };
}
