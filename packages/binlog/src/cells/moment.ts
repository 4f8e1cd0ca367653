import { WeirError, type Spill } from '@weir/sdk';
import { POINT, digits2, digits4, putWord, writeFraction, writePadded } from './digits.ts';

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

  setDate(year: number, month: number, day: number): void {
    this.year = year;
    this.month = month;
    this.day = day;
  }

  /** @param bits of the seconds since 1970 in UTC, an unsigned number of 32 bits */
  setSeconds(bits: number): void {
    const seconds = bits >>> 0;
    const days = (seconds / DAY_SECONDS) | 0;
    const rest = (seconds - days * DAY_SECONDS) | 0;
    this.setDays(days);
    this.hour = (rest / 3600) | 0;
    this.minute = ((rest / 60) | 0) % 60;
    this.second = rest % 60;
  }

  /** The civil date of a count of days since 1970, by years that begin in March, so that a leap day is the last. */
  setDays(days: number): void {
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
export const Z = 0x5a;

/** Bytes of a date and of a clock, and what is written beyond the clock. */
const DATE_BYTES = 10;
const CLOCK_BYTES = 8;
const BEYOND = 2;

/** `-MM-` of a month. */
function monthWord(month: number): number {
  return HYPHEN | (digits2(month) << 8) | (HYPHEN << 24);
}

/** `YYYY-MM-DD`, where its caller has made room, also for two bytes more. */
export function putDate(into: DataView, at: number, year: number, month: number, day: number): number {
  putWord(into, at, digits4(year));
  putWord(into, at + 4, monthWord(month));
  putWord(into, at + 8, digits2(day));
  return at + DATE_BYTES;
}

/** `HH:MM:SS`, where its caller has made room, also for two bytes more. */
export function putClock(into: DataView, at: number, hour: number, minute: number, second: number): number {
  putWord(into, at, digits2(hour) | (COLON << 16));
  putWord(into, at + 3, digits2(minute) | (COLON << 16));
  putWord(into, at + 6, digits2(second));
  return at + CLOCK_BYTES;
}

/** Appends `YYYY-MM-DD`. */
export function writeDate(spill: Spill, { year, month, day }: Moment): void {
  spill.length = putDate(spill.room(DATE_BYTES + BEYOND), spill.length, year, month, day);
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
  spill.length = putClock(spill.room(CLOCK_BYTES + BEYOND), spill.length, hour, minute, second);
}

/** The error for a date that is no day of the calendar, where those are refused. */
export function zeroDate(column: string): WeirError {
  return new WeirError('WEIR_BINLOG_ZERO_DATE', `${column}: a date that is no day of the calendar`);
}
