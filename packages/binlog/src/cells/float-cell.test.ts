import { float32Text, float64Text } from '@weir/sdk';
import { testSeed } from '@weir/testkit';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cellsOf, column, textOf } from '../testing/decoded.ts';
import { encodeFloat } from '../encoding/encode-value.ts';
import { MysqlType } from './mysql-type.ts';

const float = (value: number): string | null => textOf(column(MysqlType.float, 4), encodeFloat(value, 4));
const double = (value: number): string | null => textOf(column(MysqlType.double, 8), encodeFloat(value, 8));

describe('a float', () => {
  it('has the type of its size', () => {
    expect(cellsOf(column(MysqlType.float, 4)).type).toEqual({ kind: 'float', bits: 32 });
    expect(cellsOf(column(MysqlType.double, 8)).type).toEqual({ kind: 'float', bits: 64 });
  });

  it.each([
    [0, '0', '0'],
    [-0, '-0', '-0'],
    [0.1, '0.1', '0.1'],
    [-1.5, '-1.5', '-1.5'],
    [0.0001, '0.0001', '0.0001'],
    [0.00001, '1e-05', '1e-05'],
    [999_999, '999999', '999999'],
    [1_000_000, '1e+06', '1000000'],
    [1_234_567, '1.234567e+06', '1234567'],
    [8_388_607.5, '8.3886075e+06', '8388607.5'],
    [999_999_999_999_999, '1e+15', '999999999999999'],
    [1e15, '1e+15', '1e+15'],
    [Number.NaN, 'NaN', 'NaN'],
    [Number.NEGATIVE_INFINITY, '-Infinity', '-Infinity'],
  ])('%s is %s of 32 bits and %s of 64', (value, single, full) => {
    expect(float(value)).toBe(single);
    expect(double(value)).toBe(full);
  });

  it('is the canonical text of its value, also where that is written without one', () => {
    const short = fc
      .tuple(fc.integer({ min: -100_000_000, max: 100_000_000 }), fc.integer({ min: 0, max: 12 }))
      .map(([digits, places]) => digits / 10 ** places);
    fc.assert(
      fc.property(fc.oneof(short, fc.double({ noNaN: true })), (value) => {
        expect(double(value)).toBe(float64Text(value));
        expect(float(Math.fround(value))).toBe(float32Text(Math.fround(value)));
      }),
      { seed: testSeed, numRuns: 5000 },
    );
  });
});
