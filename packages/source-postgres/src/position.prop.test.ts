import { comparePositions, packVersion, type Position } from '@weir/sdk';
import { testSeed } from '@weir/testkit';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { boundaryPosition, chunkPosition, commitPosition, positionLsn, readState } from './position.ts';

const parameters = { seed: testSeed, numRuns: 1000 };

const lsn = fc.oneof(
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  fc.bigInt({ min: 0n, max: 40n }),
  fc.bigInt({ min: 2n ** 32n - 20n, max: 2n ** 32n + 20n }),
);
const epoch = fc.integer({ min: 0, max: 2047 });
const count = fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 0xffff_ffff }));

function sign(a: number | bigint, b: number | bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

test('boundaries and commits sort by epoch, then by LSN', () => {
  fc.assert(
    fc.property(epoch, epoch, lsn, lsn, (epochA, epochB, a, b) => {
      const expected = sign(epochA, epochB) || sign(a, b);
      expect(comparePositions(commitPosition(epochA, a), commitPosition(epochB, b))).toBe(expected);
      expect(comparePositions(boundaryPosition(epochA, a), boundaryPosition(epochB, b))).toBe(expected);
    }),
    parameters,
  );
});

test('a boundary sorts behind the commits that end at or before it and before the next, which may start right there', () => {
  fc.assert(
    fc.property(epoch, lsn, fc.bigInt({ min: 1n, max: 1n << 30n }), (inEpoch, start, length) => {
      fc.pre(start + length < 2n ** 64n);
      const end = start + length;
      const order: Position[] = [
        boundaryPosition(inEpoch, start),
        commitPosition(inEpoch, start),
        boundaryPosition(inEpoch, end),
        commitPosition(inEpoch, end),
      ];
      expect(order.toSorted(comparePositions)).toEqual(order);
      expect(new Set(order).size).toBe(4);
    }),
    parameters,
  );
});

test('chunks sort behind the boundary at which they were read, by copy and sequence, and before the next commit', () => {
  fc.assert(
    fc.property(epoch, lsn, count, count, count, count, (inEpoch, at, copyA, copyB, sequenceA, sequenceB) => {
      const a = chunkPosition(inEpoch, at, copyA, sequenceA);
      const b = chunkPosition(inEpoch, at, copyB, sequenceB);
      expect(comparePositions(a, b)).toBe(sign(copyA, copyB) || sign(sequenceA, sequenceB));
      expect(comparePositions(boundaryPosition(inEpoch, at), a)).toBe(-1);
      expect(comparePositions(a, commitPosition(inEpoch, at))).toBe(-1);
    }),
    parameters,
  );
});

test('the LSN comes back from every kind of position', () => {
  fc.assert(
    fc.property(epoch, lsn, count, (inEpoch, at, number) => {
      for (const position of [
        commitPosition(inEpoch, at),
        boundaryPosition(inEpoch, at),
        chunkPosition(inEpoch, at, number, number),
      ]) {
        expect(positionLsn(position)).toBe(at);
        expect(position).toMatch(/^[ -~]+$/);
      }
    }),
    parameters,
  );
});

test('a version can be made of any LSN that a server reaches', () => {
  expect(packVersion(2047, (1n << 52n) - 1n)).toBeLessThan(2n ** 63n);
});

test('positions and states of others are refused with a code', () => {
  const refused = expect.objectContaining({ code: 'WEIR_PG_CHECKPOINT' }) as Error;
  for (const position of ['', 'binlog.000001:4', '0000.00000000000000g0.00000000', '0/16B3748', '0000.0000000000000001']) {
    expect(() => positionLsn(position), position).toThrow(refused);
  }
  for (const state of [
    null,
    {},
    { v: 1, system: '1', tables: [] },
    { v: 2, system: '1', tables: {} },
    { v: 2, tables: [] },
    { v: 2, system: '1' },
    'text',
    7,
  ]) {
    expect(() => readState({ position: '', state }), JSON.stringify(state)).toThrow(refused);
  }
});
