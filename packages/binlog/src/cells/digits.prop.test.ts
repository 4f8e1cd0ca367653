import { Spill } from '@weir/sdk';
import { testSeed } from '@weir/testkit';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NUMBER_ROOM, putFraction, putNumber, putNumber32, putNumber64, putPadded } from './digits.ts';

const parameters = { seed: testSeed, numRuns: 3000 };
const GUARD = 0xee;

/** What is put, as text. Fails where a byte before it or behind its room is touched. */
function put(write: (into: DataView, at: number) => number): string {
  const bytes = new Uint8Array(NUMBER_ROOM + 2).fill(GUARD);
  const behind = write(new DataView(bytes.buffer), 1);
  expect([bytes[0], bytes[NUMBER_ROOM + 1]]).toEqual([GUARD, GUARD]);
  return Buffer.from(bytes.subarray(1, behind)).toString();
}

const powers = (base: bigint, most: bigint): bigint[] => {
  const all: bigint[] = [];
  for (let power = 1n; power <= most; power *= base) all.push(power);
  return all;
};

/** Numbers up to the largest of so many bits, with many of those where a digit or a word begins. */
function numbers(bits: number): fc.Arbitrary<bigint> {
  const most = 2n ** BigInt(bits) - 1n;
  const edges = [...powers(10n, most), ...powers(2n, most), most].flatMap((each) => [each - 1n, each, each + 1n]);
  const billions = fc.bigInt({ min: 0n, max: most / 1_000_000_000n }).chain((of) => fc.constantFrom(-1n, 0n, 1n).map((by) => of * 1_000_000_000n + by));
  const any = fc.oneof(fc.constantFrom(...edges), fc.bigInt({ min: 0n, max: most }), billions);
  return any.map((value) => (value < 0n ? 0n : value > most ? most : value));
}

/** For all of these numbers the same digits. */
function expectSame<T>(of: fc.Arbitrary<T>, write: (into: DataView, at: number, value: T) => number, text: (value: T) => string): void {
  fc.assert(
    fc.property(of, (value) => {
      expect(put((into, at) => write(into, at, value))).toBe(text(value));
    }),
    parameters,
  );
}

describe('digits are those of BigInt', () => {
  it('of every number up to 20,000', () => {
    const all = Array.from({ length: 20_001 }, (_, value) => value);
    expect(all.filter((value) => put((into, at) => putNumber(into, at, value)) !== String(value))).toEqual([]);
  });

  it('of 31 and 32 bits', () => {
    expectSame(numbers(31), (into, at, value) => putNumber(into, at, Number(value)), String);
    expectSame(numbers(32), (into, at, value) => putNumber32(into, at, Number(value) | 0), String);
  });

  it('of 64 bits', () => {
    const halves = (value: bigint): [number, number] => [Number(value >> 32n) | 0, Number(value & 0xffff_ffffn) | 0];
    expectSame(numbers(64), (into, at, value) => putNumber64(into, at, ...halves(value)), String);
  });

  it('of any width, the last ones of a longer number', () => {
    const of = fc.tuple(numbers(31), fc.integer({ min: 1, max: 9 }));
    expectSame(of, (into, at, [value, width]) => putPadded(into, at, Number(value), width), ([value, width]) => String(value).padStart(width, '0').slice(-width));
  });

  it('of a fraction, up to the last that is not 0', () => {
    const of = fc.integer({ min: 1, max: 9 }).chain((width) => {
      const most = 10 ** width - 1;
      const round = fc.integer({ min: 0, max: width }).chain((zeros) => fc.nat({ max: Math.floor(most / 10 ** zeros) }).map((value) => value * 10 ** zeros));
      return fc.tuple(fc.constant(width), fc.oneof(round, fc.nat({ max: most })));
    });
    const text = ([width, value]: [number, number]): string => `.${String(value).padStart(width, '0')}`.replace(/\.?0*$/, '');
    expectSame(of, (into, at, [width, value]) => putFraction(into, at, value, width), text);
  });
});

describe('room in a spill', () => {
  it('is there, also where the spill has to grow for it', () => {
    const spill = new Spill();
    const values = Array.from({ length: 3000 }, (_, index) => index * 7919);
    for (const value of values) spill.length = putNumber(spill.room(NUMBER_ROOM), spill.length, value);
    expect(Buffer.from(spill.data.subarray(0, spill.length)).toString()).toBe(values.join(''));
  });
});
