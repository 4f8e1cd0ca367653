import { comparePositions, type Position } from '@weir/sdk';
import { testSeed } from '@weir/testkit';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { boundaryPosition, chunkPosition, commitPosition, commitVersion, copiesBegun, fileNumber, nextEpoch, parsePosition } from './position.ts';

const parameters = { seed: testSeed, numRuns: 1000 };

const number = fc.oneof(fc.integer({ min: 0, max: 0x7fff_ffff }), fc.integer({ min: 999_990, max: 1_000_010 }), fc.integer({ min: 0, max: 3 }));
const offset = fc.oneof(fc.integer({ min: 0, max: 2 ** 40 }), fc.integer({ min: 0, max: 200 }), fc.integer({ min: 2 ** 32 - 9, max: 2 ** 32 + 9 }));
/** As servers write them, and as they go on behind 999999. */
const place = fc.record({ number, offset }).map((each) => ({ file: `log.bin.${String(each.number).padStart(6, '0')}`, ...each }));
const epoch = fc.integer({ min: 0, max: 2047 });
const count = fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 0xffff_ffff }));

test('boundaries and commits sort by epoch, number of the file, and offset (invariant 2)', () => {
  fc.assert(
    fc.property(epoch, epoch, place, place, (epochA, epochB, a, b) => {
      const expected = Math.sign(epochA - epochB) || Math.sign(a.number - b.number) || Math.sign(a.offset - b.offset);
      expect(comparePositions(commitPosition(epochA, a), commitPosition(epochB, b))).toBe(expected);
      expect(comparePositions(boundaryPosition(epochA, a), boundaryPosition(epochB, b))).toBe(expected);
    }),
    parameters,
  );
});

test('a boundary sorts behind the commits that end there, and before the next, which may start right there', () => {
  fc.assert(
    fc.property(epoch, place, fc.integer({ min: 61, max: 2 ** 33 }), (inEpoch, start, length) => {
      const end = { file: start.file, offset: start.offset + length };
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
    fc.property(epoch, place, count, count, count, count, (inEpoch, at, copyA, copyB, sequenceA, sequenceB) => {
      const a = chunkPosition(inEpoch, at, copyA, sequenceA);
      const b = chunkPosition(inEpoch, at, copyB, sequenceB);
      expect(comparePositions(a, b)).toBe(Math.sign(copyA - copyB) || Math.sign(sequenceA - sequenceB));
      expect(comparePositions(boundaryPosition(inEpoch, at), a)).toBe(-1);
      expect(comparePositions(a, commitPosition(inEpoch, at))).toBe(-1);
    }),
    parameters,
  );
});

test('positions are read as they were made', () => {
  fc.assert(
    fc.property(epoch, place, count, count, (inEpoch, at, copy, sequence) => {
      const parts = { epoch: inEpoch, file: at.number, offset: at.offset, copy: 0 };
      expect(parsePosition(commitPosition(inEpoch, at))).toEqual({ ...parts, ordinal: 1 });
      expect(parsePosition(boundaryPosition(inEpoch, at))).toEqual({ ...parts, ordinal: 0 });
      expect(parsePosition(chunkPosition(inEpoch, at, copy, sequence))).toEqual({ ...parts, ordinal: 0, copy });
    }),
    parameters,
  );
});

test('versions rise with the order of commits, and strictly up to 16 GiB of a file', () => {
  fc.assert(
    fc.property(epoch, epoch, place, place, (epochA, epochB, a, b) => {
      fc.pre(a.number < 2 ** 23 && b.number < 2 ** 23);
      const [first, second] = [commitPosition(epochA, a), commitPosition(epochB, b)];
      const [one, two] = [commitVersion(epochA, a), commitVersion(epochB, b)];
      if (first <= second) expect(one).toBeLessThanOrEqual(two);
      else expect(one).toBeGreaterThanOrEqual(two);
      // Two transactions are 61 bytes apart at least.
      const isFar = a.number !== b.number || epochA !== epochB || Math.abs(a.offset - b.offset) >= 61;
      if (isFar && Math.max(a.offset, b.offset) < 2 ** 34) expect(one).not.toBe(two);
      expect(one).toBeLessThan(2n ** 63n);
    }),
    parameters,
  );
});

test('what begins again lies beyond what any sink has', () => {
  fc.assert(
    fc.property(epoch, epoch, place, place, count, (epochA, epochB, a, b, copy) => {
      const [from, reach] = [boundaryPosition(epochA, a), chunkPosition(epochB, b, copy, 1)];
      const next = boundaryPosition(nextEpoch(from, reach), { file: 'log.000000', offset: 0 });
      expect(comparePositions(next, from)).toBe(1);
      expect(comparePositions(next, reach)).toBe(1);
      expect(chunkPosition(epochB, b, copiesBegun(0, reach) + 1, 1) > reach).toBe(true);
    }),
    parameters,
  );
  expect(nextEpoch(null, null)).toBe(0);
});

test('what is no position is refused', () => {
  const whole = chunkPosition(1, { file: 'log.000002', offset: 157 }, 1, 1);
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.integer({ min: 0, max: whole.length - 1 }).map((end) => whole.slice(0, end))), (text) => {
      // Without its chunk it is a boundary.
      fc.pre(text !== boundaryPosition(1, { file: 'log.000002', offset: 157 }));
      expect(() => parsePosition(text)).toThrow(expect.objectContaining({ code: 'WEIR_MYSQL_CHECKPOINT' }) as Error);
    }),
    parameters,
  );
  for (const damaged of [whole.replace('0001.', '2048.'), whole.replace('.0000000002.', '.2147483648.'), whole.replace(/\.\d{16}\./u, '.9999999999999999.')]) {
    expect(() => parsePosition(damaged), damaged).toThrow(expect.objectContaining({ code: 'WEIR_MYSQL_CHECKPOINT' }) as Error);
  }
});

test('a log without a number, or with one too high for a version, is an error', () => {
  for (const file of ['', 'binlog', 'binlog.', 'binlog.index', 'binlog.2147483648']) {
    expect(() => fileNumber(file), file).toThrow(expect.objectContaining({ code: 'WEIR_BINLOG_DAMAGED' }) as Error);
  }
  const beyond = { file: `binlog.${2 ** 23}`, offset: 4 };
  expect(() => commitVersion(0, beyond)).toThrow(expect.objectContaining({ code: 'WEIR_MYSQL_LOG_SETTINGS' }) as Error);
});
