import { describe, expect, test } from 'vitest';
import { comparePositions, earliestCheckpoint, furthestPosition, type Checkpoint } from './position.ts';

function at(position: string, state: number = 0): Checkpoint {
  return { position, state };
}

describe('comparePositions', () => {
  test('orders bytewise (invariant 2)', () => {
    // As bytes: digits, capitals, small letters; a prefix before what it begins. A locale would mix the letters.
    const ordered = ['', '0', '00', '0000000A/00000001', '0000000A/00000002', '10', '2', 'A', 'Z', 'a', 'b'];
    for (const [i, a] of ordered.entries()) {
      for (const [j, b] of ordered.entries()) {
        expect(Math.sign(comparePositions(a, b))).toBe(Math.sign(i - j));
        expect(Math.sign(comparePositions(a, b))).toBe(Math.sign(Buffer.compare(Buffer.from(a), Buffer.from(b))));
      }
    }
  });
});

describe('earliestCheckpoint', () => {
  test('is the one with the lowest position', () => {
    expect(earliestCheckpoint([at('b'), at('a', 1), at('c')])).toEqual(at('a', 1));
    expect(earliestCheckpoint([at('a')])).toEqual(at('a'));
  });

  test('is null when any is missing: nothing may be forgotten then (invariant 1)', () => {
    expect(earliestCheckpoint([at('a'), null])).toBeNull();
    expect(earliestCheckpoint([null, at('a')])).toBeNull();
    expect(earliestCheckpoint([])).toBeNull();
  });

  test('is the first of several at the same place', () => {
    expect(earliestCheckpoint([at('b'), at('a', 1), at('a', 2)])).toEqual(at('a', 1));
  });
});

describe('furthestPosition', () => {
  test('is the highest of those that there are', () => {
    expect(furthestPosition([at('b'), null, at('c'), at('a')])).toBe('c');
    expect(furthestPosition([null])).toBeNull();
    expect(furthestPosition([])).toBeNull();
  });
});
