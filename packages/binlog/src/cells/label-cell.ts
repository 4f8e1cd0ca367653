import type { BatchWriter } from '@weir/sdk';
import type { CellDecoder } from './cell-decoder.ts';
import { damagedValue, valueEnd } from './damaged-value.ts';

const COMMA = 0x2c;

/** ENUM: the number of the label in one or two bytes, little-endian; 0 is the empty text of a value that was none of them. */
export class EnumCell implements CellDecoder {
  readonly #column: string;
  readonly #size: number;
  readonly #labels: readonly Uint8Array[];

  /** @param labels in UTF-8 */
  constructor(column: string, size: number, labels: readonly Uint8Array[]) {
    this.#column = column;
    this.#size = size;
    this.#labels = labels;
  }

  write(data: Uint8Array, at: number, end: number, writer: BatchWriter): number {
    const behind = this.pass(data, at, end);
    const { spill } = writer;
    const from = spill.length;
    const number = this.#numberAt(data, at);
    if (number > 0) {
      const label = this.#labels[number - 1]!;
      spill.bytes(label, 0, label.length);
    }
    writer.spilledCell(from);
    return behind;
  }

  pass(data: Uint8Array, at: number, end: number): number {
    const behind = valueEnd(this.#column, at, this.#size, end);
    if (this.#numberAt(data, at) > this.#labels.length) throw damagedValue(this.#column, 'an enum has no label of that number');
    return behind;
  }

  #numberAt(data: Uint8Array, at: number): number {
    return this.#size === 1 ? data[at]! : data[at]! | (data[at + 1]! << 8);
  }
}

/** SET: a bit for each member in 1, 2, 3, 4 or 8 bytes, little-endian. The cell is its members separated by commas. */
export class SetCell implements CellDecoder {
  readonly #column: string;
  readonly #size: number;
  readonly #labels: readonly Uint8Array[];

  /** @param labels in UTF-8 */
  constructor(column: string, size: number, labels: readonly Uint8Array[]) {
    this.#column = column;
    this.#size = size;
    this.#labels = labels;
  }

  write(data: Uint8Array, at: number, end: number, writer: BatchWriter): number {
    const behind = this.pass(data, at, end);
    const { spill } = writer;
    const from = spill.length;
    let first = true;
    for (let bit = 0; bit < this.#labels.length; bit++) {
      if (((data[at + (bit >> 3)]! >> (bit & 7)) & 1) === 0) continue;
      if (!first) spill.byte(COMMA);
      first = false;
      const label = this.#labels[bit]!;
      spill.bytes(label, 0, label.length);
    }
    writer.spilledCell(from);
    return behind;
  }

  pass(data: Uint8Array, at: number, end: number): number {
    const behind = valueEnd(this.#column, at, this.#size, end);
    for (let bit = this.#labels.length; bit < this.#size * 8; bit++) {
      if (((data[at + (bit >> 3)]! >> (bit & 7)) & 1) !== 0) throw damagedValue(this.#column, 'a set has no member of that number');
    }
    return behind;
  }
}
