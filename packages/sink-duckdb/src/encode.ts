import { UNCHANGED_CELL, WeirError } from '@weir/sdk';
import type { Cells } from './cells.ts';
import type { Slots } from './slots.ts';
import { slotBytes, type ColumnType } from './types.ts';

/** What is encoded: cells of one column, into a DuckDB type. */
export interface EncodedColumn {
  /** Place of the column's cell in an image. */
  readonly index: number;
  readonly name: string;
  readonly type: ColumnType;
  /** `namespace.name` of the source's table. */
  readonly table: string;
}

/**
 * Writes the canonical cells of one column into the slots of a chunk's vector. One is made per column and table version
 * (`columnEncoder`), so nothing about the type is decided per cell.
 */
export abstract class ColumnEncoder {
  readonly type: ColumnType;
  /** Bytes of one slot. */
  readonly width: number;
  protected readonly slots: Slots;
  /** The slab that `put` reads; set by `encode`. */
  protected data: Uint8Array = new Uint8Array(0);
  protected cells!: Cells;
  readonly #index: number;
  readonly #column: EncodedColumn;

  constructor(column: EncodedColumn, slots: Slots) {
    this.type = column.type;
    this.width = slotBytes(column.type.storage);
    this.slots = slots;
    this.#index = column.index;
    this.#column = column;
  }

  /**
   * Encodes this column of the images `from` to `to` into slots 0, 1, …
   * @param images the first cell of each image
   * @throws WeirError WEIR_DUCKDB_VALUE for a value that the column's type in DuckDB cannot hold
   */
  encode(cells: Cells, images: Int32Array, from: number, to: number): void {
    const { slots } = this;
    const { start, length } = cells;
    this.cells = cells;
    this.data = cells.data;
    slots.start();
    for (let row = from, slot = 0; row < to; row++, slot++) {
      const cell = images[row]! + this.#index;
      const bytes = length[cell]!;
      if (bytes >= 0) {
        const first = start[cell]!;
        this.put(slot, first, first + bytes);
      } else {
        if (bytes === UNCHANGED_CELL && !cells.unchangedAllowed) this.#refuseUnchanged();
        slots.setNull(slot);
        this.clear(slot);
      }
    }
  }

  /** Writes the cell `data[start, end)` into a slot. */
  protected abstract put(slot: number, start: number, end: number): void;

  /** Leaves nothing in the slot of a NULL that DuckDB could trip over. */
  protected clear(_slot: number): void {}

  /** A value is never rounded or cut to fit (invariant 9). The value itself is not told. */
  protected refuse(why = `a value does not fit ${this.type.sql}`): never {
    const { table, name } = this.#column;
    throw new WeirError('WEIR_DUCKDB_VALUE', `${table}.${name}: ${why}`, { table });
  }

  /** Refuses a NaN or an infinity in a way that the caller can mend. */
  protected refuseNotFinite(): never {
    throw new NotFinite(this.#column);
  }

  #refuseUnchanged(): never {
    const { table, name } = this.#column;
    throw new WeirError('WEIR_SDK_USE', `${table}.${name}: an inserted row holds an unchanged cell`, { table });
  }
}

/** A NaN or an infinity came for a DECIMAL, which holds none. */
export class NotFinite extends WeirError {
  /** Place of the column's cell in an image. */
  readonly index: number;
  /** The first of the loaded rows that was not appended; set by the loader. */
  row = 0;

  constructor({ table, name, type, index }: EncodedColumn) {
    const message = `${table}.${name}: a value that is no finite number does not fit ${type.sql}`;
    super('WEIR_DUCKDB_VALUE', message, {
      table,
      fix: 'Set `decimals: varchar`, or keep NaN and infinities out of the column.',
    });
    this.index = index;
  }
}
