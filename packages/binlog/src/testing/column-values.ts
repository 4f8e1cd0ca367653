import fc from 'fast-check';
import type { BinlogColumn } from '../cells/cell-decoder.ts';
import { MysqlType } from '../cells/mysql-type.ts';
import { column } from './decoded.ts';
import {
  encodeBigEndian,
  encodeBytes,
  encodeDate,
  encodeDatetime2,
  encodeDecimal,
  encodeFloat,
  encodeInteger,
  encodeOldDatetime,
  encodeOldTime,
  encodeTime2,
  encodeTimestamp2,
  type MomentValue,
  type TimeValue,
} from '../encoding/encode-value.ts';

/** A value of a column as the log has it and as a query returns it. */
export interface ColumnValue {
  readonly column: BinlogColumn;
  /** COLUMN_TYPE. */
  readonly sourceType: string;
  readonly logged: Buffer;
  readonly queried: Buffer;
}

const pad = (value: number, width: number): string => String(value).padStart(width, '0');

function fractionText(micros: number, digits: number): string {
  return digits === 0 ? '' : `.${pad(micros, 6).slice(0, digits)}`;
}

const integerTypes = [
  { name: 'tinyint', type: MysqlType.tiny, bytes: 1 },
  { name: 'smallint', type: MysqlType.short, bytes: 2 },
  { name: 'mediumint', type: MysqlType.int24, bytes: 3 },
  { name: 'int', type: MysqlType.long, bytes: 4 },
  { name: 'bigint', type: MysqlType.longlong, bytes: 8 },
] as const;

const integer = fc
  .record({ of: fc.constantFrom(...integerTypes), bits: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), kind: fc.constantFrom('', ' unsigned', ' unsigned zerofill') })
  .map(({ of, bits, kind }): ColumnValue => {
    const unsigned = kind !== '';
    const value = unsigned ? BigInt.asUintN(8 * of.bytes, bits) : BigInt.asIntN(8 * of.bytes, bits);
    const text = kind.endsWith('zerofill') ? String(value).padStart(20, '0') : String(value);
    return {
      column: column(of.type, 0, { unsigned }),
      sourceType: `${of.name}(20)${kind}`,
      logged: encodeInteger(value, of.bytes),
      queried: Buffer.from(text),
    };
  });

const year = fc.oneof(fc.constant(0), fc.integer({ min: 1901, max: 2155 })).map((value): ColumnValue => ({
  column: column(MysqlType.year, 0),
  sourceType: 'year(4)',
  logged: Buffer.from([value === 0 ? 0 : value - 1900]),
  queried: Buffer.from(pad(value, 4)),
}));

const bit = fc
  .integer({ min: 1, max: 64 })
  .chain((bits) => fc.tuple(fc.constant(bits), fc.bigInt({ min: 0n, max: 2n ** BigInt(bits) - 1n })))
  .map(([bits, value]): ColumnValue => {
    const bytes = encodeBigEndian(value, (bits + 7) >> 3);
    return { column: column(MysqlType.bit, (bits % 8) | ((bits >> 3) << 8)), sourceType: `bit(${bits})`, logged: bytes, queried: bytes };
  });

const number = { noNaN: true, noDefaultInfinity: true };
const short = fc.tuple(fc.integer({ min: -10_000_000, max: 10_000_000 }), fc.integer({ min: 0, max: 9 })).map(([value, places]) => value / 10 ** places);

const double = fc.oneof(fc.double(number), short).map((value): ColumnValue => ({
  column: column(MysqlType.double, 8),
  sourceType: 'double',
  logged: encodeFloat(value, 8),
  queried: Buffer.from(Object.is(value, -0) ? '-0' : String(value)),
}));

const float = fc.oneof(fc.float(number), short.map(Math.fround)).map((value): ColumnValue => ({
  column: column(MysqlType.float, 4),
  sourceType: 'float',
  logged: encodeFloat(value, 4),
  // As a DOUBLE, with all of its digits.
  queried: Buffer.from(Object.is(value, -0) ? '-0' : String(value)),
}));

const decimal = fc
  .integer({ min: 1, max: 65 })
  .chain((precision) => fc.tuple(fc.constant(precision), fc.integer({ min: 0, max: Math.min(30, precision) }), fc.bigInt({ min: 0n, max: 10n ** BigInt(precision) - 1n })))
  .chain((of) => fc.tuple(fc.constant(of), fc.boolean(), fc.boolean()))
  .map(([[precision, scale, unscaled], minus, zerofill]): ColumnValue => {
    const negative = minus && !zerofill && unscaled !== 0n;
    const digits = String(unscaled).padStart(zerofill ? precision : scale + 1, '0');
    const whole = digits.slice(0, digits.length - scale) || '0';
    const fraction = scale === 0 ? '' : `.${digits.slice(digits.length - scale)}`;
    return {
      column: column(MysqlType.newDecimal, precision | (scale << 8), { unsigned: zerofill }),
      sourceType: `decimal(${precision},${scale})${zerofill ? ' unsigned zerofill' : ''}`,
      logged: encodeDecimal(negative, String(unscaled), precision, scale),
      queried: Buffer.from(`${negative ? '-' : ''}${whole}${fraction}`),
    };
  });

/** Days of the calendar and others. */
const moment: fc.Arbitrary<MomentValue> = fc.record({
  year: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 9999 })),
  month: fc.integer({ min: 0, max: 12 }),
  day: fc.integer({ min: 0, max: 31 }),
  hour: fc.integer({ min: 0, max: 23 }),
  minute: fc.integer({ min: 0, max: 59 }),
  second: fc.integer({ min: 0, max: 59 }),
  micros: fc.oneof(fc.constant(0), fc.constant(500_000), fc.integer({ min: 0, max: 999_999 })),
});
const digits = fc.integer({ min: 0, max: 6 });

const dateText = ({ year: y, month, day }: MomentValue): string => `${pad(y, 4)}-${pad(month, 2)}-${pad(day, 2)}`;
const clockText = ({ hour, minute, second, micros }: MomentValue | TimeValue, of: number): string =>
  `${pad(hour, 2)}:${pad(minute, 2)}:${pad(second, 2)}${fractionText(micros, of)}`;

const date = moment.map((value): ColumnValue => ({
  column: column(MysqlType.date, 0),
  sourceType: 'date',
  logged: encodeDate(value),
  queried: Buffer.from(dateText(value)),
}));

const datetime = fc.tuple(moment, digits, fc.boolean()).map(([value, fraction, old]): ColumnValue => {
  const of = old ? 0 : fraction;
  return {
    column: old ? column(MysqlType.datetime, 0) : column(MysqlType.datetime2, of),
    sourceType: of === 0 ? 'datetime' : `datetime(${of})`,
    logged: old ? encodeOldDatetime(value) : encodeDatetime2(value, of),
    queried: Buffer.from(`${dateText(value)} ${clockText(value, of)}`),
  };
});

const timestamp = fc
  .tuple(fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 0xffff_ffff })), moment, digits, fc.boolean())
  .map(([seconds, { micros: any }, fraction, old]): ColumnValue => {
    const of = old ? 0 : fraction;
    const micros = seconds === 0 ? 0 : any;
    const text = seconds === 0 ? '0000-00-00 00:00:00' : new Date(seconds * 1000).toISOString().slice(0, 19).replace('T', ' ');
    return {
      column: old ? column(MysqlType.timestamp, 0) : column(MysqlType.timestamp2, of),
      sourceType: of === 0 ? 'timestamp' : `timestamp(${of})`,
      logged: old ? encodeInteger(BigInt(seconds), 4) : encodeTimestamp2(seconds, micros, of),
      queried: Buffer.from(text + fractionText(micros, of)),
    };
  });

const time = fc
  .tuple(moment, fc.integer({ min: 0, max: 838 }), fc.boolean(), digits, fc.boolean())
  .map(([{ minute, second, micros: any }, hour, minus, fraction, old]): ColumnValue => {
    const of = old ? 0 : fraction;
    const micros = hour === 838 ? 0 : Number(pad(any, 6).slice(0, of).padEnd(6, '0'));
    const negative = minus && hour + minute + second + micros > 0;
    const value: TimeValue = { negative, hour, minute, second, micros };
    return {
      column: old ? column(MysqlType.time, 0) : column(MysqlType.time2, of),
      sourceType: of === 0 ? 'time' : `time(${of})`,
      logged: old ? encodeOldTime(value) : encodeTime2(value, of),
      queried: Buffer.from((negative ? '-' : '') + clockText(value, of)),
    };
  });

const text = fc.string({ unit: 'binary', maxLength: 400 }).map((value): ColumnValue => ({
  column: column(MysqlType.varchar, 4000, { collation: 255 }),
  sourceType: 'varchar(1000)',
  logged: encodeBytes(Buffer.from(value), 2),
  queried: Buffer.from(value),
}));

const latin1 = fc.string({ unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)) }).map((value): ColumnValue => {
  // Of latin1's 0x80 to 0x9f most are others than those of Unicode.
  const same = value.replaceAll(/[\u0080-\u009f]/g, '?');
  return {
    column: column(MysqlType.blob, 2, { collation: 8 }),
    sourceType: 'text',
    logged: encodeBytes(Buffer.from(same, 'latin1'), 2),
    queried: Buffer.from(same),
  };
});

const binary = fc.uint8Array({ maxLength: 20 }).map((value): ColumnValue => {
  const padded = Buffer.concat([value, Buffer.alloc(20 - value.length)]);
  let end = padded.length;
  while (end > 0 && padded[end - 1] === 0) end--;
  return {
    column: column(MysqlType.string, MysqlType.string | (20 << 8), { collation: 63 }),
    sourceType: 'binary(20)',
    logged: encodeBytes(padded.subarray(0, end), 1),
    queried: padded,
  };
});

const vector = fc.array(fc.float(number), { maxLength: 5 }).map((values): ColumnValue => {
  const bytes = Buffer.concat(values.map((value) => encodeFloat(value, 4)));
  return { column: column(MysqlType.vector, 4), sourceType: 'vector(5)', logged: encodeBytes(bytes, 4), queried: bytes };
});

const labels = ['a', 'bé', "it's", 'c'];
const anEnum = fc.integer({ min: 0, max: labels.length }).map((value): ColumnValue => ({
  column: column(MysqlType.string, MysqlType.enum | (1 << 8), { collation: 255, values: labels.map((label) => new Uint8Array(Buffer.from(label))) }),
  sourceType: "enum('a','bé','it''s','c')",
  logged: Buffer.from([value]),
  queried: Buffer.from(labels[value - 1] ?? ''),
}));

/** Values of all types that both the log and a query have in a form of their own. */
export const columnValue: fc.Arbitrary<ColumnValue> = fc.oneof(
  integer, year, bit, double, float, decimal, date, datetime, timestamp, time, text, latin1, binary, vector, anEnum,
);
