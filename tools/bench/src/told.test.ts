import { expect, it } from 'vitest';
import { toldBy } from './told.ts';

const told = { rows: 3, seconds: 1, cpuSeconds: 0.5, peakBytes: 4096 };

it('takes the last line of what a contender prints', () => {
  expect(toldBy({ stdout: `something before\n${JSON.stringify(told)}\n` }, 3)).toEqual(told);
});

it('does not take a contender that brought other than all rows', () => {
  expect(() => toldBy({ stdout: JSON.stringify(told) }, 4)).toThrow('3 of 4 rows were brought');
});
