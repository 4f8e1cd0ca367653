import { NO_IMAGE, UNCHANGED_CELL, WeirError } from '@weir/sdk';

/** The cells that rows are made of; see `Batch`. */
export interface Cells {
  readonly data: Uint8Array;
  /** Offset and length per cell. */
  readonly start: Int32Array;
  readonly length: Int32Array;
}

/** Writes the canonical cells of one column; made once per table version, so that nothing about the type is decided per cell. */
export interface CellEncoder {
  /**
   * Writes the cell `data[start, end)` to `out` from `at` on.
   * @returns where it ends
   * @throws WeirError `codes.value` of the dialect for a value that the column cannot hold as it is
   */
  encode(out: Uint8Array, at: number, data: Uint8Array, start: number, end: number): number;
}

/** A column of the source that is written: its place in a row's image, and how its cells are written. */
export interface WrittenCell {
  readonly index: number;
  readonly encoder: CellEncoder;
}

/** A field that is no cell: ASCII without quotes, backslashes and control characters, or UTF-8, or a number, or NULL. */
export type Field = string | Uint8Array | number | null;

/** Rows on their way to a table of the server. */
export interface RowLoader {
  /**
   * Adds a row: fields, then a cell for each column.
   * @param image first cell of the row's image; `NO_IMAGE` for a row whose cells are all NULL
   * @param unchangedAllowed an unchanged cell is written as NULL: something else says that it is none
   * @returns null when it is done, else what is to be awaited
   * @throws WeirError for a value that a column cannot hold, WEIR_SDK_USE for an unchanged cell that is not allowed
   */
  row(
    fields: readonly Field[],
    cells: Cells,
    image: number,
    columns: readonly WrittenCell[],
    unchangedAllowed: boolean,
  ): Promise<void> | null;
}

/** Whether a cell is other than NULL, as a loader writes it. @throws WeirError WEIR_SDK_USE */
export function hasBytes({ length }: Cells, image: number, index: number, unchangedAllowed: boolean): boolean {
  if (image === NO_IMAGE) return false;
  const bytes = length[image + index]!;
  if (bytes === UNCHANGED_CELL && !unchangedAllowed) {
    throw new WeirError('WEIR_SDK_USE', 'a row that is inserted holds an unchanged cell');
  }
  return bytes >= 0;
}
