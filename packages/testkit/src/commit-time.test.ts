import { expect, test } from 'vitest';
import { commitTimeCell } from './commit-time.ts';

test('a commit time keeps its microseconds and loses trailing zeros, as canonical cells do', () => {
  expect(commitTimeCell(0)).toBe('1970-01-01T00:00:00Z');
  expect(commitTimeCell(1)).toBe('1970-01-01T00:00:00.000001Z');
  expect(commitTimeCell(1_700_000_000_500_000)).toBe('2023-11-14T22:13:20.5Z');
  expect(commitTimeCell(1_700_000_001_000_010)).toBe('2023-11-14T22:13:21.00001Z');
});
