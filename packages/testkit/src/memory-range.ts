import { WeirError, keyOrder, rangeHolds, tableName, type KeyRange, type Table } from '@weir/sdk';
import type { Cells } from './table-content.ts';

/** The keys of a table that a batch holds whole. */
export interface CopiedRange {
  readonly table: Table;
  /** @param image a row's cells in the order of the table's columns */
  holds(image: Cells): boolean;
}

/** @throws WeirError WEIR_SDK_USE when the table's keys have no order */
export function copiedRange(table: Table, range: KeyRange): CopiedRange {
  const order = keyOrder(table);
  if (order === null) throw new WeirError('WEIR_SDK_USE', `the keys of ${tableName(table)} have no order`);
  return { table, holds: (image) => rangeHolds(range, keyOf(table, image), order) };
}

function keyOf(table: Table, image: Cells): string[] {
  return table.key.map((column) => {
    const bytes = Buffer.from(String(image[column]), 'latin1');
    return table.columns[column]!.type.kind === 'bytes' ? bytes.toString('hex') : bytes.toString();
  });
}
