import type { BatchWriter, LogicalType, Spill } from '@weir/sdk';
import type { CellDecoder } from './cell-decoder.ts';
import { valueEnd } from './damaged-value.ts';
import { MINUS, NUMBER_ROOM, putNumber, putNumber32, putNumber64, writeNumber } from './digits.ts';

export type IntegerBytes = 1 | 2 | 3 | 4 | 8;

/** @param bytes of the type: 3 for MEDIUMINT, which becomes 32 bits */
export function integerType(bytes: IntegerBytes, unsigned: boolean): LogicalType {
  const bits = bytes === 1 ? 8 : bytes === 2 ? 16 : bytes === 8 ? 64 : 32;
  return { kind: unsigned ? 'uint' : 'int', bits };
}

/** TINYINT to INT: little-endian, in two's complement. */
export class IntegerCell implements CellDecoder {
  readonly #column: string;
  readonly #bytes: Exclude<IntegerBytes, 8>;
  readonly #unsigned: boolean;

  constructor(column: string, bytes: Exclude<IntegerBytes, 8>, unsigned: boolean) {
    this.#column = column;
    this.#bytes = bytes;
    this.#unsigned = unsigned;
  }

  write(data: Uint8Array, at: number, end: number, writer: BatchWriter): number {
    const bytes = this.#bytes;
    const behind = valueEnd(this.#column, at, bytes, end);
    const { spill } = writer;
    const from = spill.length;
    const into = spill.room(NUMBER_ROOM);
    const bits = bytes === 4 ? bits32(data, at) : bitsAt(data, at, bytes);
    if (this.#unsigned) {
      spill.length = putNumber32(into, from, bits);
    } else {
      const unused = 32 - 8 * bytes;
      spill.length = putSigned(into, from, (bits << unused) >> unused);
    }
    writer.spilledCell(from);
    return behind;
  }

  pass(_data: Uint8Array, at: number, end: number): number {
    return valueEnd(this.#column, at, this.#bytes, end);
  }
}

/** BIGINT, in the same way. */
export class BigintCell implements CellDecoder {
  readonly #column: string;
  readonly #unsigned: boolean;

  constructor(column: string, unsigned: boolean) {
    this.#column = column;
    this.#unsigned = unsigned;
  }

  write(data: Uint8Array, at: number, end: number, writer: BatchWriter): number {
    const behind = valueEnd(this.#column, at, 8, end);
    const { spill } = writer;
    const from = spill.length;
    spill.length = putInteger64(spill.room(NUMBER_ROOM), from, bits32(data, at), bits32(data, at + 4), this.#unsigned);
    writer.spilledCell(from);
    return behind;
  }

  pass(_data: Uint8Array, at: number, end: number): number {
    return valueEnd(this.#column, at, 8, end);
  }
}

/** YEAR: one byte, years since 1900, 0 for the year 0000. Of YEAR(2), which MariaDB has, the last two digits. */
export class YearCell implements CellDecoder {
  readonly #column: string;
  readonly #twoDigits: boolean;

  constructor(column: string, twoDigits: boolean) {
    this.#column = column;
    this.#twoDigits = twoDigits;
  }

  write(data: Uint8Array, at: number, end: number, writer: BatchWriter): number {
    const behind = valueEnd(this.#column, at, 1, end);
    const from = writer.spill.length;
    const value = data[at]!;
    writeNumber(writer.spill, this.#twoDigits ? value % 100 : value === 0 ? 0 : 1900 + value);
    writer.spilledCell(from);
    return behind;
  }

  pass(_data: Uint8Array, at: number, end: number): number {
    return valueEnd(this.#column, at, 1, end);
  }
}

/** One to three bytes, little-endian. */
function bitsAt(data: Uint8Array, at: number, bytes: 1 | 2 | 3): number {
  let value = data[at]!;
  if (bytes > 1) value |= data[at + 1]! << 8;
  if (bytes > 2) value |= data[at + 2]! << 16;
  return value;
}

/** Four bytes, little-endian, as the bits of a number of 32. */
function bits32(data: Uint8Array, at: number): number {
  return data[at]! | (data[at + 1]! << 8) | (data[at + 2]! << 16) | (data[at + 3]! << 24);
}

function putSigned(into: DataView, from: number, value: number): number {
  if (value >= 0) return putNumber(into, from, value);
  into.setUint8(from, MINUS);
  return putNumber32(into, from + 1, -value | 0);
}

/** @param low bits of the lower half, and `high` of the upper one */
function putInteger64(into: DataView, from: number, low: number, high: number, unsigned: boolean): number {
  if (unsigned || high >= 0) return putNumber64(into, from, high, low);
  into.setUint8(from, MINUS);
  return putNumber64(into, from + 1, low === 0 ? -high | 0 : ~high, -low | 0);
}

/** Appends the eight bytes at `at`, little-endian, as a whole number. */
export function writeInteger64(spill: Spill, data: Uint8Array, at: number, unsigned: boolean): void {
  const from = spill.length;
  spill.length = putInteger64(spill.room(NUMBER_ROOM), from, bits32(data, at), bits32(data, at + 4), unsigned);
}
