import { describe, expect, test } from 'vitest';
import { BUCKETS } from './verify-digest.ts';
import { DuplicateCounter } from './verify-duplicates.ts';

/** Spreads small numbers over the words of a hash. */
function words(key: number): [number, number] {
  return [Math.imul(key + 1, 0x9e3779b1) >>> 0, Math.imul(key + 1, 0x85ebca77) >>> 0];
}

function count(counter: DuplicateCounter, keys: readonly number[]): { duplicates: number; passes: number } {
  let [duplicates, begin, passes] = [0, 0, 0];
  for (; begin < BUCKETS; passes++) {
    counter.start(begin);
    for (const key of keys) counter.add(...words(key));
    const pass = counter.finish();
    duplicates += pass.duplicates;
    begin = pass.end;
  }
  return { duplicates, passes };
}

const range = (length: number): number[] => Array.from({ length }, (_, key) => key);

describe('DuplicateCounter', () => {
  test('counts each row beyond the first of its key, in one pass when the keys fit', () => {
    const counter = new DuplicateCounter(1 << 16);
    expect(count(counter, [])).toEqual({ duplicates: 0, passes: 1 });
    expect(count(counter, range(1000))).toEqual({ duplicates: 0, passes: 1 });
    expect(count(counter, [...range(1000), 5, 5, 700])).toEqual({ duplicates: 3, passes: 1 });
  });

  test('takes more passes when the keys do not fit, and counts each row once', () => {
    const counter = new DuplicateCounter(100 * 8);
    const { duplicates, passes } = count(counter, [...range(1000), ...range(300), 5]);
    expect(duplicates).toBe(301);
    expect(passes).toBeGreaterThanOrEqual(10);
    expect(passes).toBeLessThan(60);
  });

  test('one key repeated more often than the memory has room is one pass', () => {
    const counter = new DuplicateCounter(64);
    expect(count(counter, Array.from({ length: 10_000 }, () => 7))).toEqual({ duplicates: 9999, passes: 1 });
  });

  test('keys that share one of their words are different keys', () => {
    const counter = new DuplicateCounter(1 << 10);
    counter.start(0);
    counter.add(1, 2);
    counter.add(1, 3);
    counter.add(2, 2);
    counter.add(2, 1);
    expect(counter.finish()).toEqual({ duplicates: 0, end: BUCKETS });
  });
});
