import type { BatchWriter, Spill } from '@weir/sdk';
import type { CellDecoder } from './cell-decoder.ts';
import { damagedValue, valueEnd } from './damaged-value.ts';
import { MINUS, POINT, ZERO, writePadded } from './digits.ts';

const GROUP = 9;
/** Bytes of a group of so many digits. */
const GROUP_BYTES = [0, 1, 1, 2, 2, 3, 3, 4, 4, 4];
const LARGEST = [0, 9, 99, 999, 9999, 99_999, 999_999, 9_999_999, 99_999_999, 999_999_999];

/** Bytes of a DECIMAL in binary form. */
export function decimalSize(precision: number, scale: number): number {
  const whole = precision - scale;
  const groups = Math.floor(whole / GROUP) + Math.floor(scale / GROUP);
  return groups * 4 + GROUP_BYTES[whole % GROUP]! + GROUP_BYTES[scale % GROUP]!;
}

/** Whether a server has such a DECIMAL. */
export function isDecimal(precision: number, scale: number): boolean {
  return precision >= 1 && precision <= 65 && scale >= 0 && scale <= 38 && scale <= precision;
}

/**
 * DECIMAL(precision, scale): groups of nine digits in four bytes, big-endian, smaller ones at both ends, the sign inverted in the
 * first bit, all other bits inverted for a negative number (MySQL, strings/decimal.cc, decimal2bin).
 */
export class DecimalCell implements CellDecoder {
  readonly #column: string;
  readonly #precision: number;
  readonly #scale: number;
  readonly #size: number;

  constructor(column: string, precision: number, scale: number) {
    this.#column = column;
    this.#precision = precision;
    this.#scale = scale;
    this.#size = decimalSize(precision, scale);
  }

  write(data: Uint8Array, at: number, end: number, writer: BatchWriter): number {
    const behind = valueEnd(this.#column, at, this.#size, end);
    const from = writer.spill.length;
    if (!writeDecimal(writer.spill, data, at, this.#precision, this.#scale)) {
      writer.spill.length = from;
      throw damagedValue(this.#column, 'a group of digits of a decimal is too large');
    }
    writer.spilledCell(from);
    return behind;
  }

  pass(_data: Uint8Array, at: number, end: number): number {
    return valueEnd(this.#column, at, this.#size, end);
  }
}

/**
 * Appends a decimal in binary form with all digits of its scale, no sign for zero.
 * @returns false where the bytes are no decimal
 */
export function writeDecimal(spill: Spill, data: Uint8Array, at: number, precision: number, scale: number): boolean {
  const negative = (data[at]! & 0x80) === 0;
  const mask = negative ? 0xff : 0;
  if (negative && !isZero(data, at, decimalSize(precision, scale), mask)) spill.byte(MINUS);
  const from = spill.length;
  let place = at;
  for (let rest = precision - scale; rest > 0; ) {
    const digits = rest % GROUP === 0 ? GROUP : rest % GROUP;
    const value = groupAt(data, place, at, GROUP_BYTES[digits]!, mask);
    if (value < 0 || value > LARGEST[digits]!) return false;
    writePadded(spill, value, digits);
    place += GROUP_BYTES[digits]!;
    rest -= digits;
  }
  dropZeros(spill, from);
  if (scale > 0) spill.byte(POINT);
  for (let rest = scale; rest > 0; ) {
    const digits = Math.min(rest, GROUP);
    const value = groupAt(data, place, at, GROUP_BYTES[digits]!, mask);
    if (value < 0 || value > LARGEST[digits]!) return false;
    writePadded(spill, value, digits);
    place += GROUP_BYTES[digits]!;
    rest -= digits;
  }
  return true;
}

/**
 * Up to four bytes, big-endian, negative from 2^31 on.
 * @param first where the decimal begins, whose first bit is the sign
 */
function groupAt(data: Uint8Array, at: number, first: number, bytes: number, mask: number): number {
  let value = 0;
  for (let i = at; i < at + bytes; i++) value = (value << 8) | (data[i]! ^ mask ^ (i === first ? 0x80 : 0));
  return value;
}

function isZero(data: Uint8Array, at: number, size: number, mask: number): boolean {
  for (let i = at; i < at + size; i++) if ((data[i]! ^ mask ^ (i === at ? 0x80 : 0)) !== 0) return false;
  return true;
}

/** Takes zeros away from `from` on, but leaves or makes one digit. */
function dropZeros(spill: Spill, from: number): void {
  const { data } = spill;
  let first = from;
  while (first < spill.length - 1 && data[first] === ZERO) first++;
  if (first > from) {
    data.copyWithin(from, first, spill.length);
    spill.length -= first - from;
  }
  if (spill.length === from) spill.byte(ZERO);
}
