import { testSeed } from '@weir/testkit';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { addInterval, hasInterval, subtractIntervals, type Intervals } from './intervals.ts';

const MOST = 40;
const interval = fc.tuple(fc.nat({ max: MOST }), fc.integer({ min: 1, max: 12 }));
const some = fc.array(interval, { maxLength: 12 });

function intervalsOf(given: readonly (readonly [number, number])[]): Intervals {
  const set: Intervals = [];
  for (const [first, length] of given) addInterval(set, BigInt(first), BigInt(first + length));
  return set;
}

function numbersOf(given: readonly (readonly [number, number])[]): Set<number> {
  return new Set(given.flatMap(([first, length]) => Array.from({ length }, (_, index) => first + index)));
}

/** The numbers of a set, which must be ascending, disjoint and apart. */
function listed(set: Intervals): number[] {
  const numbers: number[] = [];
  for (let at = 0; at < set.length; at += 2) {
    const [first, behind] = [Number(set[at]), Number(set[at + 1])];
    expect(behind).toBeGreaterThan(first);
    if (at > 0) expect(first).toBeGreaterThan(Number(set[at - 1]));
    for (let number = first; number < behind; number++) numbers.push(number);
  }
  return numbers;
}

const ascending = (numbers: Iterable<number>): number[] => [...numbers].sort((a, b) => a - b);

test('intervals hold what a set of numbers would', () => {
  fc.assert(
    fc.property(some, some, interval, (given, others, [first, length]) => {
      const set = intervalsOf(given);
      const numbers = numbersOf(given);
      expect(listed(set)).toEqual(ascending(numbers));
      const asked = Array.from({ length }, (_, index) => first + index);
      expect(hasInterval(set, BigInt(first), BigInt(first + length))).toBe(asked.every((number) => numbers.has(number)));
      const rest = subtractIntervals(set, intervalsOf(others));
      const taken = numbersOf(others);
      expect(listed(rest)).toEqual(ascending([...numbers].filter((number) => !taken.has(number))));
    }),
    { seed: testSeed, numRuns: 1000 },
  );
});
