import { WeirError, tableName, type Table } from '@weir/sdk';
import type { CellEncoder } from '@weir/sql-sink';

/**
 * Writes the canonical cells of one column as fields of COPY's text format. One is made per column and table version
 * (`columnEncoder`), so nothing about the type is decided per cell, and no cell becomes a string.
 *
 * Format: https://www.postgresql.org/docs/current/sql-copy.html#SQL-COPY-FILE-FORMATS
 */
export abstract class ColumnEncoder implements CellEncoder {
  /** The most bytes that a cell of some length can become. */
  static bound(length: number): number {
    return 2 * length + 16;
  }

  /** Written before the cell, once. */
  readonly prefix: string = '';
  /** Whether a cell may be encoded piece by piece, cut anywhere. */
  readonly divisible: boolean = false;
  /** `public.orders.amount` */
  protected readonly label: string;
  readonly #table: Table;

  constructor(table: Table, index: number) {
    this.#table = table;
    this.label = `${tableName(table)}.${table.columns[index]!.name}`;
  }

  /**
   * Writes the cell `data[start, end)` to `out` from `at` on, where there is room for {@link bound} bytes.
   * @returns where it ends
   * @throws WeirError WEIR_PG_VALUE for a value that the column cannot hold as it is
   */
  abstract encode(out: Uint8Array, at: number, data: Uint8Array, start: number, end: number): number;

  /** A value is never rounded or cut to fit (invariant 9). The value itself is not told (invariant 10). */
  protected refuse(why: string): never {
    throw new WeirError('WEIR_PG_VALUE', `${this.label}: ${why}`, { table: tableName(this.#table) });
  }
}
