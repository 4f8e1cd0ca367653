import fc from 'fast-check';
import { expect, test } from 'vitest';
import { testSeed } from '@weir/testkit';
import { ByteBudget } from './byte-budget.ts';

test('whatever is taken and given back, the bound holds and nobody waits for ever (invariant 8)', async () => {
  const sizes = fc.array(fc.integer({ min: 0, max: 300 }), { minLength: 1, maxLength: 40 });
  const inputs = { sizes, limit: fc.integer({ min: 1, max: 200 }), releases: fc.infiniteStream(fc.nat()) };
  const property = fc.asyncProperty(fc.record(inputs), async ({ sizes: taken, limit, releases }) => {
    const budget = new ByteBudget(limit);
    const { signal } = new AbortController();
    const held: number[] = [];
    let [given, done] = [0, false];
    const taker = (async () => {
      for (const size of taken) {
        await budget.acquire(size, signal);
        held.push(size);
        given++;
      }
      done = true;
    })();
    for (let steps = 0; !done || held.length > 0; steps++) {
      await new Promise<void>((resolve) => setImmediate(resolve));
      expect(budget.used).toBe(held.reduce((sum, size) => sum + size, 0));
      const alone = held.filter((size) => size > 0).length <= 1;
      if (!alone) expect(budget.used).toBeLessThanOrEqual(limit);
      if (!done) expect(held.length, 'somebody waits, so something is held').toBeGreaterThan(0);
      const [gone] = held.splice(releases.next().value % held.length, 1);
      budget.release(gone!);
      expect(steps).toBeLessThan(1000);
    }
    await taker;
    expect([given, budget.used]).toEqual([taken.length, 0]);
  });
  await fc.assert(property, { seed: testSeed, numRuns: 300 });
});
