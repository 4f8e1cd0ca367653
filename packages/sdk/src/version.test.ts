import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { packVersion, unpackVersion } from './version.ts';

const MAX_ORDER = 2n ** 52n - 1n;
const seed = Number(process.env['WEIR_SEED'] ?? Date.now() % 2 ** 31);
console.info(`version.test.ts: WEIR_SEED=${seed}`);

const parts = fc.record({ epoch: fc.integer({ min: 0, max: 2047 }), order: fc.bigInt({ min: 0n, max: MAX_ORDER }) });

describe('packVersion', () => {
  test('orders by epoch, then by order', () => {
    const property = fc.property(parts, parts, (a, b) => {
      const before = a.epoch < b.epoch || (a.epoch === b.epoch && a.order < b.order);
      expect(packVersion(a.epoch, a.order) < packVersion(b.epoch, b.order)).toBe(before);
    });
    fc.assert(property, { seed, numRuns: 500 });
    expect(packVersion(3, MAX_ORDER) < packVersion(4, 0n)).toBe(true);
  });

  test('is undone by unpackVersion', () => {
    const property = fc.property(parts, ({ epoch, order }) => {
      expect(unpackVersion(packVersion(epoch, order))).toEqual({ epoch, order });
    });
    fc.assert(property, { seed, numRuns: 500 });
  });

  test('stays below 2^63, the greatest external version of a search index', () => {
    expect(packVersion(0, 0n)).toBe(0n);
    expect(packVersion(2047, MAX_ORDER)).toBe(2n ** 63n - 1n);
  });

  test('refuses parts that do not fit', () => {
    for (const order of [-1n, MAX_ORDER + 1n]) expect(() => packVersion(0, order)).toThrow(RangeError);
    for (const epoch of [-1, 2048, 0.5, Number.NaN, Infinity]) expect(() => packVersion(epoch, 0n)).toThrow(RangeError);
  });
});
