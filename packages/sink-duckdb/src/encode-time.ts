import { daysFromDate, daysInMonth } from './calendar.ts';
import { ColumnEncoder } from './encode.ts';

const ZERO = 0x30;
const MINUS = 0x2d;
const COLON = 0x3a;
const POINT = 0x2e;
const T = 0x54;
const Z = 0x5a;
const DAY_MICROS = 86_400_000_000;

/** DuckDB's infinities (src/include/duckdb/common/types/date.hpp, timestamp.hpp): the outermost numbers but one. */
export const DATE_INFINITY = 2147483647;
export const TIMESTAMP_INFINITY = 9223372036854775807n;
/** The first timestamp that DuckDB can print, 290309-12-22 (BC). */
const FIRST_TIMESTAMP = -9223372022400000000n;

/** Shared by the encoders of dates and times: they read digits at fixed places and answer NaN for anything else. */
abstract class CalendarEncoder extends ColumnEncoder {
  /** 1 for `infinity`, -1 for `-infinity`, 0 for anything else. */
  protected infinity(start: number, end: number): number {
    const sign = this.data[start] === MINUS ? -1 : 1;
    const first = sign < 0 ? start + 1 : start;
    if (end - first !== 8) return 0;
    for (let i = 0; i < 8; i++) if (this.data[first + i] !== 'infinity'.charCodeAt(i)) return 0;
    return sign;
  }

  /** Days since 1970-01-01 of `[-]YYYY…-MM-DD`; NaN when it is no date. */
  protected days(start: number, end: number): number {
    const { data } = this;
    const negative = data[start] === MINUS;
    const first = negative ? start + 1 : start;
    const yearEnd = end - 6;
    if (yearEnd - first < 4 || yearEnd - first > 7 || data[yearEnd] !== MINUS || data[end - 3] !== MINUS) return Number.NaN;
    let year = 0;
    for (let i = first; i < yearEnd; i++) {
      const digit = data[i]! - ZERO;
      if (!(digit >= 0 && digit <= 9)) return Number.NaN;
      year = year * 10 + digit;
    }
    if (negative) year = -year;
    const month = this.twoDigits(yearEnd + 1);
    const day = this.twoDigits(end - 2);
    if (!(day >= 1 && day <= daysInMonth(year, month))) return Number.NaN;
    return daysFromDate(year, month, day);
  }

  /** Microseconds since midnight of `HH:MM:SS[.f…]`, up to 24:00:00; NaN when it is no time. */
  protected micros(start: number, end: number): number {
    const { data } = this;
    const length = end - start;
    if (length < 8 || length > 15 || data[start + 2] !== COLON || data[start + 5] !== COLON) return Number.NaN;
    const hour = this.twoDigits(start);
    const minute = this.twoDigits(start + 3);
    const second = this.twoDigits(start + 6);
    if (!(hour <= 24 && minute <= 59 && second <= 59)) return Number.NaN;
    let fraction = 0;
    if (length > 8) {
      if (data[start + 8] !== POINT || length === 9) return Number.NaN;
      for (let i = 9; i < 15; i++) {
        const digit = i < length ? data[start + i]! - ZERO : 0;
        if (!(digit >= 0 && digit <= 9)) return Number.NaN;
        fraction = fraction * 10 + digit;
      }
    }
    const micros = ((hour * 60 + minute) * 60 + second) * 1_000_000 + fraction;
    return micros <= DAY_MICROS ? micros : Number.NaN;
  }

  protected twoDigits(at: number): number {
    const tens = this.data[at]! - ZERO;
    const ones = this.data[at + 1]! - ZERO;
    return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : Number.NaN;
  }
}

/** DATE: days since 1970-01-01 as int32. */
export class DateEncoder extends CalendarEncoder {
  protected put(slot: number, start: number, end: number): void {
    const infinity = this.infinity(start, end);
    const days = infinity === 0 ? this.days(start, end) : 0;
    if (!(Math.abs(days) < DATE_INFINITY)) this.refuse();
    this.slots.i32[slot] = infinity === 0 ? days : infinity * DATE_INFINITY;
  }
}

/** TIME: microseconds since midnight as int64. */
export class TimeEncoder extends CalendarEncoder {
  protected put(slot: number, start: number, end: number): void {
    const micros = this.micros(start, end);
    if (Number.isNaN(micros)) this.refuse();
    this.slots.setInt64(slot, micros);
  }
}

/** TIMESTAMP and TIMESTAMP WITH TIME ZONE: microseconds since 1970-01-01T00:00:00 (UTC for the latter) as int64. */
export class TimestampEncoder extends CalendarEncoder {
  readonly #zone: boolean = this.type.storage.kind === 'timestamptz';

  protected put(slot: number, start: number, end: number): void {
    const infinity = this.infinity(start, end);
    if (infinity !== 0) {
      this.slots.i64[slot] = infinity < 0 ? -TIMESTAMP_INFINITY : TIMESTAMP_INFINITY;
      return;
    }
    const { data } = this;
    const last = this.#zone ? end - 1 : end;
    if (this.#zone && data[last] !== Z) this.refuse();
    let separator = start + 10;
    while (separator < last && data[separator] !== T) separator++;
    const days = this.days(start, separator);
    const micros = this.micros(separator + 1, last);
    if (Number.isNaN(days + micros) || micros === DAY_MICROS) this.refuse();
    const total = days * DAY_MICROS + micros;
    if (Number.isSafeInteger(total)) this.slots.setInt64(slot, total);
    else this.slots.i64[slot] = this.#farAway(days, micros);
  }

  /** More than 285 years from 1970 the microseconds no longer fit a double exactly. */
  #farAway(days: number, micros: number): bigint {
    const total = BigInt(days) * BigInt(DAY_MICROS) + BigInt(micros);
    if (total < FIRST_TIMESTAMP || total >= TIMESTAMP_INFINITY) this.refuse();
    return total;
  }
}
