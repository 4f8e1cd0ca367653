import { describe, expect, test } from 'vitest';
import { emptyBatch, schemaPolicies, type Batch, type Checkpoint, type SchemaChange } from '@weir/sdk';
import { boundaryOf, commitOf } from '@weir/testkit';
import { LaneWorld, batchOf, boundary, chunkOf, state } from './lane-world.fake.ts';
import { refusal } from './refusing-sink.fake.ts';
import { imbalance } from './row-counters.ts';
import { SharedBatch, heldBytes } from './shared-batch.ts';
import { fault, orders } from './world.fake.ts';

describe('a lane commits on checkpoints only (invariant 3)', () => {
  test('what is at hand is one commit, at the last checkpoint', async () => {
    const world = await LaneWorld.open();
    await world.deliver(batchOf([1], boundary(1)), batchOf([2], boundary(2)), batchOf([3], boundary(3)));
    expect(world.calls).toEqual(['write', 'write', 'write', 'commit']);
    expect(world.confirmed).toEqual([boundaryOf(3)]);
    expect(world.record.rows).toMatchObject({ in: 3, delivered: 3, inFlight: 0 });
  });

  test('what comes while the sink is at work is one commit more', async () => {
    const world = (await LaneWorld.open({ faults: [fault('warehouse.commit', 1, 'hold')] })).start();
    await world.push(batchOf([1], boundary(1)));
    await world.clock.settle();
    await world.push(batchOf([2], boundary(2)), batchOf([3], boundary(3)));
    world.script.letGo();
    await world.clock.settle();
    expect(world.calls).toEqual(['write', 'commit', 'write', 'write', 'commit']);
    expect(world.confirmed).toEqual([boundaryOf(1), boundaryOf(3)]);
  });

  test('what is complete is committed before a transaction of several batches begins', async () => {
    const world = (await LaneWorld.open()).start();
    await world.push(batchOf([1, 2], boundary(2)), batchOf([3], null));
    await world.clock.settle();
    expect(world.calls).toEqual(['write', 'commit', 'write']);
    expect(world.keys).toEqual([1, 2]);
    await world.push(batchOf([4], boundary(4)));
    await world.clock.settle();
    expect(world.calls).toEqual(['write', 'commit', 'write', 'write', 'commit']);
    expect(world.keys).toEqual([1, 2, 3, 4]);
  });

  test('or goes on into one whose end is at hand', async () => {
    const world = await LaneWorld.open();
    await world.deliver(batchOf([1], boundary(1)), batchOf([2], null), batchOf([3], null), batchOf([4], boundary(4)));
    expect(world.calls).toEqual(['write', 'write', 'write', 'write', 'commit']);
    expect(world.confirmed).toEqual([boundaryOf(4)]);
  });

  test('but not into one that may be refused in its middle: then it would not be delivered', async () => {
    const world = await LaneWorld.open({ policies: { schemaChanges: schemaPolicies('stop') } });
    const change: SchemaChange = { table: orders, change: 'add', column: 'note', value: null };
    await expect(
      world.deliver(batchOf([1], boundary(1)), batchOf([2], null), batchOf([3], boundary(3), [change])),
    ).rejects.toMatchObject({ code: 'WEIR_SCHEMA_CHANGE' });
    expect([world.keys, world.confirmed]).toEqual([[1], [boundaryOf(1)]]);
  });

  test('at the end what is in the middle of a transaction stays uncommitted', async () => {
    const world = await LaneWorld.open();
    await world.deliver(batchOf([1], boundary(1)), batchOf([2], null));
    expect(world.keys).toEqual([1]);
    world.lane.abandon();
    expect(world.record.rows).toMatchObject({ in: 2, delivered: 1, abandoned: 1, inFlight: 0 });
  });

  test('a commit is not put off for longer than 250 ms while there is always more', async () => {
    const slow = fault('warehouse.write', 'every', 'slow', 100);
    const world = await LaneWorld.open({ faults: [slow] });
    await world.deliver(...[1, 2, 3, 4, 5, 6, 7].map((number) => batchOf([number], boundary(number))));
    expect(world.calls.join(' ')).toBe('write write write commit write write write commit write commit');
  });

  test.each([
    { commitMs: 300, writes: [3, 3] },
    { commitMs: 600, writes: [3, 6] },
    { commitMs: 9_000, writes: [3, 20] },
  ])('nor than the last one took, and 2 s: $commitMs ms', async ({ commitMs, writes }) => {
    const faults = [fault('warehouse.write', 'every', 'slow', 100), fault('warehouse.commit', 'every', 'slow', commitMs)];
    const world = await LaneWorld.open({ faults });
    await world.deliver(...Array.from({ length: 40 }, (_, index) => batchOf([index + 1], boundary(index + 1))));
    const groups = world.calls.join(' ').split(' commit ').map((group) => group.split(' ').length);
    expect(groups.slice(0, 2)).toEqual(writes);
  });

  describe('behind a slow commit', () => {
    /** A lane whose first commit took a while, and whose next rows are complete, with nothing more at hand. */
    async function behind(commitMs: number): Promise<LaneWorld> {
      const world = (await LaneWorld.open({ faults: [fault('warehouse.commit', 1, 'slow', commitMs)] })).start();
      await world.push(batchOf([1], boundary(1)));
      await world.clock.advance(commitMs);
      expect(world.confirmed).toEqual([boundaryOf(1)]);
      await world.push(batchOf([2], boundary(2)));
      await world.clock.settle();
      return world;
    }

    test('what comes within an eighth of its time joins the next', async () => {
      const world = await behind(800);
      await world.clock.advance(99);
      await world.push(batchOf([3], boundary(3)));
      await world.clock.advance(99);
      expect(world.calls).toEqual(['write', 'commit', 'write', 'write']);
      await world.clock.advance(1);
      expect(world.calls).toEqual(['write', 'commit', 'write', 'write', 'commit']);
      expect(world.confirmed).toEqual([boundaryOf(1), boundaryOf(3)]);
    });

    test('a part of a transaction does not put off for longer what is complete', async () => {
      const world = await behind(800);
      await world.clock.advance(60);
      await world.push(batchOf([3], null));
      await world.clock.advance(39);
      expect(world.calls).toEqual(['write', 'commit', 'write']);
      await world.clock.advance(1);
      expect(world.calls).toEqual(['write', 'commit', 'write', 'commit', 'write']);
    });

    test.each([
      { commitMs: 249, waits: 0 },
      { commitMs: 60_000, waits: 250 },
    ])('it waits no longer than a quarter of a second, and behind a quick one not at all: $commitMs ms', async ({ commitMs, waits }) => {
      const world = await behind(commitMs);
      expect(world.confirmed.length).toBe(waits === 0 ? 2 : 1);
      await world.clock.advance(waits);
      expect(world.confirmed).toEqual([boundaryOf(1), boundaryOf(2)]);
    });

    test('it waits for nothing where nothing can come: the lane ends', async () => {
      const world = await behind(800);
      expect(world.confirmed).toEqual([boundaryOf(1)]);
      world.lane.end();
      await world.clock.settle();
      expect(world.confirmed).toEqual([boundaryOf(1), boundaryOf(2)]);
    });

    test('or somebody waits for the commit', async () => {
      const world = await behind(800);
      expect(world.confirmed).toEqual([boundaryOf(1)]);
      expect(await world.clock.settles(world.lane.settled())).toBe(true);
      expect(world.confirmed).toEqual([boundaryOf(1), boundaryOf(2)]);
    });

    test('it commits nothing once the attempt is over', async () => {
      const world = await behind(800);
      world.hard.abort(new Error('over'));
      world.lane.abandon();
      await expect(world.run).rejects.toThrow('over');
      expect(world.confirmed).toEqual([boundaryOf(1)]);
    });
  });

  test('nor for more than 32 MiB', async () => {
    const world = await LaneWorld.open();
    const large = (number: number): Batch => ({ ...batchOf([number], boundary(number)), bytes: 17 << 20 });
    world.lane.push(new SharedBatch(large(1), { source: large(1), made: 0, filtered: 0 }, world.budget, 1));
    world.lane.push(new SharedBatch(large(2), { source: large(2), made: 0, filtered: 0 }, world.budget, 1));
    await world.deliver(batchOf([3], boundary(3)));
    expect(world.calls).toEqual(['write', 'write', 'commit', 'write', 'commit']);
  });

  test('a batch without rows is not written, but its checkpoint is committed: an idle source moves on', async () => {
    const world = await LaneWorld.open();
    await world.deliver(emptyBatch(boundary(9)));
    expect(world.calls).toEqual(['commit']);
    expect(world.target.checkpoint).toEqual(boundary(9));
  });

  test('a range of keys without rows is written: a mirror takes away what it has there', async () => {
    const world = await LaneWorld.open();
    const chunk = chunkOf([], boundaryOf(1));
    await world.deliver({ ...chunk, tables: [orders], chunk: { table: 0, range: { after: ['1'], upTo: null }, last: true } });
    expect(world.calls).toEqual(['write', 'commit']);
  });

  test('schema changes without rows are written', async () => {
    const world = await LaneWorld.open();
    await world.deliver(emptyBatch(boundary(1), [{ table: orders, change: 'add', column: 'note', value: null }]));
    expect(world.calls).toEqual(['write', 'commit']);
  });
});

describe('a commit', () => {
  test('waits for its turn, and what came meanwhile waits for it', async () => {
    const turn = Promise.withResolvers<void>();
    const world = (await LaneWorld.open({ turn: async () => await turn.promise })).start();
    await world.push(batchOf([1], boundary(1)), batchOf([2], null));
    await world.clock.settle();
    expect(world.calls).toEqual(['write']);
    turn.resolve();
    await world.clock.settle();
    expect(world.calls).toEqual(['write', 'commit', 'write']);
  });

  test('is not made when its turn comes after the attempt is over', async () => {
    const turn = Promise.withResolvers<void>();
    const world = (await LaneWorld.open({ turn: async () => await turn.promise })).start();
    await world.push(batchOf([1], boundary(1)));
    await world.clock.settle();
    world.hard.abort(new Error('over'));
    world.lane.abandon();
    turn.resolve();
    await expect(world.run).rejects.toThrow('over');
    expect([world.calls, world.confirmed, world.target.checkpoint]).toEqual([['write'], [], null]);
  });

  test('is refused while a row is unaccounted for, and nothing is confirmed (invariant 7)', async () => {
    const world = await LaneWorld.open();
    const [source, batch] = [batchOf([1, 2], boundary(2)), batchOf([1], boundary(2))];
    world.lane.push(new SharedBatch(batch, { source, made: 0, filtered: 0 }, world.budget, 1));
    await expect(world.deliver()).rejects.toThrow(expect.objectContaining({ code: 'WEIR_COUNTERS' }));
    expect([world.calls, world.confirmed]).toEqual([['write'], []]);
  });

  test('is told with how long it took', async () => {
    const world = await LaneWorld.open({ faults: [fault('warehouse.commit', 1, 'slow', 40)] });
    await world.clock.advance(1000);
    await world.deliver(batchOf([1], boundary(1)));
    expect(world.record.status(0, true)).toMatchObject({ commitMs: 40, committedAt: world.clock.now() });
  });
});

describe('a sink that is ahead gets nothing twice (invariant 4)', () => {
  const holds = boundaryOf(2);

  test('batches up to what it holds are dropped, without a call', async () => {
    const world = await LaneWorld.open({ holds });
    await world.deliver(batchOf([1], boundary(1)), batchOf([2], boundary(2)));
    expect([world.calls, world.confirmed]).toEqual([[], []]);
    expect(world.record.rows).toMatchObject({ in: 2, replayed: 2, delivered: 0, inFlight: 0 });
  });

  test('of a batch that is partly new the new rows are written', async () => {
    const world = await LaneWorld.open({ holds });
    await world.deliver(batchOf([1, 2, 3, 4], boundary(4)));
    expect(world.keys).toEqual([3, 4]);
    expect(world.record.rows).toMatchObject({ in: 4, replayed: 2, delivered: 2, inFlight: 0 });
    expect(world.record.status(0, false).rowsByTable).toEqual({ 'public.orders': 2 });
  });

  test('a transaction that is spread over batches is dropped in each', async () => {
    const world = await LaneWorld.open({ holds });
    await world.deliver(batchOf([1, 2], null), batchOf([2], boundary(2)), batchOf([3], null), batchOf([4], boundary(4)));
    expect(world.keys).toEqual([3, 4]);
    expect(world.calls).toEqual(['write', 'write', 'commit']);
    expect(world.record.rows).toMatchObject({ in: 5, replayed: 3, delivered: 2 });
  });

  test('once everything was dropped the lane is settled, also in the middle of a transaction', async () => {
    const world = (await LaneWorld.open({ holds })).start();
    await world.push(batchOf([2], null), batchOf([2], boundary(2)));
    expect(await world.clock.settles(world.lane.settled())).toBe(true);
  });

  test('a checkpoint that is new is committed, although all rows before it are dropped', async () => {
    const world = await LaneWorld.open({ holds });
    await world.deliver(batchOf([1, 2], boundary(3)));
    expect(world.calls).toEqual(['commit']);
    expect(world.target.checkpoint).toEqual(boundary(3));
  });

  test('positions of checkpoints may be those of their commits', async () => {
    const world = await LaneWorld.open({ holds: commitOf(2) });
    const at = (number: number): Checkpoint => ({ position: commitOf(number), state });
    await world.deliver(batchOf([1, 2], at(2)), batchOf([2, 3], at(3)));
    expect(world.keys).toEqual([3]);
    expect(world.target.checkpoint).toEqual(at(3));
  });

  test('schema changes before a row that it holds are not applied again, those before a new one are', async () => {
    const change: SchemaChange = { table: orders, change: 'add', column: 'note', value: null };
    const world = await LaneWorld.open({ holds });
    const [held, partly] = [batchOf([2], null, [change]), batchOf([2, 3], boundary(3), [change])];
    await world.deliver(held, partly, batchOf([4], boundary(4), [change]));
    expect(world.keys).toEqual([3, 4]);
    expect(world.writes.map(({ changes }) => changes.length)).toEqual([0, 1]);
  });
});

describe('a copy is never a replay', () => {
  test('its chunks are written, and the sink keeps its own place', async () => {
    const world = await LaneWorld.open({ holds: boundaryOf(8) });
    const position = `${boundaryOf(5)}.00000002.00000001`;
    const create: SchemaChange[] = [{ table: orders, change: 'create' }];
    const states = { copies: 2, copied: {} };
    await world.deliver(emptyBatch({ position, state: states }, create), chunkOf([1, 2], `${position}.2`));
    expect(world.keys).toEqual([1, 2]);
    expect(world.target.checkpoint).toEqual({ position: boundaryOf(8), state });
  });

  test('a copy from nothing makes what the sink held of no account', async () => {
    const world = await LaneWorld.open({ holds: boundaryOf(8) });
    world.lane.startOver();
    await world.deliver(chunkOf([1], `${boundaryOf(0)}.1.1`), batchOf([2], boundary(2)));
    expect(world.keys).toEqual([1, 2]);
    expect(world.target.checkpoint).toEqual(boundary(2));
  });
});

describe('settled', () => {
  test('is at once when nothing was handed over, and after the commit otherwise', async () => {
    const world = (await LaneWorld.open({ faults: [fault('warehouse.commit', 1, 'hold')] })).start();
    expect(await world.clock.settles(world.lane.settled())).toBe(true);
    await world.push(batchOf([1], boundary(1)));
    const settled = world.lane.settled();
    expect(await world.clock.settles(settled)).toBe(false);
    world.script.letGo();
    expect(await world.clock.settles(settled)).toBe(true);
    expect(world.keys).toEqual([1]);
  });

  test('is not while something is written that has no rows', async () => {
    const world = (await LaneWorld.open({ faults: [fault('warehouse.write', 1, 'hold')] })).start();
    await world.push({ ...emptyBatch(boundary(1)), schemaChanges: [{ table: orders, change: 'create' }] });
    await world.clock.settle();
    expect(await world.clock.settles(world.lane.settled())).toBe(false);
  });

  test('is not while something without rows and bytes waits for its commit', async () => {
    const world = (await LaneWorld.open()).start();
    const created = emptyBatch(null, [{ table: orders, change: 'create' }]);
    await world.push({ ...created, bytes: 0 });
    expect(await world.clock.settles(world.lane.settled())).toBe(false);
    await world.push(batchOf([1], boundary(1)));
    expect(await world.clock.settles(world.lane.settled())).toBe(true);
  });

  test('is not while a transaction is open', async () => {
    const world = (await LaneWorld.open()).start();
    await world.push(batchOf([1], null));
    const settled = world.lane.settled();
    expect(await world.clock.settles(settled)).toBe(false);
    await world.push(batchOf([2], boundary(2)));
    expect(await world.clock.settles(settled)).toBe(true);
  });
});

describe('an abandoned lane', () => {
  test.each(['write', 'commit'])('counts nothing when its %s is answered late (invariant 7)', async (operation) => {
    const world = (await LaneWorld.open({ faults: [fault(`warehouse.${operation}`, 1, 'hold answer')] })).start();
    await world.push(batchOf([1], boundary(1)), batchOf([2], boundary(2)));
    await world.clock.settle();
    world.hard.abort(new Error('over'));
    world.lane.abandon();
    const before = world.record.status(0, true);
    expect(before.rows).toMatchObject({ in: 2, delivered: 0, abandoned: 2, inFlight: 0 });
    world.script.letGo();
    await world.clock.settle();
    expect(world.record.status(0, true)).toEqual(before);
    expect([world.confirmed, imbalance(before.rows)]).toEqual([[], 0]);
    await expect(world.run).rejects.toThrow('over');
  });

  test.each([false, true])('stops no table when its write is refused late, other than one at work; late: %s', async (isLate) => {
    const answer = Promise.withResolvers<void>();
    const beforeWrite = async (): Promise<void> => await answer.promise;
    const world = (await LaneWorld.open({ beforeWrite, policies: { onError: 'stop_table' } })).start();
    await world.push(batchOf([1], boundary(1)));
    await world.clock.settle();
    if (isLate) world.lane.abandon();
    answer.reject(refusal('public.orders'));
    await expect(world.run).rejects.toThrow('cannot hold');
    expect(world.record.stops.unmarked.map(({ table }) => table.name)).toEqual(isLate ? [] : ['orders']);
  });

  test('adds nothing to what the next attempt delivers when its write is answered in the middle of that', async () => {
    const world = (await LaneWorld.open({ faults: [fault('warehouse.write', 1, 'hold answer')] })).start();
    await world.push(batchOf([1], boundary(1)));
    await world.clock.settle();
    world.hard.abort(new Error('over'));
    world.lane.abandon();
    const next = (await LaneWorld.open({ record: world.record })).start();
    await next.push(batchOf([1], null));
    await next.clock.settle();
    world.script.letGo();
    await next.clock.settle();
    await next.push(batchOf([2], boundary(2)));
    await next.clock.settle();
    expect(world.record.rows).toMatchObject({ in: 3, delivered: 2, abandoned: 1, inFlight: 0 });
  });

  test('gives back the batches that wait, and the one at work when the sink is done with it', async () => {
    const world = (await LaneWorld.open({ faults: [fault('warehouse.write', 1, 'hold')] })).start();
    const [first, second] = [batchOf([1], boundary(1)), batchOf([2], boundary(2))];
    await world.push(first, second);
    await world.clock.settle();
    world.hard.abort(new Error('over'));
    world.lane.abandon();
    expect(world.budget.used).toBe(heldBytes(first));
    world.script.letGo();
    await world.clock.settle();
    expect(world.budget.used).toBe(0);
  });

  test('ends with what the sink failed with', async () => {
    const world = (await LaneWorld.open({ faults: [fault('warehouse.write', 1, 'reject')] })).start();
    await world.push(batchOf([1], boundary(1)));
    await expect(world.run).rejects.toThrow('warehouse.write');
  });
});
