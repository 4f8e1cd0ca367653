import { Spill, float32Text, float64Text } from '@weir/sdk';
import { testSeed } from '@weir/testkit';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { writeFloat32, writeFloat64 } from './float-cell.ts';

const parameters = { seed: testSeed, numRuns: 10_000 };

const spill = new Spill();
const written = (write: (to: Spill) => void): string => {
  spill.length = 0;
  write(spill);
  return Buffer.from(spill.data.subarray(0, spill.length)).toString();
};
const expectSame64 = (value: number): void => expect(written((to) => writeFloat64(to, value))).toBe(float64Text(value));
const expectSame32 = (value: number): void => expect(written((to) => writeFloat32(to, value))).toBe(float32Text(value));

const float64 = new Float64Array(1);
const bits64 = new BigInt64Array(float64.buffer);
const float32 = new Float32Array(1);
const bits32 = new Int32Array(float32.buffer);

/** The number so many steps further, among those of its size. */
function stepped64(value: number, steps: number): number {
  float64[0] = value;
  bits64[0]! += BigInt(steps);
  return float64[0];
}

function stepped32(value: number, steps: number): number {
  float32[0] = value;
  bits32[0]! += steps;
  return float32[0];
}

/** Numbers of few digits, of as many as there are, and beside those where the text takes another form. */
const decimal = fc.tuple(fc.bigInt({ min: 0n, max: 10n ** 18n }), fc.integer({ min: 0, max: 18 }), fc.integer({ min: -6, max: 18 })).map(
  ([digits, less, exponent]) => Number(`${digits / 10n ** BigInt(less)}e${exponent + less - 18}`),
);
const sign = fc.constantFrom(1, -1);
const steps = fc.integer({ min: -3, max: 3 });
const roundNumber = fc.oneof(
  fc.integer({ min: -6, max: 18 }).map((exponent) => Number(`1e${exponent}`)),
  fc.integer({ min: -20, max: 60 }).map((exponent) => 2 ** exponent),
  fc.integer({ min: -6, max: 18 }).chain((exponent) => fc.integer({ min: 1, max: 99 }).map((digits) => Number(`${digits}e${exponent}`))),
);
/** Any bits of the fraction, between 2^-16 and 2^54. */
const mantissa = fc.tuple(fc.integer({ min: -16, max: 54 }), fc.double({ min: 1, max: 2, maxExcluded: true, noNaN: true })).map(([exponent, of]) => of * 2 ** exponent);

describe('a float is written as the canonical text of the SDK has it (invariant 9)', () => {
  const value = fc.tuple(fc.oneof(decimal, roundNumber, mantissa, fc.double()), steps, sign);

  it('of 64 bits', () => {
    fc.assert(
      fc.property(value, ([of, by, negative]) => {
        expectSame64(negative * of);
        if (of > 0 && Number.isFinite(of)) expectSame64(negative * stepped64(of, by));
      }),
      parameters,
    );
  });

  it('of 32 bits', () => {
    fc.assert(
      fc.property(value, ([of, by, negative]) => {
        const single = Math.fround(of);
        expectSame32(negative * single);
        if (single > 0 && Number.isFinite(single)) expectSame32(negative * stepped32(single, by));
      }),
      { ...parameters, numRuns: 4000 },
    );
  });

  it.each([0, -0, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.MIN_VALUE, Number.MAX_VALUE, 1 / 3, 0.1 + 0.2, 9_999_999_999_999.998, 999_999_999_999_999.9])(
    '%s',
    (of) => {
      expectSame64(of);
      expectSame32(Math.fround(of));
    },
  );
});
