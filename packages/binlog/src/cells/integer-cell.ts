import type { BatchWriter, LogicalType, Spill } from '@weir/sdk';
import type { CellDecoder } from './cell-decoder.ts';
import { valueEnd } from './damaged-value.ts';
import { MINUS, writeNumber, writeNumber64 } from './digits.ts';

export type IntegerBytes = 1 | 2 | 3 | 4 | 8;

/** @param bytes of the type: 3 for MEDIUMINT, which becomes 32 bits */
export function integerType(bytes: IntegerBytes, unsigned: boolean): LogicalType {
  const bits = bytes === 1 ? 8 : bytes === 2 ? 16 : bytes === 8 ? 64 : 32;
  return { kind: unsigned ? 'uint' : 'int', bits };
}

/** TINYINT to BIGINT: little-endian, in two's complement. */
export class IntegerCell implements CellDecoder {
  readonly #column: string;
  readonly #bytes: IntegerBytes;
  readonly #unsigned: boolean;

  constructor(column: string, bytes: IntegerBytes, unsigned: boolean) {
    this.#column = column;
    this.#bytes = bytes;
    this.#unsigned = unsigned;
  }

  write(data: Uint8Array, at: number, end: number, writer: BatchWriter): number {
    const behind = valueEnd(this.#column, at, this.#bytes, end);
    const { spill } = writer;
    const from = spill.length;
    const bytes = this.#bytes;
    if (bytes === 8) writeInteger64(spill, data, at, this.#unsigned);
    else if (this.#unsigned) writeNumber(spill, bitsAt(data, at, bytes));
    else writeSigned(spill, signedAt(data, at, bytes));
    writer.spilledCell(from);
    return behind;
  }

  pass(_data: Uint8Array, at: number, end: number): number {
    return valueEnd(this.#column, at, this.#bytes, end);
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

/** So many bytes, little-endian, as the bits of a number of 32. */
function bitsAt(data: Uint8Array, at: number, bytes: 1 | 2 | 3 | 4): number {
  let value = data[at]!;
  for (let i = 1; i < bytes; i++) value |= data[at + i]! << (8 * i);
  return value;
}

function signedAt(data: Uint8Array, at: number, bytes: 1 | 2 | 3 | 4): number {
  const shift = 32 - 8 * bytes;
  return (bitsAt(data, at, bytes) << shift) >> shift;
}

function writeSigned(spill: Spill, value: number): void {
  if (value < 0) spill.byte(MINUS);
  writeNumber(spill, value < 0 ? -value | 0 : value);
}

/** Appends the eight bytes at `at`, little-endian, as a whole number. */
export function writeInteger64(spill: Spill, data: Uint8Array, at: number, unsigned: boolean): void {
  let low = bitsAt(data, at, 4);
  let high = bitsAt(data, at + 4, 4);
  if (!unsigned && high < 0) {
    spill.byte(MINUS);
    low = -low | 0;
    high = low === 0 ? -high | 0 : ~high;
  }
  writeNumber64(spill, high, low);
}
