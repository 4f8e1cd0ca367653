import { describe, expect, it } from 'vitest';
import { float32Text, float64Text } from './float-text.ts';
import { nearestFloat32 } from './float32.ts';

/** As PostgreSQL 18 prints them. */
const float64: readonly [number, string][] = [
  [0, '0'],
  [-0, '-0'],
  [1, '1'],
  [-1.5, '-1.5'],
  [0.1, '0.1'],
  [0.1 + 0.2, '0.30000000000000004'],
  [0.0001, '0.0001'],
  [0.00001, '1e-05'],
  [123456789012345, '123456789012345'],
  [1e15, '1e+15'],
  [1234567890123456, '1.234567890123456e+15'],
  [1e22, '1e+22'],
  // 1e23 lies halfway between two floats, which PostgreSQL does not take though it would read back the same.
  [1e23, '9.999999999999999e+22'],
  [5e-324, '5e-324'],
  [1.7976931348623157e308, '1.7976931348623157e+308'],
  [9007199254740992, '9.007199254740992e+15'],
  [Number.NaN, 'NaN'],
  [Number.NEGATIVE_INFINITY, '-Infinity'],
];

const float32: readonly [number, string][] = [
  [0.1, '0.1'],
  [100000, '100000'],
  [123456, '123456'],
  [1000000, '1e+06'],
  [1234567, '1.234567e+06'],
  [0.0001, '0.0001'],
  [0.00001, '1e-05'],
  [3.4028235e38, '3.4028235e+38'],
  [1e-45, '1e-45'],
  // Two decimals of eight digits are equally near: the even one.
  [-0.000244140625, '-0.00024414062'],
  [22.1015625, '22.101562'],
  // The only decimal of eight digits that fits lies further from the value than one that does not.
  [1.26217744835361889e-29, '1.2621775e-29'],
  [1.54742504910672534e26, '1.5474251e+26'],
  // Rounded to a float64 first it would be the neighbour.
  [7.0385307e-26, '7.038531e-26'],
];

describe('the text of a float', () => {
  it.each(float64)('64: %s is %s', (value, text) => expect(float64Text(value)).toBe(text));
  it.each(float32)('32: %s is %s', (value, text) => expect(float32Text(Math.fround(value))).toBe(text));
});

describe('the float32 of a decimal', () => {
  it('is the nearest, also where a float64 on the way would mislead', () => {
    expect(nearestFloat32('7.038531e-26')).toBe(Math.fround(7.0385307e-26));
    expect(nearestFloat32('-7.038531e-26')).toBe(Math.fround(-7.0385307e-26));
    expect(nearestFloat32('0.1')).toBe(Math.fround(0.1));
    // Halfway between two: the even one.
    expect(nearestFloat32('16777217')).toBe(16777216);
    expect(nearestFloat32('16777219')).toBe(16777220);
    expect(nearestFloat32('16777217.0000001')).toBe(16777218);
  });
});
