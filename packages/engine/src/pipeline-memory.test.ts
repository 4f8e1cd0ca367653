import { describe, expect, test } from 'vitest';
import { emptyBatch } from '@weir/sdk';
import type { LoggedChange } from '@weir/testkit';
import { heldBytes } from './shared-batch.ts';
import { World, fault, insert, update, type ProcessOptions, type WorldProcess } from './world.fake.ts';

const ROW = 10_000;
const text = 'x'.repeat(ROW);
/** What a batch of one large row counts for, with room for its arrays. */
const BATCH = ROW + heldBytes(emptyBatch(null)) + 200;

/** Much more than any buffer here: 200 transactions of 10 kB, which touch few keys. */
function worldWithBacklog(world: World): World {
  for (let number = 0; number < 10; number++) world.log.commit([insert(number)]);
  for (let number = 0; number < 200; number++) world.log.commit([update(number % 10, text + number)]);
  return world;
}

/** The most bytes that were buffered whenever the source was asked for more, and in the end. */
function watched(world: World, bufferBytes: number, options: ProcessOptions): { process: WorldProcess; most: () => number } {
  let most = 0;
  const look = (): void => void (most = Math.max(most, process.pipeline.status().bufferedBytes));
  const process: WorldProcess = world.process({ ...options, bufferBytes, onPull: look });
  return { process, most: () => (look(), most) };
}

describe('memory is bounded whatever the backlog (invariant 8)', () => {
  test('a sink that hangs lets the source wait, and holds no more than the bound', async () => {
    const world = worldWithBacklog(new World());
    const { process, most } = watched(world, 5 * BATCH, { faults: [fault('warehouse.write', 1, 'hold')] });
    const run = process.pipeline.run();
    expect(await world.clock.settles(run)).toBe(false);
    expect(most()).toBeLessThanOrEqual(5 * BATCH);
    expect(process.source.ledger.heldBytes).toBeLessThanOrEqual(5 * BATCH + BATCH);
    expect(process.source.ledger.handedOut).toBeLessThan(8);
    process.script.letGo();
    process.pipeline.stop();
    await world.clock.outcome(run);
    expect(process.pipeline.status().bufferedBytes).toBe(0);
  });

  test('beside a sink that hangs another one goes on until the bound is used up, and no further', async () => {
    const world = worldWithBacklog(new World({ fast: 'transactional', hanging: 'transactional' }));
    const { process, most } = watched(world, 40 * BATCH, { faults: [fault('hanging.write', 1, 'hold')] });
    const run = process.pipeline.run();
    expect(await world.clock.settles(run)).toBe(false);
    const { fast, hanging } = process.pipeline.status().sinks;
    expect(most()).toBeLessThanOrEqual(40 * BATCH);
    expect(most(), 'the bound is used up before the fast one has to wait').toBeGreaterThan(39 * BATCH);
    expect(fast!.rows.delivered).toBeGreaterThanOrEqual(40);
    expect(fast!.rows).toMatchObject({ inFlight: 0 });
    expect(fast!.queueBytes).toBe(0);
    expect(hanging!.queueBytes).toBeGreaterThan(38 * BATCH);
    expect(hanging!.rows).toMatchObject({ delivered: 0, inFlight: fast!.rows.delivered });
    process.script.letGo();
    process.pipeline.finishAt(await process.source.head());
    await world.clock.outcome(run);
    for (const target of world.targets.values()) expect(target.content).toEqual(world.log.content());
    expect(most()).toBeLessThanOrEqual(40 * BATCH);
    expect(process.source.ledger).toMatchObject({ heldBytes: 0, releasedAgain: 0 });
  });

  test('very many small batches count for what their objects take', async () => {
    const world = new World({ fast: 'transactional', hanging: 'transactional' });
    for (let number = 0; number < 10; number++) world.log.commit([insert(number)]);
    for (let number = 0; number < 500; number++) world.log.commit([update(number % 10, `${number}`)]);
    const { process } = watched(world, 400_000, { faults: [fault('hanging.write', 1, 'hold')] });
    const run = process.pipeline.run();
    expect(await world.clock.settles(run)).toBe(false);
    expect(process.source.ledger.handedOut).toBeLessThan(110);
    expect(process.source.ledger.heldBytes).toBeLessThan(10_000);
    process.script.letGo();
    process.pipeline.stop();
    await world.clock.outcome(run);
  });

  test('a batch that is larger than the bound goes through alone', async () => {
    const world = worldWithBacklog(new World());
    const { process, most } = watched(world, 1000, {});
    process.pipeline.finishAt(await process.source.head());
    await world.clock.outcome(process.pipeline.run());
    expect(most()).toBeLessThanOrEqual(BATCH);
    expect(world.target().content).toEqual(world.log.content());
  });

  test('a transaction that is larger than the bound goes through in parts', async () => {
    const world = new World();
    const changes: LoggedChange[] = Array.from({ length: 100 }, (_, index) => insert(index, text));
    world.log.commit(changes);
    const { process, most } = watched(world, 3 * BATCH, { rowsPerBatch: 1 });
    process.pipeline.finishAt(await process.source.head());
    await world.clock.outcome(process.pipeline.run());
    expect(most()).toBeLessThanOrEqual(3 * BATCH);
    expect(world.target().content).toEqual(world.log.content());
  });

  test('a sink at work is given few batches ahead, so that the source can gather', async () => {
    const world = worldWithBacklog(new World());
    const { process } = watched(world, 1 << 30, { faults: [fault('warehouse.write', 1, 'hold')] });
    const run = process.pipeline.run();
    expect(await world.clock.settles(run)).toBe(false);
    expect(process.source.ledger.handedOut).toBe(3);
    process.script.letGo();
    process.pipeline.stop();
    await world.clock.outcome(run);
  });
});

describe('batches go back to the source', () => {
  test('when the slowest sink is done with them, each once: none is read afterwards', async () => {
    const world = worldWithBacklog(new World({ fast: 'transactional', slow: 'transactional' }));
    const { source } = await world.deliverAll({ faults: [fault('slow.write', 'every', 'slow', 50)] });
    // The source fills a batch with rubbish when it is released, so a sink that read it later would hold that.
    for (const target of world.targets.values()) expect(target.content).toEqual(world.log.content());
    expect(source.ledger).toMatchObject({ handedOut: 210, released: 210, releasedAgain: 0, heldBytes: 0 });
  });

  test('of an attempt that failed: those that wait at once, the one at work when its write has ended', async () => {
    const world = worldWithBacklog(new World());
    const { pipeline, source, script } = world.process({
      faults: [fault('warehouse.write', 2, 'hold answer'), fault('source.pull', 4, 'reject')],
    });
    pipeline.finishAt(await source.head());
    await world.clock.outcome(pipeline.run());
    expect(source.ledger.handedOut - source.ledger.released).toBe(1);
    script.letGo();
    await world.clock.settle();
    expect(source.ledger).toMatchObject({ heldBytes: 0, releasedAgain: 0 });
    expect(world.target().content).toEqual(world.log.content());
  });

  test('but not one whose write failed: a sink that failed may still be reading it', async () => {
    const world = worldWithBacklog(new World());
    const { source } = await world.deliverAll({ faults: [fault('warehouse.write', 2, 'reject')] });
    expect(source.ledger.handedOut - source.ledger.released).toBe(1);
  });
});
