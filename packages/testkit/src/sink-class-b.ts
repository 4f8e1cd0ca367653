import { expect } from 'vitest';
import { type Checkpoint, type Json, type StagedSession } from '@weir/sdk';
import type { ContractCase } from './contract-case.ts';
import type { DrivenSession } from './driven-session.ts';
import { order, orders, withOrder } from './sink-contract-commits.ts';
import { fenceCases } from './sink-contract-fence.ts';
import type { StagedDriver } from './sink-driver.ts';
import type { SinkHarness } from './sink-harness.ts';

/** Order 1 committed, and behind it a transaction that is staged: order 2 comes, 1 is changed. */
async function withStaged(driver: StagedDriver) {
  const environment = await driver.start();
  const { harness, session, feed, committed } = await withOrder(driver, environment);
  const rows = feed.begin().insert(orders, { id: 2, ...order });
  rows.update(orders, { id: 1, note: 'changed', amount: '2.00', paid: false });
  const next = feed.checkpoint();
  await harness.write(session, rows.build(next));
  return { environment, harness, session, feed, committed, next, staged: await stage(session, next) };
}

/** An intent as it comes back from the store. */
async function stage(session: DrivenSession, checkpoint: Checkpoint): Promise<Json> {
  return JSON.parse(JSON.stringify(await staged(session).stage(checkpoint))) as Json;
}

function staged({ inner }: DrivenSession): StagedSession {
  if (inner.mode !== 'staged') throw new Error('a sink of class B has staged sessions');
  return inner;
}

/** How a call went; of a late one that does not matter, but what it has changed. */
async function outcome(call: Promise<unknown>): Promise<'done' | 'failed'> {
  return await call.then(
    () => 'done',
    () => 'failed',
  );
}

async function expectAt(harness: SinkHarness, session: DrivenSession, checkpoint: Checkpoint): Promise<void> {
  expect(await staged(session).recover()).toEqual(checkpoint);
  expect(await harness.rows(orders)).toEqual(harness.expected(orders));
}

/** Class B: a durable intent first, then an apply that may be repeated. */
export const classBCases: readonly ContractCase<StagedDriver>[] = [
  {
    name: 'what is staged is not there yet: rows and checkpoint are those of before (invariant 3)',
    run: async (driver) => {
      const { harness, session, committed } = await withStaged(driver);
      await using _ = harness;
      await expectAt(harness, session, committed);
    },
  },
  {
    name: 'what is applied is there whole, rows and checkpoint (invariants 3 and 4)',
    run: async (driver) => {
      const { harness, session, next, staged: intent } = await withStaged(driver);
      await using _ = harness;
      await staged(session).apply(intent);
      harness.expectCommitted(next);
      await expectAt(harness, session, next);
    },
  },
  {
    name: 'a session that had its answer lost is followed by one that applies again, and nothing comes twice (invariant 4)',
    run: async (driver) => {
      const { harness, session, next, staged: intent } = await withStaged(driver);
      await using _ = harness;
      await staged(session).apply(intent);
      harness.expectCommitted(next);
      await session[Symbol.asyncDispose]();
      const again = await harness.session();
      for (let i = 0; i < 2; i++) await staged(again).apply(intent);
      await expectAt(harness, again, next);
    },
  },
  {
    name: 'an intent is durable: a session that never saw its batches applies it (invariant 4)',
    run: async (driver) => {
      const { harness, session, committed, next, staged: intent } = await withStaged(driver);
      await using _ = harness;
      await session[Symbol.asyncDispose]();
      const again = await harness.session();
      await expectAt(harness, again, committed);
      await staged(again).apply(intent);
      harness.expectCommitted(next);
      await expectAt(harness, again, next);
    },
  },
  {
    name: 'an intent that the store never got is an orphan: its rows come once, with the intent after it (invariant 4)',
    run: async (driver) => {
      const { harness, session, feed, committed, next } = await withStaged(driver);
      await using _ = harness;
      await session[Symbol.asyncDispose]();
      harness.forget();
      const again = await harness.session();
      await expectAt(harness, again, committed);
      const rows = feed.begin().insert(orders, { id: 2, ...order }).delete(orders, { id: 1 });
      await harness.write(again, rows.build(feed.checkpoint()));
      await harness.commit(again, feed.checkpoint());
      expect(feed.checkpoint().position > next.position).toBe(true);
      await expectAt(harness, again, feed.checkpoint());
    },
  },
  {
    name: 'an apply that stopped half way is completed by the next one (invariants 3 and 4)',
    run: async (driver) => {
      const { environment, harness, session, next, feed, staged: intent } = await withStaged(driver);
      await using _ = harness;
      environment.interruptApply();
      expect(await outcome(staged(session).apply(intent)), 'the driver lets it fail').toBe('failed');
      await session[Symbol.asyncDispose]();
      const again = await harness.session();
      await staged(again).apply(intent);
      harness.expectCommitted(next);
      await expectAt(harness, again, next);
      const rows = feed.begin().delete(orders, { id: 2 });
      await harness.write(again, rows.build(feed.checkpoint()));
      await harness.commit(again, feed.checkpoint());
      await expectAt(harness, again, feed.checkpoint());
    },
  },
  {
    name: 'an intent that is applied late, behind newer ones, takes nothing back (invariant 4)',
    run: async (driver) => {
      const { harness, session, next, feed, staged: intent } = await withStaged(driver);
      await using _ = harness;
      await staged(session).apply(intent);
      harness.expectCommitted(next);
      const rows = feed.begin().update(orders, { id: 1, ...order, note: 'newest' });
      await harness.write(session, rows.delete(orders, { id: 2 }).build(feed.checkpoint()));
      await harness.commit(session, feed.checkpoint());
      await outcome(staged(session).apply(intent));
      await session[Symbol.asyncDispose]();
      await expectAt(harness, await harness.session(), feed.checkpoint());
    },
  },
  {
    name: 'an intent of a fenced session, applied by it, changes nothing (invariant 5)',
    run: async (driver) => {
      const { harness, session: zombie, committed, staged: intent } = await withStaged(driver);
      await using _ = harness;
      const successor = await harness.session();
      await outcome(staged(zombie).apply(intent));
      harness.forget();
      await expectAt(harness, successor, committed);
    },
  },
  {
    name: 'an intent that the successor has applied is not applied again by the zombie (invariants 4 and 5)',
    run: async (driver) => {
      const { harness, session: zombie, feed, next, staged: intent } = await withStaged(driver);
      await using _ = harness;
      const successor = await harness.session();
      await staged(successor).apply(intent);
      harness.expectCommitted(next);
      await harness.write(successor, feed.begin().delete(orders, { id: 2 }).build(feed.checkpoint()));
      await harness.commit(successor, feed.checkpoint());
      await outcome(staged(zombie).apply(intent));
      await expectAt(harness, successor, feed.checkpoint());
    },
  },
  {
    name: 'an intent without rows is one too: an idle source moves on (invariant 1)',
    run: async (driver) => {
      const { harness, session, feed } = await withOrder(driver);
      await using _ = harness;
      feed.begin();
      await staged(session).apply(await stage(session, feed.checkpoint({ idle: true })));
      await expectAt(harness, session, feed.checkpoint({ idle: true }));
    },
  },
  ...fenceCases,
];
