import type { BatchWriter } from '@weir/sdk';
import { isCalendarDay } from './calendar.ts';
import type { CellDecoder } from './cell-decoder.ts';
import { valueEnd } from './damaged-value.ts';
import type { MomentCell } from './datetime-cell.ts';
import { putFraction } from './digits.ts';
import { LIMITS, fractionAt, fractionSize } from './moment-formats.ts';
import { Moment, SEPARATOR, Z, putClock, putDate } from './moment.ts';

// Days of the calendar in the formats of today, written straight into the spill. What else there is (zero dates, damage) is left to
// a `MomentCell` of the same format. Rows that follow each other are often of one day: its date is taken apart once.

/** `YYYY-MM-DDTHH:MM:SS.ffffffZ`, and what is written beyond it. */
const MOST_BYTES = 32;
const DAY_SECONDS = 86_400;

/** DATE, see `dateFormat`. */
export class DateCell implements CellDecoder {
  readonly #column: string;
  readonly #others: MomentCell;

  constructor(column: string, others: MomentCell) {
    this.#column = column;
    this.#others = others;
  }

  write(data: Uint8Array, at: number, end: number, writer: BatchWriter): number {
    const behind = this.pass(data, at, end);
    const value = data[at]! | (data[at + 1]! << 8) | (data[at + 2]! << 16);
    const year = value >> 9;
    const month = (value >> 5) & 15;
    const day = value & 31;
    if (year > 9999 || !isCalendarDay(year, month, day)) return this.#others.write(data, at, end, writer);
    const { spill } = writer;
    const from = spill.length;
    spill.length = putDate(spill.room(MOST_BYTES), from, year, month, day);
    writer.spilledCell(from);
    return behind;
  }

  pass(_data: Uint8Array, at: number, end: number): number {
    return valueEnd(this.#column, at, 3, end);
  }
}

/** DATETIME(n), see `datetimeFormat`. */
export class DatetimeCell implements CellDecoder {
  readonly #column: string;
  readonly #digits: number;
  readonly #size: number;
  readonly #others: MomentCell;
  /** The date of the last value, and its bits. */
  readonly #date = new Moment();
  #dateBits = -1;

  constructor(column: string, digits: number, others: MomentCell) {
    this.#column = column;
    this.#digits = digits;
    this.#size = 5 + fractionSize(digits);
    this.#others = others;
  }

  write(data: Uint8Array, at: number, end: number, writer: BatchWriter): number {
    const behind = valueEnd(this.#column, at, this.#size, end);
    const b2 = data[at + 2]!;
    const b3 = data[at + 3]!;
    const b4 = data[at + 4]!;
    const bits = (data[at]! << 15) | (data[at + 1]! << 7) | (b2 >> 1);
    const hour = ((b2 & 1) << 4) | (b3 >> 4);
    const minute = ((b3 & 15) << 2) | (b4 >> 6);
    const second = b4 & 63;
    const digits = this.#digits;
    const fraction = digits === 0 ? 0 : fractionAt(data, at + 5, digits);
    if ((bits !== this.#dateBits && !this.#setDate(bits)) || hour > 23 || minute > 59 || second > 59 || fraction >= LIMITS[digits]!) {
      return this.#others.write(data, at, end, writer);
    }
    const { spill } = writer;
    const from = spill.length;
    const into = spill.room(MOST_BYTES);
    const { year, month, day } = this.#date;
    const separator = putDate(into, from, year, month, day);
    into.setUint8(separator, SEPARATOR);
    spill.length = putFraction(into, putClock(into, separator + 1, hour, minute, second), fraction, digits);
    writer.spilledCell(from);
    return behind;
  }

  /** @returns false for bits that are no day of the calendar */
  #setDate(bits: number): boolean {
    const months = (bits >> 5) & 0x1_ffff;
    const year = (months / 13) | 0;
    const month = months - year * 13;
    const day = bits & 31;
    if (bits < 0x40_0000 || year > 9999 || !isCalendarDay(year, month, day)) return false;
    this.#date.setDate(year, month, day);
    this.#dateBits = bits;
    return true;
  }

  pass(_data: Uint8Array, at: number, end: number): number {
    return valueEnd(this.#column, at, this.#size, end);
  }
}

/** TIMESTAMP(n), see `timestampFormat`. */
export class TimestampCell implements CellDecoder {
  readonly #column: string;
  readonly #digits: number;
  readonly #size: number;
  readonly #others: MomentCell;
  /** The date of the last value, and its days since 1970. */
  readonly #date = new Moment();
  #days = -1;

  constructor(column: string, digits: number, others: MomentCell) {
    this.#column = column;
    this.#digits = digits;
    this.#size = 4 + fractionSize(digits);
    this.#others = others;
  }

  write(data: Uint8Array, at: number, end: number, writer: BatchWriter): number {
    const behind = valueEnd(this.#column, at, this.#size, end);
    const bits = (data[at]! << 24) | (data[at + 1]! << 16) | (data[at + 2]! << 8) | data[at + 3]!;
    const digits = this.#digits;
    const fraction = digits === 0 ? 0 : fractionAt(data, at + 4, digits);
    if (bits === 0 || fraction >= LIMITS[digits]!) return this.#others.write(data, at, end, writer);
    const seconds = bits >>> 0;
    const days = (seconds / DAY_SECONDS) | 0;
    const rest = (seconds - days * DAY_SECONDS) | 0;
    if (days !== this.#days) {
      this.#date.setDays(days);
      this.#days = days;
    }
    const { spill } = writer;
    const from = spill.length;
    const into = spill.room(MOST_BYTES);
    const { year, month, day } = this.#date;
    const separator = putDate(into, from, year, month, day);
    into.setUint8(separator, SEPARATOR);
    const hour = (rest / 3600) | 0;
    const minute = ((rest - hour * 3600) / 60) | 0;
    const zone = putFraction(into, putClock(into, separator + 1, hour, minute, rest - hour * 3600 - minute * 60), fraction, digits);
    into.setUint8(zone, Z);
    spill.length = zone + 1;
    writer.spilledCell(from);
    return behind;
  }

  pass(_data: Uint8Array, at: number, end: number): number {
    return valueEnd(this.#column, at, this.#size, end);
  }
}
