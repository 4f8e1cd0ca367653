import { testSeed } from '@weir/testkit';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SubtransactionSet } from './subtransaction-set.ts';

test('has what was added, in any order and asked at any time', () => {
  const id = fc.oneof(fc.integer({ min: 0, max: 30 }), fc.integer({ min: 0, max: 0xffff_ffff }));
  const step = fc.record({ add: fc.boolean(), id });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const [set, model] = [new SubtransactionSet(), new Set<number>()];
      for (const { add, id: each } of steps) {
        if (add) {
          set.add(each);
          model.add(each);
        }
        expect(set.has(each)).toBe(model.has(each));
      }
      for (const each of model) expect(set.has(each)).toBe(true);
    }),
    { seed: testSeed, numRuns: 300 },
  );
});
