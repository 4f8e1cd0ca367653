import { describe, expect, it } from 'vitest';
import { cellsOf, column, textOf } from '../testing/decoded.ts';
import {
  encodeDate,
  encodeDatetime2,
  encodeInteger,
  encodeOldDatetime,
  encodeOldTime,
  encodeTime2,
  encodeTimestamp2,
  type MomentValue,
} from '../encoding/encode-value.ts';
import { MysqlType } from './mysql-type.ts';

const day: MomentValue = { year: 2024, month: 2, day: 29, hour: 12, minute: 34, second: 56, micros: 500_000 };
const zero: MomentValue = { year: 0, month: 0, day: 0, hour: 0, minute: 0, second: 0, micros: 0 };
const date = column(MysqlType.date, 0);
const datetime = (digits: number) => column(MysqlType.datetime2, digits);
const timestamp = (digits: number) => column(MysqlType.timestamp2, digits);

describe('a date', () => {
  it('is ISO 8601', () => {
    expect(cellsOf(date).type).toEqual({ kind: 'date' });
    expect(textOf(date, encodeDate(day))).toBe('2024-02-29');
    expect(textOf(date, encodeDate({ ...day, year: 9999, month: 12, day: 31 }))).toBe('9999-12-31');
    expect(textOf(date, encodeDate({ ...day, year: 1, month: 1, day: 1 }))).toBe('0001-01-01');
  });
});

describe('a date that is no day of the calendar', () => {
  const values = [zero, { ...day, month: 0 }, { ...day, day: 0 }, { ...day, month: 2, day: 31 }, { ...day, year: 2023 }];

  it.each(values)('$year-$month-$day is NULL, an error or text, as is configured', (value) => {
    const text = `${String(value.year).padStart(4, '0')}-${String(value.month).padStart(2, '0')}-${String(value.day).padStart(2, '0')}`;
    expect(textOf(date, encodeDate(value))).toBeNull();
    expect(() => textOf(date, encodeDate(value), { zeroDates: 'error' })).toThrow(
      expect.objectContaining({ code: 'WEIR_BINLOG_ZERO_DATE', message: 'column "c": a date that is no day of the calendar' }),
    );
    expect(textOf(date, encodeDate(value), { zeroDates: 'text' })).toBe(text);
    expect(textOf(datetime(0), encodeDatetime2(value, 0))).toBeNull();
  });

  it('makes a column of strings where it is text', () => {
    expect(cellsOf(date, { zeroDates: 'text' })).toMatchObject({ type: { kind: 'string' }, mayBecomeNull: false });
    expect(cellsOf(date, { zeroDates: 'null' })).toMatchObject({ type: { kind: 'date' }, mayBecomeNull: true });
    expect(cellsOf(date, { zeroDates: 'error' })).toMatchObject({ type: { kind: 'date' }, mayBecomeNull: false });
    expect(textOf(datetime(6), encodeDatetime2(day, 6), { zeroDates: 'text' })).toBe('2024-02-29 12:34:56.500000');
    expect(textOf(datetime(3), encodeDatetime2(zero, 3), { zeroDates: 'text' })).toBe('0000-00-00 00:00:00.000');
    expect(textOf(timestamp(0), encodeTimestamp2(0, 0, 0), { zeroDates: 'text' })).toBe('0000-00-00 00:00:00');
  });

  it('is a timestamp of 0 seconds', () => {
    expect(textOf(timestamp(6), encodeTimestamp2(0, 0, 6))).toBeNull();
    expect(textOf(column(MysqlType.timestamp, 0), encodeInteger(0n, 4))).toBeNull();
  });
});

describe('a datetime', () => {
  it.each([
    [0, '2024-02-29T12:34:56'],
    [1, '2024-02-29T12:34:56.5'],
    [2, '2024-02-29T12:34:56.5'],
    [3, '2024-02-29T12:34:56.5'],
    [6, '2024-02-29T12:34:56.5'],
  ])('of %s digits has those of its fraction that are not 0 at the end', (digits, text) => {
    expect(cellsOf(datetime(digits)).type).toEqual({ kind: 'timestamp' });
    expect(textOf(datetime(digits), encodeDatetime2(day, digits))).toBe(text);
  });

  it('has microseconds', () => {
    expect(textOf(datetime(6), encodeDatetime2({ ...day, micros: 1 }, 6))).toBe('2024-02-29T12:34:56.000001');
    expect(textOf(datetime(5), encodeDatetime2({ ...day, micros: 123_450 }, 5))).toBe('2024-02-29T12:34:56.12345');
    expect(textOf(datetime(4), encodeDatetime2({ ...day, micros: 0 }, 4))).toBe('2024-02-29T12:34:56');
  });

  it('is a set sign bit, 17 bits of months, 5 of day, 5 of hour, 6 of minute and second, and the fraction', () => {
    expect(textOf(datetime(2), Buffer.from('998caafb514c', 'hex'))).toBe('2012-06-21T15:45:17.76');
  });

  it('before MySQL 5.6 is a decimal number', () => {
    expect(textOf(column(MysqlType.datetime, 0), encodeOldDatetime(day))).toBe('2024-02-29T12:34:56');
    expect(textOf(column(MysqlType.datetime, 0), encodeOldDatetime(zero))).toBeNull();
    expect(() => textOf(column(MysqlType.datetime, 0), encodeInteger(20240229246060n, 8))).toThrow(/out of its range/);
    expect(() => textOf(column(MysqlType.datetime, 0), Buffer.alloc(8, 0xff))).toThrow(/out of its range/);
  });

  it('with a part out of its range is damage', () => {
    expect(() => textOf(datetime(0), encodeDatetime2({ ...day, hour: 24 }, 0))).toThrow(/out of its range/);
    expect(() => textOf(datetime(0), encodeDatetime2({ ...day, second: 60 }, 0))).toThrow(/out of its range/);
    expect(() => textOf(datetime(2), Buffer.concat([encodeDatetime2(day, 0), Buffer.from([100])]))).toThrow(/out of its range/);
    expect(() => textOf(datetime(0), Buffer.alloc(5))).toThrow(/out of its range/);
  });
});

describe('a timestamp', () => {
  it.each([
    [1, '1970-01-01T00:00:01Z'],
    [951_827_696, '2000-02-29T12:34:56Z'],
    [2_147_483_647, '2038-01-19T03:14:07Z'],
    [4_294_967_295, '2106-02-07T06:28:15Z'],
  ])('of %s seconds is %s', (seconds, text) => {
    expect(cellsOf(timestamp(0)).type).toEqual({ kind: 'timestamptz' });
    expect(textOf(timestamp(0), encodeTimestamp2(seconds, 0, 0))).toBe(text);
    expect(textOf(column(MysqlType.timestamp, 0), encodeInteger(BigInt(seconds), 4))).toBe(text);
    expect(textOf(timestamp(3), encodeTimestamp2(seconds, 120_000, 3))).toBe(text.replace('Z', '.12Z'));
  });
});

describe('a time', () => {
  const time = (digits: number) => column(MysqlType.time2, digits);
  const largest = { negative: true, hour: 838, minute: 59, second: 59, micros: 0 };

  it.each([
    [{ ...largest, hour: 0, minute: 0, second: 0 }, 0, 'PT0S'],
    [largest, 0, 'PT-838H-59M-59S'],
    [{ ...largest, negative: false }, 0, 'PT838H59M59S'],
    [{ ...largest, hour: 0, minute: 0, second: 0, micros: 500_000 }, 1, 'PT-0.5S'],
    [{ ...largest, hour: 0, minute: 0, second: 0, micros: 10_000 }, 2, 'PT-0.01S'],
    [{ ...largest, hour: 100, minute: 0, second: 1, micros: 999_900 }, 4, 'PT-100H-1.9999S'],
    [{ ...largest, hour: 0, minute: 1, second: 0, micros: 1 }, 6, 'PT-1M-0.000001S'],
    [{ ...largest, negative: false, hour: 0, minute: 1, second: 0, micros: 0 }, 6, 'PT1M'],
  ])('%s of %s digits is %s', (value, digits, text) => {
    expect(cellsOf(time(digits)).type).toEqual({ kind: 'interval' });
    expect(textOf(time(digits), encodeTime2(value, digits))).toBe(text);
  });

  it('has the bytes of the server’s own comments', () => {
    // sql-common/my_time.cc: '-00:00:00.01' is stored as 7FFFFF.FF in TIME(2).
    expect(textOf(time(2), Buffer.from('7fffffff', 'hex'))).toBe('PT-0.01S');
    expect(textOf(time(2), Buffer.from('7fffff00', 'hex'))).toBe('PT-1S');
    expect(textOf(time(2), Buffer.from('7ffffeff', 'hex'))).toBe('PT-1.01S');
    expect(textOf(time(2), Buffer.from('80000000', 'hex'))).toBe('PT0S');
  });

  it('before MySQL 5.6 is a decimal number', () => {
    const old = column(MysqlType.time, 0);
    expect(textOf(old, encodeOldTime(largest))).toBe('PT-838H-59M-59S');
    expect(textOf(old, encodeOldTime({ ...largest, negative: false, hour: 1, minute: 0, second: 0 }))).toBe('PT1H');
    expect(() => textOf(old, encodeInteger(8_390_000n, 3))).toThrow(/out of its range/);
  });

  it('with a fraction in the format of MariaDB 5.3 is refused, since the log does not say its length', () => {
    expect(() => cellsOf(column(MysqlType.time, 0), { sourceType: 'time(2) /* mariadb-5.3 */' })).toThrow(
      expect.objectContaining({ code: 'WEIR_BINLOG_UNSUPPORTED' }),
    );
    expect(() => cellsOf(column(MysqlType.datetime, 0), { sourceType: 'datetime(6)' })).toThrow(/format of MariaDB 5.3/);
    expect(textOf(column(MysqlType.time, 0), encodeOldTime(largest), { sourceType: 'time /* mariadb-5.3 */' })).toBe(
      'PT-838H-59M-59S',
    );
  });
});
