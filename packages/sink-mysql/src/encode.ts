import { WeirError, tableName, type Table } from '@weir/sdk';
import type { CellEncoder } from '@weir/sql-sink';

/**
 * Writes the canonical cells of one column as literals of SQL. One is made per column and table version (`columnEncoder`), so
 * nothing about the type is decided per cell, and no cell becomes a string but those of floats.
 */
export abstract class ColumnEncoder implements CellEncoder {
  /** The most bytes that a cell of some length can become. */
  static bound(length: number): number {
    return 2 * length + 40;
  }

  readonly #column: string;
  readonly #table: Table;

  constructor(table: Table, column: string) {
    this.#table = table;
    this.#column = column;
  }

  /**
   * Writes the cell `data[start, end)` to `out` from `at` on, where there is room for {@link bound} bytes.
   * @returns where it ends
   * @throws WeirError WEIR_MYSQL_VALUE for a value that the column cannot hold as it is
   */
  abstract encode(out: Uint8Array, at: number, data: Uint8Array, start: number, end: number): number;

  /** A value is never rounded or cut to fit (invariant 9). The value itself is not told (invariant 10). */
  protected refuse(why: string): never {
    const table = tableName(this.#table);
    throw new WeirError('WEIR_MYSQL_VALUE', `${table}.${this.#column}: ${why}`, { table });
  }
}
