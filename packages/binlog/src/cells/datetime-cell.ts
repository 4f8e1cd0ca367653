import type { BatchWriter } from '@weir/sdk';
import { isCalendarDay, type ZeroDates } from './calendar.ts';
import type { CellDecoder } from './cell-decoder.ts';
import { damagedValue, valueEnd } from './damaged-value.ts';
import { Moment, SEPARATOR, SPACE, Z, writeClock, writeDate, writeServerClock, zeroDate } from './moment.ts';

/** How a DATE, DATETIME or TIMESTAMP is stored, and what of it is printed. */
export interface MomentFormat {
  readonly size: number;
  readonly prints: 'date' | 'timestamp' | 'timestamptz';
  /** Digits of a fraction, 0 to 6. */
  readonly digits: number;
  /**
   * Takes the bytes at `at` apart.
   * @returns false where they are none of this type
   */
  read(data: Uint8Array, at: number, moment: Moment): boolean;
}

/** DATE, DATETIME and TIMESTAMP in all of their formats. */
export class MomentCell implements CellDecoder {
  readonly #column: string;
  readonly #format: MomentFormat;
  readonly #zeroDates: ZeroDates;
  readonly #moment = new Moment();

  constructor(column: string, format: MomentFormat, zeroDates: ZeroDates) {
    this.#column = column;
    this.#format = format;
    this.#zeroDates = zeroDates;
  }

  write(data: Uint8Array, at: number, end: number, writer: BatchWriter): number {
    const behind = valueEnd(this.#column, at, this.#format.size, end);
    const moment = this.#moment;
    if (!this.#format.read(data, at, moment) || !moment.inRange) {
      throw damagedValue(this.#column, 'a part of a date or time is out of its range');
    }
    if (this.#zeroDates === 'text') this.#writeServerText(writer);
    else if (isCalendarDay(moment.year, moment.month, moment.day)) this.#writeCanonical(writer);
    else if (this.#zeroDates === 'null') writer.nullCell();
    else throw zeroDate(this.#column);
    return behind;
  }

  pass(_data: Uint8Array, at: number, end: number): number {
    return valueEnd(this.#column, at, this.#format.size, end);
  }

  #writeCanonical(writer: BatchWriter): void {
    const { spill } = writer;
    const { prints, digits } = this.#format;
    const from = spill.length;
    writeDate(spill, this.#moment);
    if (prints !== 'date') {
      spill.byte(SEPARATOR);
      writeClock(spill, this.#moment, digits);
      if (prints === 'timestamptz') spill.byte(Z);
    }
    writer.spilledCell(from);
  }

  #writeServerText(writer: BatchWriter): void {
    const { spill } = writer;
    const { prints, digits } = this.#format;
    const from = spill.length;
    writeDate(spill, this.#moment);
    if (prints !== 'date') {
      spill.byte(SPACE);
      writeServerClock(spill, this.#moment, digits);
    }
    writer.spilledCell(from);
  }
}
