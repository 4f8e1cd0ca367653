import type { BatchWriter, Spill } from '@weir/sdk';
import type { CellDecoder } from './cell-decoder.ts';
import { damagedValue, valueEnd } from './damaged-value.ts';
import { MINUS, ZERO, writeFraction, writeNumber } from './digits.ts';
import { fractionSize } from './moment-formats.ts';

const P = 0x50;
const T = 0x54;
const H = 0x48;
const M = 0x4d;
const S = 0x53;
/** TIME goes from -838:59:59 to 838:59:59. */
const LARGEST_HOUR = 838;

/**
 * TIME(n) since MySQL 5.6: a signed big-endian number of three bytes and those of the fraction: 10 bits of hours, 6 of minutes and
 * of seconds, offset by half of the range (mysys/my_time.cc, my_time_packed_to_binary).
 */
export class TimeCell implements CellDecoder {
  readonly #column: string;
  readonly #digits: number;
  readonly #size: number;

  constructor(column: string, digits: number) {
    this.#column = column;
    this.#digits = digits;
    this.#size = 3 + fractionSize(digits);
  }

  write(data: Uint8Array, at: number, end: number, writer: BatchWriter): number {
    const behind = valueEnd(this.#column, at, this.#size, end);
    let clock = ((data[at]! << 16) | (data[at + 1]! << 8) | data[at + 2]!) - 0x80_0000;
    let fraction = 0;
    for (let i = at + 3; i < behind; i++) fraction = (fraction << 8) | data[i]!;
    const negative = clock < 0;
    if (negative) {
      // The fraction of a negative time is a complement as well: one whole second less where there is one.
      clock = fraction === 0 ? -clock : -clock - 1;
      fraction = fraction === 0 ? 0 : 2 ** (8 * (this.#size - 3)) - fraction;
    }
    if (this.#digits % 2 === 1) fraction = (fraction / 10) | 0;
    this.#write(writer, negative, clock, fraction);
    return behind;
  }

  #write(writer: BatchWriter, negative: boolean, clock: number, fraction: number): void {
    const hour = clock >> 12;
    const minute = (clock >> 6) & 63;
    const second = clock & 63;
    if (hour > LARGEST_HOUR || minute > 59 || second > 59 || fraction >= 10 ** this.#digits) {
      throw damagedValue(this.#column, 'a part of a time is out of its range');
    }
    const from = writer.spill.length;
    writeDuration(writer.spill, negative, hour, minute, second, fraction, this.#digits);
    writer.spilledCell(from);
  }

  pass(_data: Uint8Array, at: number, end: number): number {
    return valueEnd(this.#column, at, this.#size, end);
  }
}

/** TIME before 5.6: the signed decimal number HHMMSS in three bytes, little-endian. */
export class OldTimeCell implements CellDecoder {
  readonly #column: string;

  constructor(column: string) {
    this.#column = column;
  }

  write(data: Uint8Array, at: number, end: number, writer: BatchWriter): number {
    const behind = this.pass(data, at, end);
    const value = (data[at]! << 8) | (data[at + 1]! << 16) | (data[at + 2]! << 24);
    const number = Math.abs(value >> 8);
    const hour = (number / 10_000) | 0;
    const minute = ((number / 100) | 0) % 100;
    const second = number % 100;
    if (hour > LARGEST_HOUR || minute > 59 || second > 59) {
      throw damagedValue(this.#column, 'a part of a time is out of its range');
    }
    const from = writer.spill.length;
    writeDuration(writer.spill, value < 0, hour, minute, second, 0, 0);
    writer.spilledCell(from);
    return behind;
  }

  pass(_data: Uint8Array, at: number, end: number): number {
    return valueEnd(this.#column, at, 3, end);
  }
}

/** Appends an ISO 8601 duration whose parts each have the sign: `PT-838H-59M-59.5S`, `PT1M`, `PT0S`. */
export function writeDuration(
  spill: Spill,
  negative: boolean,
  hour: number,
  minute: number,
  second: number,
  fraction: number,
  digits: number,
): void {
  spill.byte(P);
  spill.byte(T);
  if (hour > 0) writePart(spill, negative, hour, H);
  if (minute > 0) writePart(spill, negative, minute, M);
  if (second > 0 || fraction > 0) {
    if (negative) spill.byte(MINUS);
    writeNumber(spill, second);
    writeFraction(spill, fraction, digits);
    spill.byte(S);
  } else if (hour === 0 && minute === 0) {
    spill.byte(ZERO);
    spill.byte(S);
  }
}

function writePart(spill: Spill, negative: boolean, value: number, unit: number): void {
  if (negative) spill.byte(MINUS);
  writeNumber(spill, value);
  spill.byte(unit);
}
