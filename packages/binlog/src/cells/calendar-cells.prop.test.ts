import { testSeed } from '@weir/testkit';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeDate, encodeDatetime2, encodeTimestamp2, type MomentValue } from '../encoding/encode-value.ts';
import { cellsOf, column, decoded } from '../testing/decoded.ts';
import type { CellDecoder } from './cell-decoder.ts';
import { MomentCell } from './datetime-cell.ts';
import { dateFormat, datetimeFormat, timestampFormat } from './moment-formats.ts';
import { MysqlType } from './mysql-type.ts';

const parameters = { seed: testSeed, numRuns: 2000 };
const DAY = 86_400;
const LAST = 0xffff_ffff;

/** The cell as text, `null`, or the error. */
function outcome(decoder: CellDecoder, value: Uint8Array): string {
  try {
    return decoded(decoder, value)?.toString() ?? 'null';
  } catch (error) {
    return String(error);
  }
}

const digits = fc.integer({ min: 0, max: 6 });
const moment: fc.Arbitrary<MomentValue> = fc.record({
  year: fc.oneof(fc.constantFrom(0, 1, 1900, 1999, 2000, 2024, 9999), fc.integer({ min: 0, max: 10_050 })),
  month: fc.oneof(fc.constant(2), fc.integer({ min: 0, max: 12 })),
  day: fc.oneof(fc.constantFrom(28, 29, 30), fc.integer({ min: 0, max: 31 })),
  hour: fc.integer({ min: 0, max: 31 }),
  minute: fc.integer({ min: 0, max: 63 }),
  second: fc.integer({ min: 0, max: 63 }),
  micros: fc.oneof(fc.constantFrom(0, 500_000, 999_999), fc.integer({ min: 0, max: 999_999 })),
});
const anyBytes = (size: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: size, maxLength: size });
/** A value, so often that the one behind it may be of the same day. */
const repeated = <T>(of: fc.Arbitrary<T>): fc.Arbitrary<T[]> =>
  fc.array(fc.tuple(of, fc.integer({ min: 1, max: 2 })), { minLength: 1, maxLength: 6 }).map((all) => all.flatMap(([each, times]) => Array.from({ length: times }, () => each)));

describe('the fast decoders write what those of all dates write, value after value', () => {
  it.each(['null', 'error'] as const)('with zero dates as %s', (zeroDates) => {
    const label = 'column "c"';
    const kinds = digits.chain((of) => {
      const size = (of + 1) >> 1;
      return fc.oneof(
        repeated(fc.oneof(moment.map(encodeDate), anyBytes(3))).map((values) => ({ type: MysqlType.date, meta: 0, format: dateFormat, values })),
        repeated(fc.oneof(moment.map((value) => encodeDatetime2(value, of)), anyBytes(5 + size))).map((values) => ({ type: MysqlType.datetime2, meta: of, format: datetimeFormat(of), values })),
        repeated(anyBytes(4 + size)).map((values) => ({ type: MysqlType.timestamp2, meta: of, format: timestampFormat(of), values })),
      );
    });
    fc.assert(
      fc.property(kinds, ({ type, meta, format, values }) => {
        const fast = cellsOf(column(type, meta), { zeroDates }).decoder;
        expect(fast).not.toBeInstanceOf(MomentCell);
        const reference = new MomentCell(label, format, zeroDates);
        expect(values.map((value) => outcome(fast, value))).toEqual(values.map((value) => outcome(reference, value)));
      }),
      parameters,
    );
  });
});

describe('times are those of Date', () => {
  const iso = (seconds: number): string => new Date(seconds * 1000).toISOString().slice(0, 19);

  it('for the first and last second of a day of each week that a timestamp can be of', () => {
    const { decoder } = cellsOf(column(MysqlType.timestamp2, 0));
    const days = Array.from({ length: Math.ceil(LAST / DAY / 7) }, (_, week) => week * 7);
    const ends = days.flatMap((day) => [day * DAY, Math.min(LAST, day * DAY + DAY - 1)]).slice(1);
    expect(ends.filter((seconds) => outcome(decoder, encodeTimestamp2(seconds, 0, 0)) !== `${iso(seconds)}Z`)).toEqual([]);
  });

  it('for any second and fraction', () => {
    const seconds = fc.oneof(fc.constantFrom(1, DAY - 1, DAY, 951_782_399, 951_782_400, 4_107_542_400, 2 ** 31 - 1, 2 ** 31, LAST), fc.integer({ min: 1, max: LAST }));
    fc.assert(
      fc.property(seconds, digits, moment, (at, of, { micros }) => {
        const fraction = `.${String(micros).padStart(6, '0').slice(0, of)}`.replace(/\.?0*$/, '');
        expect(outcome(cellsOf(column(MysqlType.timestamp2, of)).decoder, encodeTimestamp2(at, micros, of))).toBe(`${iso(at)}${fraction}Z`);
      }),
      parameters,
    );
  });

  it('for any day of the calendar', () => {
    const days = fc.date({ min: new Date('0000-01-01T00:00:00Z'), max: new Date('9999-12-31T23:59:59Z'), noInvalidDate: true });
    fc.assert(
      fc.property(days, (at) => {
        const value = { year: at.getUTCFullYear(), month: at.getUTCMonth() + 1, day: at.getUTCDate(), hour: at.getUTCHours(), minute: at.getUTCMinutes(), second: at.getUTCSeconds(), micros: 0 };
        expect(outcome(cellsOf(column(MysqlType.datetime2, 0)).decoder, encodeDatetime2(value, 0))).toBe(at.toISOString().slice(0, 19));
        expect(outcome(cellsOf(column(MysqlType.date, 0)).decoder, encodeDate(value))).toBe(at.toISOString().slice(0, 10));
      }),
      parameters,
    );
  });
});
