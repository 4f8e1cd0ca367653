import { describe, expect, test } from 'vitest';
import { errorCodes, type ErrorPolicy } from './error-codes.ts';

const entries = Object.entries<ErrorPolicy>(errorCodes);

describe('errorCodes', () => {
  test.each(entries)('%s is well formed', (code, { exit, policy, remedy }) => {
    // WEIR_<AREA>_<WHAT>; the first three belong to no area.
    expect(code).toMatch(/^WEIR_(INTERNAL|USAGE|COUNTERS|[A-Z0-9]+(_[A-Z0-9]+)+)$/);
    expect([1, 2, 3, 4]).toContain(exit);
    expect(['retry', 'stop', 'stop-at-start']).toContain(policy);
    expect(remedy).toMatch(/^[A-Z].*[.;]$/);
    expect(remedy.length).toBeLessThanOrEqual(160);
  });

  test('a lost position is never retried: that would skip what is lost (invariant 6)', () => {
    const lost = entries.filter(([, { exit }]) => exit === 4);
    expect(lost).not.toEqual([]);
    expect(lost.filter(([, { policy }]) => policy !== 'stop')).toEqual([]);
  });

  test('a wrong configuration is never retried', () => {
    const wrong = entries.filter(([, { exit }]) => exit === 2);
    expect(wrong.map(([code]) => code)).toContain('WEIR_CONFIG_INVALID');
    expect(wrong.filter(([, { policy }]) => policy !== 'stop')).toEqual([]);
  });
});
