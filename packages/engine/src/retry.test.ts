import { describe, expect, test } from 'vitest';
import { WeirError } from '@weir/sdk';
import { ManualClock, testSeed } from '@weir/testkit';
import { RetryBudget, type RetryPolicy } from './retry.ts';

const policy: RetryPolicy = { firstDelayMs: 100, maxDelayMs: 10_000, budgetMs: 60_000 };
const passing = new WeirError('WEIR_PG_CONNECTION_LOST', 'cut');
const lasting = new WeirError('WEIR_PG_SLOT_LOST', 'gone');

describe('RetryBudget', () => {
  test('waits double from the first delay up to the longest, each between half of it and all of it', () => {
    const ceilings = [100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000];
    const seen = ceilings.map(() => ({ least: Infinity, most: 0 }));
    for (let run = 0; run < 500; run++) {
      const retry = new RetryBudget(policy, new ManualClock({ seed: testSeed + run }));
      ceilings.forEach((ceiling, index) => {
        const delay = retry.delayAfter(passing)!;
        expect(delay).toBeGreaterThanOrEqual(ceiling / 2);
        expect(delay).toBeLessThan(ceiling);
        const range = seen[index]!;
        range.least = Math.min(range.least, delay);
        range.most = Math.max(range.most, delay);
      });
    }
    seen.forEach(({ least, most }, index) => {
      expect(least, 'the jitter reaches the lower half').toBeLessThan(ceilings[index]! * 0.55);
      expect(most, 'and the upper').toBeGreaterThan(ceilings[index]! * 0.95);
    });
  });

  test('does not overflow after very many attempts', () => {
    const retry = new RetryBudget({ ...policy, maxDelayMs: 1000 }, new ManualClock());
    for (let i = 0; i < 3000; i++) expect(retry.delayAfter(passing)).toBeLessThan(1000);
  });

  test('an error that a person has to mend is not tried again', () => {
    const retry = new RetryBudget(policy, new ManualClock());
    expect(retry.delayAfter(lasting)).toBeNull();
    expect(retry.attempt).toBe(1);
  });

  test('an error of the configuration is tried again once the pipeline has been open: then somebody changed something', () => {
    const retry = new RetryBudget(policy, new ManualClock());
    const refused = new WeirError('WEIR_PG_AUTH', 'password authentication failed');
    expect(refused.policy.policy).toBe('stop-at-start');
    expect(retry.delayAfter(refused)).toBeNull();
    retry.opened();
    expect(retry.delayAfter(refused)).not.toBeNull();
    expect([retry.mayPass(refused), retry.mayPass(passing), retry.mayPass(lasting)]).toEqual([true, true, false]);
  });

  test('gives up when there was no progress for as long as the budget', async () => {
    const clock = new ManualClock();
    const retry = new RetryBudget(policy, clock);
    expect(retry.delayAfter(passing)).not.toBeNull();
    await clock.advance(59_999);
    expect(retry.delayAfter(passing)).not.toBeNull();
    await clock.advance(1);
    expect(retry.delayAfter(passing)).toBeNull();
    expect([retry.attempt, retry.failingForMs]).toEqual([4, 60_000]);
  });

  test('progress gives the budget back and starts with the first delay again', async () => {
    const clock = new ManualClock();
    const retry = new RetryBudget(policy, clock);
    for (let i = 0; i < 5; i++) retry.delayAfter(passing);
    await clock.advance(59_000);
    retry.progressed();
    expect([retry.attempt, retry.failingForMs]).toEqual([1, 0]);
    expect(retry.delayAfter(passing)).toBeLessThan(100);
    await clock.advance(59_000);
    expect(retry.delayAfter(passing)).not.toBeNull();
  });

  test('so does an attempt that ran well for longer than the longest wait, and a shorter one does not', () => {
    const retry = new RetryBudget(policy, new ManualClock());
    for (let i = 0; i < 5; i++) retry.delayAfter(passing);
    retry.ranQuietly(10_000);
    expect(retry.attempt).toBe(6);
    retry.ranQuietly(10_001);
    expect(retry.attempt).toBe(1);
  });
});
