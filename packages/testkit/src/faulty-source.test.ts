import { describe, expect, test } from 'vitest';
import type { Batch, Checkpoint, SourceSession } from '@weir/sdk';
import { FaultScript, type Fault } from './fault-script.ts';
import { FaultySource } from './faulty-source.ts';
import { ManualClock } from './manual-clock.ts';
import { PrunedLog } from './pruned-log.ts';
import { PruningSource } from './pruning-source.ts';
import { seeBatch } from './seen-batch.ts';
import { ordersTable } from './sink-contract-tables.ts';

const orders = ordersTable();
const { signal } = new AbortController();

/** A log of transactions with four orders each, under a source whose calls go wrong. */
class SourceWorld {
  readonly clock = new ManualClock();
  readonly log = new PrunedLog([orders], this.clock);
  readonly script: FaultScript;
  readonly inner: PruningSource;
  readonly source: FaultySource;

  constructor(...faults: Fault[]) {
    for (const first of [1, 11, 21]) {
      this.log.commit([0, 1, 2, 3].map((add) => ({ op: 'insert' as const, table: orders, after: { id: first + add } })));
    }
    this.script = new FaultScript(this.clock, faults);
    this.inner = new PruningSource({ log: this.log, clock: this.clock });
    this.source = new FaultySource(this.inner, 'shop', this.script);
  }

  /** What comes up to the end, or up to a failure: ids of each batch, and the last checkpoint. */
  async read(from: Checkpoint | null = null): Promise<{ ids: number[][]; checkpoint: Checkpoint | null; error: unknown }> {
    const ids: number[][] = [];
    let checkpoint: Checkpoint | null = null;
    try {
      await using session = await this.source.open(from, signal);
      session.finishAt(await this.source.head(signal));
      for await (const batch of session.batches(signal)) {
        ids.push(seeBatch(batch).rows.map(({ after }) => Number(after![0])));
        checkpoint = batch.checkpoint ?? checkpoint;
        batch.release();
      }
      return { ids, checkpoint, error: null };
    } catch (error) {
      return { ids, checkpoint, error };
    }
  }
}

const all = [[1, 2, 3, 4], [11, 12, 13, 14], [21, 22, 23, 24]];

describe('FaultySource', () => {
  test('gives what its source gives, and notes every call', async () => {
    const world = new SourceWorld();
    expect(await world.read()).toMatchObject({ ids: all, error: null });
    expect(world.script.calls).toEqual(['open', 'pull', 'pull', 'pull', 'pull', 'dispose'].map((call) => `shop.${call}`));
    expect(await world.source.discover(signal)).toEqual([orders]);
  });

  test.each(['reject', 'lose answer'] as const)('%s: a pull fails, what it may have read goes back, and comes to the next session', async (does) => {
    const world = new SourceWorld({ on: 'shop.pull', call: 2, does });
    const { ids, checkpoint, error } = await world.read();
    expect([ids, error]).toEqual([all.slice(0, 1), expect.objectContaining({ code: 'WEIR_INTERNAL' })]);
    expect((await world.read(checkpoint)).ids).toEqual(all.slice(1));
    expect(world.inner.ledger).toMatchObject({ heldBytes: 0, releasedAgain: 0 });
  });

  test('partial: half of a transaction comes, without a checkpoint, and then the failure (invariant 3)', async () => {
    const world = new SourceWorld({ on: 'shop.pull', call: 2, does: 'partial' });
    const { ids, checkpoint, error } = await world.read();
    expect([ids, error]).toEqual([[[1, 2, 3, 4], [11, 12]], expect.objectContaining({ code: 'WEIR_INTERNAL' })]);
    expect((await world.read(checkpoint)).ids).toEqual(all.slice(1));
    expect(world.inner.ledger).toMatchObject({ heldBytes: 0, releasedAgain: 0 });
  });

  test('slow and hang: a pull takes its time, or for ever', async () => {
    const slow = new SourceWorld({ on: 'shop.pull', call: 2, does: 'slow', ms: 700 });
    const before = slow.clock.now();
    expect(await slow.clock.outcome(slow.read())).toMatchObject({ ids: all });
    expect(slow.clock.now() - before).toBe(700);
    const hanging = new SourceWorld({ on: 'shop.pull', call: 2, does: 'hang' });
    expect(await hanging.clock.settles(hanging.read())).toBe(false);
  });

  test('an open whose answer is lost leaves nothing behind that keeps the next one out', async () => {
    const world = new SourceWorld({ on: 'shop.open', call: 1, does: 'lose answer' });
    expect((await world.read()).error).toMatchObject({ code: 'WEIR_INTERNAL' });
    expect((await world.read()).ids).toEqual(all);
  });

  test('a confirm whose answer is lost has happened (invariant 1)', async () => {
    const world = new SourceWorld({ on: 'shop.confirm', call: 1, does: 'lose answer' });
    const session: SourceSession = await world.source.open(null, signal);
    const first = (await session.batches(signal)[Symbol.asyncIterator]().next()).value as Batch;
    await expect(session.confirm(first.checkpoint!)).rejects.toThrow('lose answer');
    expect(world.log.forgotten).toBe(1);
  });

  test('zombie: a reader that sleeps while another takes its place is cut off when it wakes', async () => {
    const world = new SourceWorld({ on: 'shop.pull', call: 2, does: 'zombie' });
    const zombie = world.read();
    expect(await world.clock.settles(zombie)).toBe(false);
    world.log.disconnect();
    const successor = new FaultySource(world.inner, 'shop', new FaultScript(world.clock));
    await using session = await successor.open(null, signal);
    world.script.wake();
    expect(await zombie).toMatchObject({ ids: all.slice(0, 1), error: { code: 'WEIR_PG_CONNECTION_LOST' } });
    expect(session.status().phase).toBe('connecting');
  });
});
