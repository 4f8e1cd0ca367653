import { describe, expect, test } from 'vitest';
import { boundaryOf } from '@weir/testkit';
import { zeroCounters } from './row-counters.ts';
import { World, fault, insert } from './world.fake.ts';

describe('status', () => {
  test('before the run: starting, with nothing known yet', () => {
    const { pipeline } = new World({ warehouse: 'transactional', search: 'idempotent' }).process({ bufferBytes: 5000 });
    const sink = {
      checkpoint: null,
      committedAt: null,
      commits: 0,
      rows: zeroCounters(),
      rowsByTable: {},
      events: {},
      lagMs: null,
      queueBytes: 0,
      commitMs: 0,
      schemaChanges: [],
      stoppedTables: [],
      repairs: {},
      schemaChangeTotals: {},
    };
    expect(pipeline.status()).toEqual({
      name: 'shop',
      state: 'starting',
      source: { phase: 'connecting', snapshot: [], lagBytes: null },
      sinks: { warehouse: sink, search: sink },
      bufferedBytes: 0,
      bufferBytes: 5000,
      attempt: 1,
      failure: null,
    });
  });

  test('while sinks and source are opened: starting, with the checkpoint as soon as the sink has told it', async () => {
    const world = new World();
    world.log.commit([insert(1)]);
    await world.deliverAll();
    const { pipeline, script } = world.process({ faults: [fault('source.open', 1, 'hold')] });
    const run = pipeline.run();
    await world.clock.settle();
    expect(pipeline.status()).toMatchObject({
      state: 'starting',
      source: { phase: 'connecting' },
      sinks: { warehouse: { checkpoint: boundaryOf(1), commits: 0, lagMs: null } },
    });
    script.letGo();
    await world.clock.settle();
    expect(pipeline.status()).toMatchObject({ state: 'running', source: { phase: 'stream' } });
    pipeline.stop();
    await run;
  });

  test('in a copy: running, the progress of each table, no lag', async () => {
    const world = new World();
    world.log.commit(Array.from({ length: 10 }, (_, index) => insert(index)));
    const { pipeline, script } = world.process({ copies: true, faults: [fault('source.pull', 4, 'hold')] });
    const run = pipeline.run();
    await world.clock.settle();
    expect(pipeline.status()).toMatchObject({
      state: 'running',
      source: {
        phase: 'snapshot',
        snapshot: [
          { table: 'public.orders', rows: 8, done: false },
          { table: 'public.customers', rows: 0, done: false },
        ],
      },
      sinks: {
        warehouse: {
          rows: { in: 8, delivered: 8 },
          rowsByTable: { 'public.orders': 8 },
          events: { 'public.orders': { read: 8 } },
          lagMs: null,
        },
      },
    });
    script.letGo();
    pipeline.stop();
    await world.clock.outcome(run);
  });

  test('in the stream: rows on their way, bytes that wait, and the lag from the commit at the source', async () => {
    const world = new World();
    world.log.commit([insert(1)]);
    const commit = fault('warehouse.commit', 1, 'slow', 40);
    const { pipeline, script } = world.process({ faults: [commit, fault('warehouse.write', 2, 'hold')] });
    const run = pipeline.run();
    await world.clock.advance(20);
    world.log.commit([insert(2)]);
    await world.clock.advance(30);
    const { sinks, bufferedBytes } = pipeline.status();
    expect(sinks['warehouse']).toMatchObject({
      checkpoint: boundaryOf(1),
      committedAt: world.clock.now() - 10,
      commits: 1,
      commitMs: 40,
      lagMs: 40,
      rows: { in: 2, delivered: 1, inFlight: 1 },
      events: { 'public.orders': { insert: 1 } },
    });
    expect(bufferedBytes).toBeGreaterThan(0);
    script.letGo();
    await world.clock.settle();
    expect(pipeline.status().sinks['warehouse']).toMatchObject({ checkpoint: boundaryOf(2), lagMs: 30, queueBytes: 0 });
    await world.clock.advance(2001);
    expect(pipeline.status()).toMatchObject({ bufferedBytes: 0, sinks: { warehouse: { lagMs: 0 } } });
    pipeline.stop();
    await world.clock.outcome(run);
  });

  test('between two attempts: retrying, with failure and number of the attempt, until it is open again', async () => {
    const world = new World();
    world.log.commit([insert(1)]);
    const { pipeline } = world.process({ faults: [1, 2].map((call) => fault('warehouse.write', call, 'reject')) });
    const run = pipeline.run();
    await world.clock.settle();
    const failedAt = world.clock.now();
    for (const attempt of [2, 3]) {
      expect(pipeline.status()).toMatchObject({
        state: 'retrying',
        attempt,
        failure: { code: 'WEIR_INTERNAL', message: 'scripted: warehouse.write: reject' },
      });
      await world.clock.advance(world.clock.nextWakeMs!);
    }
    expect(world.clock.now()).toBeGreaterThan(failedAt);
    expect(pipeline.status()).toMatchObject({ state: 'running', attempt: 1, failure: null });
    pipeline.stop();
    await world.clock.outcome(run);
  });

  test('after stop: draining until everything is committed, then stopped', async () => {
    const world = new World();
    world.log.commit([insert(1)]);
    const { pipeline, script } = world.process({ faults: [fault('warehouse.commit', 1, 'hold')] });
    const run = pipeline.run();
    await world.clock.settle();
    pipeline.stop();
    await world.clock.settle();
    expect(pipeline.status()).toMatchObject({ state: 'draining', sinks: { warehouse: { rows: { inFlight: 1 } } } });
    script.letGo();
    await world.clock.outcome(run);
    expect(pipeline.status()).toMatchObject({ state: 'stopped', failure: null });
    expect(pipeline.status().sinks['warehouse']!.rows).toMatchObject({ inFlight: 0, delivered: 1 });
  });

  test('is a snapshot: what was handed out does not change', async () => {
    const world = new World();
    world.log.commit([insert(1)]);
    const { pipeline } = world.process();
    const before = pipeline.status();
    const copy = structuredClone(before);
    pipeline.finishAt(boundaryOf(1));
    await world.clock.outcome(pipeline.run());
    expect(before).toEqual(copy);
    expect(pipeline.status().sinks['warehouse']!.rows.delivered).toBe(1);
  });
});
