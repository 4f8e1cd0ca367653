import { testSeed } from '@weir/testkit';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cellsOf, column, textOf } from '../testing/decoded.ts';
import { encodeInteger } from '../encoding/encode-value.ts';
import { MysqlType } from './mysql-type.ts';

const types = [
  { type: MysqlType.tiny, bytes: 1, bits: 8 },
  { type: MysqlType.short, bytes: 2, bits: 16 },
  { type: MysqlType.int24, bytes: 3, bits: 32 },
  { type: MysqlType.long, bytes: 4, bits: 32 },
  { type: MysqlType.longlong, bytes: 8, bits: 64 },
] as const;

describe.each(types)('an integer of $bytes bytes', ({ type, bytes, bits }) => {
  const largest = 1n << BigInt(8 * bytes);

  it('is as many bits as sinks have', () => {
    expect(cellsOf(column(type, 0)).type).toEqual({ kind: 'int', bits });
    expect(cellsOf(column(type, 0, { unsigned: true })).type).toEqual({ kind: 'uint', bits });
  });

  it('is written with its digits', () => {
    const edges = [0n, 1n, 9n, 10n, 99n, 100n, 255n, largest / 2n - 1n];
    for (const value of edges.filter((each) => each < largest / 2n)) {
      expect(textOf(column(type, 0), encodeInteger(value, bytes))).toBe(String(value));
      expect(textOf(column(type, 0), encodeInteger(-value - 1n, bytes))).toBe(String(-value - 1n));
    }
    expect(textOf(column(type, 0, { unsigned: true }), encodeInteger(largest - 1n, bytes))).toBe(String(largest - 1n));
  });

  it('is any of its range', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -largest / 2n, max: largest - 1n }), (value) => {
        const unsigned = value >= largest / 2n;
        expect(textOf(column(type, 0, { unsigned }), encodeInteger(value, bytes))).toBe(String(value));
      }),
      { seed: testSeed, numRuns: 500 },
    );
  });
});

describe('64 bits', () => {
  // Where the long division by 10^9 carries from one part into the next.
  const edges = [4_294_967_295n, 4_294_967_296n, 999_999_999_999_999_999n, 1_000_000_000_000_000_000n, 18_446_744_073_709_551_615n];
  it.each([...edges, ...edges.map((each) => each - 1n)])('%s', (value) => {
    expect(textOf(column(MysqlType.longlong, 0, { unsigned: true }), encodeInteger(value, 8))).toBe(String(value));
  });
});

describe('a year', () => {
  it.each([
    [0, '0'],
    [1, '1901'],
    [99, '1999'],
    [124, '2024'],
    [255, '2155'],
  ])('stored as %s is %s', (byte, text) => {
    expect(textOf(column(MysqlType.year, 0), Buffer.from([byte]))).toBe(text);
  });

  it('of two digits is those', () => {
    expect(textOf(column(MysqlType.year, 0), Buffer.from([169]), { sourceType: 'year(2)' })).toBe('69');
    expect(textOf(column(MysqlType.year, 0), Buffer.from([105]), { sourceType: 'year(2)' })).toBe('5');
  });
});

describe('bits', () => {
  it.each([
    [1, [1], '1'],
    [5, [0b10110], '10110'],
    [8, [0x80], '10000000'],
    [9, [1, 0], '100000000'],
    [64, [0xff, 0, 0, 0, 0, 0, 0, 1], `11111111${'0'.repeat(55)}1`],
  ])('bit(%s)', (bits, bytes, text) => {
    const of = column(MysqlType.bit, (bits % 8) | ((bits >> 3) << 8));
    expect(cellsOf(of).type).toEqual({ kind: 'other' });
    expect(textOf(of, Buffer.from(bytes))).toBe(text);
  });

  it('beyond the type are damage', () => {
    expect(() => textOf(column(MysqlType.bit, 5), Buffer.from([0b100000]))).toThrow(/column "c": more bits than the type has/);
  });
});
