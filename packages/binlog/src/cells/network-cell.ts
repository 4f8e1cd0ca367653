import type { BatchWriter, Spill } from '@weir/sdk';
import type { CellDecoder } from './cell-decoder.ts';
import { damagedValue } from './damaged-value.ts';
import { POINT, ZERO, writeNumber } from './digits.ts';
import { prefixedLength } from './length-prefix.ts';

const HYPHEN = 0x2d;
const COLON = 0x3a;

/** MariaDB's types of fixed size that come as BINARY(n), the zero bytes at their end cut off, and are printed as text. */
export type FixedType = 'uuid' | 'inet4' | 'inet6';
const SIZES: Readonly<Record<FixedType, number>> = { uuid: 16, inet4: 4, inet6: 16 };

/**
 * UUID, INET4 and INET6 of MariaDB. The log has them in the order of their text, whatever the order on the server's disk is
 * (MariaDB, plugin/type_uuid/sql_type_uuid.h, `pack`).
 */
export class FixedTypeCell implements CellDecoder {
  readonly #column: string;
  readonly #type: FixedType;
  readonly #value: Uint8Array;

  constructor(column: string, type: FixedType) {
    this.#column = column;
    this.#type = type;
    this.#value = new Uint8Array(SIZES[type]);
  }

  write(data: Uint8Array, at: number, end: number, writer: BatchWriter): number {
    const behind = this.pass(data, at, end);
    const value = this.#value;
    const length = behind - at - 1;
    for (let i = 0; i < value.length; i++) value[i] = i < length ? data[at + 1 + i]! : 0;
    const from = writer.spill.length;
    if (this.#type === 'uuid') writeUuid(writer.spill, value);
    else if (this.#type === 'inet4') writeInet4(writer.spill, value, 0);
    else writeInet6(writer.spill, value);
    writer.spilledCell(from);
    return behind;
  }

  pass(data: Uint8Array, at: number, end: number): number {
    const length = prefixedLength(this.#column, data, at, end, 1);
    if (length > this.#value.length) throw damagedValue(this.#column, 'the value is longer than its type allows');
    return at + 1 + length;
  }
}

function writeHexDigit(spill: Spill, digit: number): void {
  spill.byte(digit < 10 ? ZERO + digit : 0x57 + digit);
}

function writeUuid(spill: Spill, value: Uint8Array): void {
  for (let i = 0; i < 16; i++) {
    if (i === 4 || i === 6 || i === 8 || i === 10) spill.byte(HYPHEN);
    writeHexDigit(spill, value[i]! >> 4);
    writeHexDigit(spill, value[i]! & 15);
  }
}

function writeInet4(spill: Spill, value: Uint8Array, at: number): void {
  for (let i = 0; i < 4; i++) {
    if (i > 0) spill.byte(POINT);
    writeNumber(spill, value[at + i]!);
  }
}

/** As MariaDB prints it: the first longest run of zero words is `::`, one word too; the last words as IPv4 behind 96 zero bits or a mapping. */
function writeInet6(spill: Spill, value: Uint8Array): void {
  const gap = longestGap(value);
  const length = gapLength(value, gap);
  const hasInet4 = gap === 0 && (length === 6 || (length === 5 && wordAt(value, 5) === 0xffff));
  for (let word = 0; word < 8; word++) {
    if (word === gap) {
      if (word === 0) spill.byte(COLON);
      spill.byte(COLON);
      word += length - 1;
    } else if (word === 6 && hasInet4) {
      writeInet4(spill, value, 12);
      return;
    } else {
      writeHexNumber(spill, wordAt(value, word));
      if (word < 7) spill.byte(COLON);
    }
  }
}

function wordAt(value: Uint8Array, word: number): number {
  return (value[2 * word]! << 8) | value[2 * word + 1]!;
}

function gapLength(value: Uint8Array, from: number): number {
  let word = from;
  while (word >= 0 && word < 8 && wordAt(value, word) === 0) word++;
  return word - from;
}

/** Where the first of the longest runs of zero words begins; -1 where there is none. */
function longestGap(value: Uint8Array): number {
  let best = -1;
  let longest = 0;
  for (let word = 0; word < 8; word++) {
    const length = gapLength(value, word);
    if (length > longest) {
      best = word;
      longest = length;
    }
  }
  return best;
}

function writeHexNumber(spill: Spill, value: number): void {
  let shift = 12;
  while (shift > 0 && value >> shift === 0) shift -= 4;
  for (; shift >= 0; shift -= 4) writeHexDigit(spill, (value >> shift) & 15);
}
