import { testSeed } from '@weir/testkit';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cellsOf, column, textOf } from '../testing/decoded.ts';
import { encodeDecimal } from '../encoding/encode-value.ts';
import { MysqlType } from './mysql-type.ts';

const decimal = (precision: number, scale: number) => column(MysqlType.newDecimal, precision | (scale << 8));

describe('a decimal', () => {
  it('has the bytes of the example in the server’s sources', () => {
    // strings/decimal.cc, decimal2bin: 1234567890.1234 as DECIMAL(14, 4).
    expect(textOf(decimal(14, 4), Buffer.from('810dfb38d204d2', 'hex'))).toBe('1234567890.1234');
    expect(textOf(decimal(14, 4), Buffer.from('7ef204c72dfb2d', 'hex'))).toBe('-1234567890.1234');
  });

  it('has all digits of its scale, one before the point, and no sign where it is 0', () => {
    expect(textOf(decimal(5, 2), encodeDecimal(false, '0', 5, 2))).toBe('0.00');
    expect(textOf(decimal(5, 2), encodeDecimal(true, '0', 5, 2))).toBe('0.00');
    expect(textOf(decimal(5, 2), encodeDecimal(true, '5', 5, 2))).toBe('-0.05');
    expect(textOf(decimal(2, 2), encodeDecimal(false, '99', 2, 2))).toBe('0.99');
    expect(textOf(decimal(10, 0), encodeDecimal(false, '700', 10, 0))).toBe('700');
    expect(cellsOf(decimal(5, 2)).type).toEqual({ kind: 'decimal', precision: 5, scale: 2 });
  });

  it('is any of up to 65 digits', () => {
    const shape = fc.integer({ min: 1, max: 65 }).chain((precision) =>
      fc.record({
        precision: fc.constant(precision),
        scale: fc.integer({ min: 0, max: Math.min(30, precision) }),
        // Runs of one digit: groups that are zero, full, or begin with zeros.
        digits: fc
          .oneof(
            fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: precision }).map((each) => each.join('')),
            fc.array(fc.tuple(fc.constantFrom('0', '9', '1'), fc.integer({ min: 1, max: 12 })), { minLength: 1 }).map((runs) => runs.map(([digit, times]) => digit.repeat(times)).join('')),
          )
          .map((digits) => digits.slice(0, precision)),
        negative: fc.boolean(),
      }),
    );
    fc.assert(
      fc.property(shape, ({ precision, scale, digits, negative }) => {
        const unscaled = BigInt(digits).toString().padStart(scale + 1, '0');
        const point = unscaled.length - scale;
        const text = unscaled.slice(0, point) + (scale > 0 ? `.${unscaled.slice(point)}` : '');
        const sign = negative && BigInt(digits) !== 0n ? '-' : '';
        expect(textOf(decimal(precision, scale), encodeDecimal(negative, digits, precision, scale))).toBe(sign + text);
      }),
      { seed: testSeed, numRuns: 1000 },
    );
  });

  it('whose group of digits is too large is damage', () => {
    expect(() => textOf(decimal(9, 0), Buffer.from('bb9aca00', 'hex'))).toThrow(/a group of digits/);
    expect(() => textOf(decimal(11, 2), Buffer.from('80000000ff', 'hex'))).toThrow(/a group of digits/);
  });
});
