import { expect, test } from 'vitest';
import { closingLine, single, slowest, total } from './tally.ts';

test('the last line counts passed and failed, and skipped where something was', () => {
  const unit = { name: 'unit', passed: 40, failed: 2, skipped: 0, notes: [] };
  expect(closingLine(total([single('lint', null), single('types', 'tsc ended with exit code 1'), unit]))).toBe(
    '41 passed, 3 failed',
  );
  expect(closingLine(total([{ ...unit, skipped: 3 }]))).toBe('40 passed, 2 failed, 3 skipped');
});

test('a run of nothing has failed', () => {
  expect(total([])).toEqual({ name: 'all', passed: 0, failed: 1, skipped: 0, notes: ['nothing ran'] });
  expect(total([{ name: 'unit', passed: 0, failed: 0, skipped: 5, notes: [] }]).failed).toBe(1);
});

test('the files that took longest come first, with the part that is not the usual one', () => {
  const outcome = { name: 'unit', passed: 1, failed: 0, skipped: 0, notes: [] };
  const times = [
    { ...outcome, times: [{ file: 'a', ms: 1_500 }, { file: 'b', ms: 20 }] },
    { ...outcome, name: 'postgres 15', times: [{ file: 'c', ms: 61_000 }] },
    single('lint', null),
  ];
  expect(slowest(times, 2)).toEqual(['    61.0 s  c (postgres 15)', '     1.5 s  a']);
});
