import type { BatchWriter, Spill } from '@weir/sdk';
import type { CellDecoder } from './cell-decoder.ts';
import { damagedValue, valueEnd } from './damaged-value.ts';
import { MINUS, POINT, ZERO, put9, putNumber, putPadded } from './digits.ts';

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
      throw damagedValue(this.#column, 'a group of digits of a decimal is too large');
    }
    writer.spilledCell(from);
    return behind;
  }

  pass(_data: Uint8Array, at: number, end: number): number {
    return valueEnd(this.#column, at, this.#size, end);
  }
}

/** Sign, 65 digits, a zero, a point, and what is written beyond them. */
const MOST_BYTES = 80;

/**
 * Appends a decimal in binary form with all digits of its scale, no sign for zero.
 * @returns false where the bytes are no decimal, and nothing was appended
 */
export function writeDecimal(spill: Spill, data: Uint8Array, at: number, precision: number, scale: number): boolean {
  const into = spill.room(MOST_BYTES);
  const mask = data[at]! < 0x80 ? -1 : 0;
  const from = spill.length;
  const first = from - mask;
  if (mask !== 0) into.setUint8(from, MINUS);
  let any = 0;
  let behind = first;
  let place = at;
  // The sign, in the first byte of the first group.
  let sign = 0x80;
  const whole = precision - scale;
  const few = whole % GROUP;
  if (few > 0) {
    const value = groupAt(data, place, few, mask, sign);
    if (value < 0) return false;
    any = value;
    if (value > 0) behind = putNumber(into, behind, value);
    place += GROUP_BYTES[few]!;
    sign = 0;
  }
  for (let rest = whole - few; rest > 0; rest -= GROUP) {
    const value = groupAt(data, place, GROUP, mask, sign);
    if (value < 0) return false;
    any |= value;
    if (behind > first) behind = put9(into, behind, value);
    else if (value > 0) behind = putNumber(into, behind, value);
    place += 4;
    sign = 0;
  }
  if (behind === first) into.setUint8(behind++, ZERO);
  if (scale > 0) into.setUint8(behind++, POINT);
  for (let rest = scale; rest > 0; rest -= GROUP) {
    const digits = rest < GROUP ? rest : GROUP;
    const value = groupAt(data, place, digits, mask, sign);
    if (value < 0) return false;
    any |= value;
    behind = digits === GROUP ? put9(into, behind, value) : putPadded(into, behind, value, digits);
    place += 4;
    sign = 0;
  }
  if (any === 0 && mask !== 0) {
    spill.data.copyWithin(from, first, behind);
    behind--;
  }
  spill.length = behind;
  return true;
}

/**
 * A group of so many digits, big-endian.
 * @param sign a bit of the first byte that is not of the number
 * @returns -1 where it is larger than its digits can be
 */
function groupAt(data: Uint8Array, at: number, digits: number, mask: number, sign: number): number {
  let value: number;
  if (digits > 6) {
    value = ((data[at]! ^ sign) << 24) | (data[at + 1]! << 16) | (data[at + 2]! << 8) | data[at + 3]!;
    value ^= mask;
  } else if (digits > 4) {
    value = (((data[at]! ^ sign) << 16) | (data[at + 1]! << 8) | data[at + 2]!) ^ (mask & 0xff_ffff);
  } else if (digits > 2) {
    value = (((data[at]! ^ sign) << 8) | data[at + 1]!) ^ (mask & 0xffff);
  } else {
    value = data[at]! ^ sign ^ (mask & 0xff);
  }
  return value > LARGEST[digits]! ? -1 : value;
}
