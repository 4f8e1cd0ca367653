import { float32Text, float64Text, type BatchWriter, type Spill } from '@weir/sdk';
import type { CellDecoder } from './cell-decoder.ts';
import { valueEnd } from './damaged-value.ts';
import { MINUS, writeFraction, writeNumber64 } from './digits.ts';

const POWERS = [1, 10, 100, 1000, 10_000, 100_000, 1_000_000];
/** Decimals of so many digits are told apart by the float, so that one that reads back is the shortest. */
const LARGEST_32 = 1e6;
const LARGEST_64 = 1e15;

const bytes = new Uint8Array(8);
const float32 = new Float32Array(bytes.buffer);
const float64 = new Float64Array(bytes.buffer);

/** FLOAT and DOUBLE: IEEE 754, little-endian. */
export class FloatCell implements CellDecoder {
  readonly #column: string;
  readonly #size: 4 | 8;

  constructor(column: string, size: 4 | 8) {
    this.#column = column;
    this.#size = size;
  }

  write(data: Uint8Array, at: number, end: number, writer: BatchWriter): number {
    const behind = valueEnd(this.#column, at, this.#size, end);
    const from = writer.spill.length;
    for (let i = 0; i < this.#size; i++) bytes[i] = data[at + i]!;
    writeStored(writer.spill, this.#size === 4);
    writer.spilledCell(from);
    return behind;
  }

  pass(_data: Uint8Array, at: number, end: number): number {
    return valueEnd(this.#column, at, this.#size, end);
  }
}

/** Appends the canonical text of a number that a float32 holds. */
export function writeFloat32(spill: Spill, value: number): void {
  float32[0] = value;
  writeStored(spill, true);
}

/** Appends the canonical text of a float64. */
export function writeFloat64(spill: Spill, value: number): void {
  float64[0] = value;
  writeStored(spill, false);
}

/** Appends the number in `float32` or `float64`; handed over there, since a double as an argument would be an object. */
function writeStored(spill: Spill, single: boolean): void {
  if (!writeShort(spill, single)) spill.ascii(single ? float32Text(float32[0]!) : float64Text(float64[0]!));
}

/**
 * Writes a number that is a decimal of few digits without a string on the way.
 * @returns false where it is none, and nothing was written
 */
function writeShort(spill: Spill, single: boolean): boolean {
  const value = single ? float32[0]! : float64[0]!;
  const largest = single ? LARGEST_32 : LARGEST_64;
  const magnitude = Math.abs(value);
  if (!(magnitude >= 1e-4 && magnitude < largest)) return false;
  for (let decimals = 0; decimals < POWERS.length; decimals++) {
    const power = POWERS[decimals]!;
    const scaled = Math.round(magnitude * power);
    if (scaled >= largest) return false;
    const read = scaled / power;
    if ((single ? Math.fround(read) : read) !== magnitude) continue;
    if (value < 0) spill.byte(MINUS);
    const whole = Math.floor(scaled / power);
    writeNumber64(spill, (whole / 4294967296) | 0, whole | 0);
    writeFraction(spill, (scaled - whole * power) | 0, decimals);
    return true;
  }
  return false;
}

/** The float64 whose eight bytes, little-endian, lie at `at`. */
export function float64At(data: Uint8Array, at: number): number {
  for (let i = 0; i < 8; i++) bytes[i] = data[at + i]!;
  return float64[0]!;
}

/** The float32 whose four bytes, little-endian, lie at `at`. */
export function float32At(data: Uint8Array, at: number): number {
  for (let i = 0; i < 4; i++) bytes[i] = data[at + i]!;
  return float32[0]!;
}

