import { expect } from 'vitest';
import type { ContractCase } from './contract-case.ts';
import { failure } from './reading.ts';
import { order, orders, withOrder } from './sink-contract-commits.ts';
import type { SinkDriver } from './sink-driver.ts';

async function expectFenced(call: Promise<unknown>): Promise<void> {
  expect((await failure(call)).code).toMatch(/_FENCED$/);
}

/** What classes A and B have in common: a zombie, a writer that wakes when another has taken its place. */
export const fenceCases: readonly ContractCase<SinkDriver>[] = [
  {
    name: 'a fenced session commits nothing of what it wrote before, or later (invariant 5)',
    run: async (driver) => {
      const { harness, session: zombie, feed, committed } = await withOrder(driver);
      await using _ = harness;
      await zombie.write(feed.begin().insert(orders, { id: 66, ...order }).build(null));
      const successor = await harness.session();
      expect(await successor.recover()).toEqual(committed);
      await expectFenced(zombie.commit({ position: '9', state: 'zombie' }));
      await zombie[Symbol.asyncDispose]();
      expect(await successor.recover()).toEqual(committed);
      expect(await harness.rows(orders)).toEqual(harness.expected(orders));
    },
  },
  {
    name: 'a fenced session commits nothing that it began after it was fenced (invariant 5)',
    run: async (driver) => {
      const { harness, session: zombie, feed, committed } = await withOrder(driver);
      await using _ = harness;
      const successor = await harness.session();
      const late = feed.begin().insert(orders, { id: 66, ...order }).build(null);
      // A sink may find out as early as when it begins.
      await expectFenced(zombie.write(late).then(() => zombie.commit({ position: '9', state: 'zombie' })));
      await zombie[Symbol.asyncDispose]();
      expect(await successor.recover()).toEqual(committed);
      expect(await harness.rows(orders)).toEqual(harness.expected(orders));
    },
  },
  {
    name: 'a fenced session reads no checkpoint: what its successor commits is not its own to go on from (invariant 5)',
    run: async (driver) => {
      const { harness, session: zombie, committed } = await withOrder(driver);
      await using _ = harness;
      const successor = await harness.session();
      await expectFenced(zombie.recover());
      expect(await successor.recover()).toEqual(committed);
    },
  },
  {
    name: 'a fenced session without rows to write is refused as well (invariant 5)',
    run: async (driver) => {
      const { harness, session: zombie, feed, committed } = await withOrder(driver);
      await using _ = harness;
      const successor = await harness.session();
      await expectFenced(zombie.commit({ position: '9', state: 'zombie' }));
      expect(await successor.recover()).toEqual(committed);
      const rows = feed.begin().insert(orders, { id: 2, ...order });
      await harness.write(successor, rows.build(feed.checkpoint()));
      await harness.commit(successor, feed.checkpoint());
      await expectFenced(zombie.commit({ position: '99', state: 'zombie' }));
      expect(await successor.recover()).toEqual(feed.checkpoint());
      expect(await harness.rows(orders)).toEqual(harness.expected(orders));
    },
  },
];
