import { float32Text, type BatchWriter, type Spill } from '@weir/sdk';
import type { CellDecoder } from './cell-decoder.ts';
import { damagedValue } from './damaged-value.ts';
import { float32At, writeFloat32 } from './float-cell.ts';
import { prefixedLength } from './length-prefix.ts';

const OPEN = 0x5b;
const CLOSE = 0x5d;
const COMMA = 0x2c;
const QUOTE = 0x22;

/** VECTOR: float32s, little-endian, one after the other. The cell is a JSON array of their shortest decimals. */
export class VectorCell implements CellDecoder {
  readonly #column: string;
  readonly #prefix: number;

  constructor(column: string, prefix: number) {
    this.#column = column;
    this.#prefix = prefix;
  }

  write(data: Uint8Array, at: number, end: number, writer: BatchWriter): number {
    const behind = this.pass(data, at, end);
    const from = writer.spill.length;
    writeVector(writer.spill, data, at + this.#prefix, behind);
    writer.spilledCell(from);
    return behind;
  }

  pass(data: Uint8Array, at: number, end: number): number {
    const length = prefixedLength(this.#column, data, at, end, this.#prefix);
    if (length % 4 !== 0) throw damagedValue(this.#column, 'a vector is no sequence of float32');
    return at + this.#prefix + length;
  }
}

/** Appends the float32s from `start` to `end` as a JSON array, NaN and infinities as strings. */
export function writeVector(spill: Spill, data: Uint8Array, start: number, end: number): void {
  spill.byte(OPEN);
  for (let at = start; at + 4 <= end; at += 4) {
    if (at > start) spill.byte(COMMA);
    const value = float32At(data, at);
    if (Number.isFinite(value)) {
      writeFloat32(spill, value);
    } else {
      spill.byte(QUOTE);
      spill.ascii(float32Text(value));
      spill.byte(QUOTE);
    }
  }
  spill.byte(CLOSE);
}
