import { WeirError, type Spill } from '@weir/sdk';
import { writeFraction, writePadded, POINT } from './digits.ts';

const DAY_SECONDS = 86_400;

/** A date and time of day, taken apart. One is kept for each column and used for all of its values. */
export class Moment {
  year = 0;
  month = 0;
  day = 0;
  hour = 0;
  minute = 0;
  second = 0;
  /** Digits of the fraction of a second, as a whole number. */
  fraction = 0;

  /** Whether its parts are in their ranges; the date need be none of the calendar. */
  get inRange(): boolean {
    return this.year <= 9999 && this.month <= 12 && this.day <= 31 && this.hour < 24 && this.minute < 60 && this.second < 60;
  }

  /** @param bits of the seconds since 1970 in UTC, an unsigned number of 32 bits */
  setSeconds(bits: number): void {
    const seconds = bits >>> 0;
    const days = (seconds / DAY_SECONDS) | 0;
    const rest = (seconds - days * DAY_SECONDS) | 0;
    this.#setDays(days);
    this.hour = (rest / 3600) | 0;
    this.minute = ((rest / 60) | 0) % 60;
    this.second = rest % 60;
  }

  /** The civil date of a count of days, by years that begin in March, so that a leap day is the last. */
  #setDays(days: number): void {
    const shifted = days + 719_468;
    const era = (shifted / 146_097) | 0;
    const dayOfEra = shifted - era * 146_097;
    const leaps = ((dayOfEra / 1460) | 0) - ((dayOfEra / 36_524) | 0) + ((dayOfEra / 146_096) | 0);
    const yearOfEra = ((dayOfEra - leaps) / 365) | 0;
    const dayOfYear = dayOfEra - (365 * yearOfEra + ((yearOfEra / 4) | 0) - ((yearOfEra / 100) | 0));
    const monthFromMarch = ((5 * dayOfYear + 2) / 153) | 0;
    this.day = dayOfYear - (((153 * monthFromMarch + 2) / 5) | 0) + 1;
    this.month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9;
    this.year = yearOfEra + era * 400 + (this.month <= 2 ? 1 : 0);
  }
}

const HYPHEN = 0x2d;
const COLON = 0x3a;
export const SEPARATOR = 0x54;
export const SPACE = 0x20;

/** Appends `YYYY-MM-DD`. */
export function writeDate(spill: Spill, moment: Moment): void {
  writePadded(spill, moment.year, 4);
  spill.byte(HYPHEN);
  writePadded(spill, moment.month, 2);
  spill.byte(HYPHEN);
  writePadded(spill, moment.day, 2);
}

/** Appends `HH:MM:SS`, with the fraction's digits up to the last that is not 0. */
export function writeClock(spill: Spill, moment: Moment, digits: number): void {
  writeWholeClock(spill, moment);
  writeFraction(spill, moment.fraction, digits);
}

/** Appends `HH:MM:SS` and all digits of the fraction, as the server prints it. */
export function writeServerClock(spill: Spill, moment: Moment, digits: number): void {
  writeWholeClock(spill, moment);
  if (digits === 0) return;
  spill.byte(POINT);
  writePadded(spill, moment.fraction, digits);
}

function writeWholeClock(spill: Spill, { hour, minute, second }: Moment): void {
  writePadded(spill, hour, 2);
  spill.byte(COLON);
  writePadded(spill, minute, 2);
  spill.byte(COLON);
  writePadded(spill, second, 2);
}

/** The error for a date that is no day of the calendar, where those are refused. */
export function zeroDate(column: string): WeirError {
  return new WeirError('WEIR_BINLOG_ZERO_DATE', `${column}: a date that is no day of the calendar`);
}
