import type { BatchWriter, Spill } from '@weir/sdk';
import type { CellDecoder } from './cell-decoder.ts';
import { damagedValue, valueEnd } from './damaged-value.ts';
import { ZERO } from './digits.ts';

/** BIT(n), n from 1 to 64: as few bytes as hold it, big-endian. The cell is n zeros and ones, the first bit first. */
export class BitCell implements CellDecoder {
  readonly #column: string;
  readonly #bits: number;

  constructor(column: string, bits: number) {
    this.#column = column;
    this.#bits = bits;
  }

  write(data: Uint8Array, at: number, end: number, writer: BatchWriter): number {
    const behind = this.pass(data, at, end);
    const from = writer.spill.length;
    writeBits(writer.spill, data, at, this.#bits);
    writer.spilledCell(from);
    return behind;
  }

  pass(data: Uint8Array, at: number, end: number): number {
    const behind = valueEnd(this.#column, at, (this.#bits + 7) >> 3, end);
    const unused = -this.#bits & 7;
    if (unused > 0 && data[at]! >> (8 - unused) !== 0) throw damagedValue(this.#column, 'more bits than the type has');
    return behind;
  }
}

/** Appends so many bits, the last ones of as few bytes as hold them. */
export function writeBits(spill: Spill, data: Uint8Array, at: number, bits: number): void {
  const unused = -bits & 7;
  for (let bit = unused; bit < bits + unused; bit++) spill.byte(ZERO + ((data[at + (bit >> 3)]! >> (7 - (bit & 7))) & 1));
}
