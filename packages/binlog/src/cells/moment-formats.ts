import type { MomentFormat } from './datetime-cell.ts';
import type { Moment } from './moment.ts';

/** Bytes of a fraction of so many digits; it counts 10^-2, 10^-4 or 10^-6 s. */
export function fractionSize(digits: number): number {
  return (digits + 1) >> 1;
}

/** The first `digits` of a fraction that is stored with an even number of them, big-endian. */
export function fractionAt(data: Uint8Array, at: number, digits: number): number {
  if (digits === 0) return 0;
  let value = data[at]!;
  if (digits > 2) value = (value << 8) | data[at + 1]!;
  if (digits > 4) value = (value << 8) | data[at + 2]!;
  return digits % 2 === 1 ? (value / 10) | 0 : value;
}

/** Digits that a fraction of so many digits can hold at most, as a number one above. */
export const LIMITS: readonly number[] = [1, 10, 100, 1000, 10_000, 100_000, 1_000_000];

function setClock(moment: Moment, hour: number, minute: number, second: number): void {
  moment.hour = hour;
  moment.minute = minute;
  moment.second = second;
}

/** DATE: three bytes, little-endian: 5 bits of day, 4 of month, the rest the year. */
export const dateFormat: MomentFormat = {
  size: 3,
  prints: 'date',
  digits: 0,
  read(data, at, moment) {
    const value = data[at]! | (data[at + 1]! << 8) | (data[at + 2]! << 16);
    moment.setDate(value >> 9, (value >> 5) & 15, value & 31);
    setClock(moment, 0, 0, 0);
    return true;
  },
};

/** DATETIME before MySQL 5.6: the decimal number YYYYMMDDHHMMSS in eight bytes, little-endian. */
export const oldDatetimeFormat: MomentFormat = {
  size: 8,
  prints: 'timestamp',
  digits: 0,
  read(data, at, moment) {
    const low = (data[at]! | (data[at + 1]! << 8) | (data[at + 2]! << 16) | (data[at + 3]! << 24)) >>> 0;
    const high = data[at + 4]! | (data[at + 5]! << 8) | (data[at + 6]! << 16) | (data[at + 7]! << 24);
    const value = high * 4294967296 + low;
    if (high < 0 || value > 99991231235959) return false;
    const date = (value / 1e6) | 0;
    const time = (value - date * 1e6) | 0;
    moment.setDate((date / 10_000) | 0, ((date / 100) | 0) % 100, date % 100);
    setClock(moment, (time / 10_000) | 0, ((time / 100) | 0) % 100, time % 100);
    moment.fraction = 0;
    return true;
  },
};

/**
 * DATETIME(n) since 5.6: five bytes, big-endian, a sign bit that is always set, 17 bits of year × 13 + month, 5 of day, 5 of hour, 6
 * of minute and of second; then the fraction (MySQL, mysys/my_time.cc, my_datetime_packed_to_binary).
 */
export function datetimeFormat(digits: number): MomentFormat {
  return {
    size: 5 + fractionSize(digits),
    prints: 'timestamp',
    digits,
    read(data, at, moment) {
      const b0 = data[at]!;
      const b2 = data[at + 2]!;
      const b3 = data[at + 3]!;
      const b4 = data[at + 4]!;
      if (b0 < 0x80) return false;
      const months = ((b0 & 0x7f) << 10) | (data[at + 1]! << 2) | (b2 >> 6);
      moment.setDate((months / 13) | 0, months % 13, (b2 >> 1) & 31);
      setClock(moment, ((b2 & 1) << 4) | (b3 >> 4), ((b3 & 15) << 2) | (b4 >> 6), b4 & 63);
      moment.fraction = fractionAt(data, at + 5, digits);
      return moment.fraction < LIMITS[digits]!;
    },
  };
}

/** TIMESTAMP before 5.6: seconds since 1970, four bytes, little-endian; 0 is 0000-00-00 00:00:00. */
export const oldTimestampFormat: MomentFormat = {
  size: 4,
  prints: 'timestamptz',
  digits: 0,
  read(data, at, moment) {
    setTimestamp(moment, data[at]! | (data[at + 1]! << 8) | (data[at + 2]! << 16) | (data[at + 3]! << 24), 0);
    return true;
  },
};

/** TIMESTAMP(n) since 5.6: the seconds big-endian, then the fraction; both 0 is the zero date. */
export function timestampFormat(digits: number): MomentFormat {
  return {
    size: 4 + fractionSize(digits),
    prints: 'timestamptz',
    digits,
    read(data, at, moment) {
      const seconds = (data[at]! << 24) | (data[at + 1]! << 16) | (data[at + 2]! << 8) | data[at + 3]!;
      setTimestamp(moment, seconds, fractionAt(data, at + 4, digits));
      return moment.fraction < LIMITS[digits]!;
    },
  };
}

/** @param seconds the bits of an unsigned number of 32 bits */
function setTimestamp(moment: Moment, seconds: number, fraction: number): void {
  moment.setSeconds(seconds);
  moment.fraction = fraction;
  if (seconds !== 0 || fraction !== 0) return;
  moment.setDate(0, 0, 0);
}
