import { describe, expect, it } from 'vitest';
import { unchanged, type Checkpoint, type Json, type RowValues, type Shard, type Table } from '@weir/sdk';
import type { DrivenSession } from './driven-session.ts';
import { linesTable, ordersTable } from './sink-contract-tables.ts';
import type { SinkDriver, SinkEnvironment } from './sink-driver.ts';
import { Feed, SinkHarness } from './sink-harness.ts';

export const orders: Table = ordersTable();
export const order: RowValues = { note: 'a note', amount: '1.00', paid: true };

/** A sink that holds order 1, and what it takes to go on. */
interface CommittedOrder {
  readonly harness: SinkHarness;
  readonly session: DrivenSession;
  readonly feed: Feed;
  readonly committed: Checkpoint;
}

/** Order 1, committed. */
export async function withOrder(driver: SinkDriver, environment?: SinkEnvironment): Promise<CommittedOrder> {
  const harness = SinkHarness.at(environment ?? (await driver.start()), driver);
  const session = await harness.session();
  const feed = new Feed();
  const rows = feed
    .begin()
    .schemaChange({ table: orders, change: 'create' })
    .insert(orders, { id: 1, ...order });
  await harness.write(session, rows.build(feed.checkpoint()));
  await harness.commit(session, feed.checkpoint());
  return { harness, session, feed, committed: feed.checkpoint() };
}

/** Classes A and B: the checkpoint is the sink's own, and what is not committed is not there. */
export function describeCommits(driver: SinkDriver): void {
  describe('commits', () => {
    it('give the checkpoint back: none at first, then the last, also after a restart (invariant 4)', async () => {
      await using harness = await SinkHarness.start(driver);
      const feed = new Feed();
      const chunk = { after: null, upTo: ['9007199254740993', 'ä"\\'] };
      const state: Json = { slot: "it's", chunks: [chunk], n: 1.5, empty: {} };
      const first = await harness.session();
      expect(await first.recover()).toBeNull();
      const rows = feed
        .begin()
        .schemaChange({ table: orders, change: 'create' })
        .insert(orders, { id: 1, ...order });
      await harness.write(first, rows.build(feed.checkpoint(state)));
      expect(await first.recover()).toBeNull();
      await harness.commit(first, feed.checkpoint(state));
      expect(await first.recover()).toEqual(feed.checkpoint(state));
      await first[Symbol.asyncDispose]();
      const second = await harness.session();
      expect(await second.recover()).toEqual(feed.checkpoint(state));
    });

    it('of a checkpoint without rows are commits too, whether the state changes or not', async () => {
      const { harness, session, feed } = await withOrder(driver);
      await using _ = harness;
      const state: Json = { at: 1 };
      const checkpoints: Checkpoint[] = [];
      for (const next of [state, state, { at: 2 }, state, null]) {
        feed.begin();
        checkpoints.push(feed.checkpoint(next));
      }
      for (const checkpoint of checkpoints) {
        await harness.commit(session, checkpoint);
        expect(await session.recover()).toEqual(checkpoint);
      }
      await session[Symbol.asyncDispose]();
      expect(await (await harness.session()).recover()).toEqual(checkpoints.at(-1));
      expect(await harness.rows(orders)).toEqual(harness.expected(orders));
    });

    it('alone make rows visible: not a batch that ends in a transaction (invariant 3)', async () => {
      const { harness, session, feed } = await withOrder(driver);
      await using _ = harness;
      const rows = feed.begin();
      for (let id = 2; id <= 20_000; id++) {
        rows.insert(orders, { id, ...order });
        if (rows.rows === 5000) await harness.write(session, rows.build(null));
      }
      rows.delete(orders, { id: 1 });
      await harness.write(session, rows.build(null));
      expect(await harness.rows(orders)).toEqual([['1', 'a note', '1.00', 't']]);
      await harness.write(session, rows.insert(orders, { id: 30_000, ...order }).build(feed.checkpoint()));
      await harness.commit(session, feed.checkpoint());
      expect(await harness.rows(orders)).toEqual(harness.expected(orders));
    });

    it('of several transactions at once end in the last', async () => {
      const { harness, session, feed } = await withOrder(driver);
      await using _ = harness;
      for (let id = 2; id < 12; id++) {
        const rows = feed
          .begin()
          .insert(orders, { id, ...order })
          .update(orders, { id: 1, note: unchanged, amount: `${id}.00`, paid: null });
        await harness.write(session, rows.build(feed.checkpoint()));
      }
      await harness.commit(session, feed.checkpoint());
      expect(await harness.rows(orders)).toEqual(harness.expected(orders));
      expect(await session.recover()).toEqual(feed.checkpoint());
    });

    it('that did not happen leave nothing: a crash before gives the old checkpoint and the old rows', async () => {
      const { harness, session, feed, committed } = await withOrder(driver);
      await using _ = harness;
      const lines = linesTable();
      const rows = feed.begin().schemaChange({ table: lines, change: 'create' });
      rows.insert(lines, { Quantity: 1, line: 'a', order: 1, rowid: null, details: null });
      rows.insert(orders, { id: 2, ...order }).insert(orders, { id: 3, ...order });
      await harness.write(session, rows.build(null));
      await harness.write(
        session,
        rows
          .delete(orders, { id: 1 })
          .insert(orders, { id: 4, ...order })
          .build(feed.checkpoint()),
      );
      await session[Symbol.asyncDispose]();
      harness.forget();
      const again = await harness.session();
      expect(await again.recover()).toEqual(committed);
      expect(await harness.rows(orders)).toEqual(harness.expected(orders));
      // The replay finds everything as it was, the table of the lost transaction included.
      const replay = feed.begin().schemaChange({ table: lines, change: 'create' });
      replay.insert(lines, { Quantity: 2, line: 'a', order: 1, rowid: null, details: null });
      replay.insert(orders, { id: 2, ...order }).delete(orders, { id: 1 });
      await harness.write(again, replay.build(feed.checkpoint()));
      await harness.commit(again, feed.checkpoint());
      expect(await harness.rows(orders)).toEqual(harness.expected(orders));
      expect(await harness.rows(lines)).toEqual(harness.expected(lines));
    });

    it('go on after a restart with tables that are new objects and were not created again', async () => {
      const { harness, session, feed } = await withOrder(driver);
      await using _ = harness;
      await session[Symbol.asyncDispose]();
      const again = await harness.session();
      const table = ordersTable();
      const rows = feed
        .begin()
        .insert(table, { id: 2, ...order })
        .update(table, { id: 1, note: unchanged, amount: null, paid: null });
      await harness.write(again, rows.build(feed.checkpoint()));
      await harness.commit(again, feed.checkpoint());
      expect(await harness.rows(orders)).toEqual(harness.expected(orders));
      expect(harness.expected(orders)).toHaveLength(2);
    });
  });

  if (driver.oneShard !== true) describeShards(driver);
}

function describeShards(driver: SinkDriver): void {
  describe('pipelines, sinks and shards in one place', () => {
    it('have checkpoints and fences of their own', async () => {
      const { harness, session, feed, committed } = await withOrder(driver);
      await using _ = harness;
      const others: Shard[] = [
        { pipeline: 'shop', sink: 'warehouse', shard: 1 },
        { pipeline: 'shop', sink: "ware'house", shard: 0 },
        { pipeline: 'shop 2', sink: 'warehouse', shard: 0 },
      ];
      for (const other of others) {
        const another = await harness.session(other);
        expect(await another.recover()).toBeNull();
        await another.commit({ position: JSON.stringify(other), state: null });
      }
      expect(await session.recover()).toEqual(committed);
      feed.begin();
      await harness.commit(session, feed.checkpoint());
      for (const other of others) {
        expect(await (await harness.session(other)).recover()).toEqual({ position: JSON.stringify(other), state: null });
      }
    });
  });
}
