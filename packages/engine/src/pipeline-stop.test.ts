import { describe, expect, test } from 'vitest';
import { WeirError } from '@weir/sdk';
import { boundaryOf } from '@weir/testkit';
import { World, fault, insert, orders } from './world.fake.ts';

function worldWith(transactions: number): World {
  const world = new World();
  for (let number = 1; number <= transactions; number++) world.log.commit([insert(number)]);
  return world;
}

describe('stop', () => {
  test('delivers what was read and reads no more', async () => {
    const world = worldWith(9);
    let pulls = 0;
    const slow = fault('warehouse.write', 'every', 'slow', 500);
    const { pipeline, source } = world.process({ faults: [slow], onPull: () => void (++pulls === 4 && pipeline.stop()) });
    await world.clock.outcome(pipeline.run());
    expect(world.target().checkpoint?.position).toBe(boundaryOf(3));
    expect(world.log.forgotten).toBe(3);
    expect(source.ledger).toMatchObject({ handedOut: 3, released: 3, heldBytes: 0 });
    expect(pipeline.status()).toMatchObject({ state: 'stopped', failure: null, bufferedBytes: 0 });
    await world.deliverAll();
    expect(world.target().content).toEqual(world.log.content());
  });

  test('gives back a batch that was read and waits for room', async () => {
    const world = worldWith(9);
    const { pipeline, source, script } = world.process({ bufferBytes: 1, faults: [fault('warehouse.write', 1, 'hold')] });
    const run = pipeline.run();
    expect(await world.clock.settles(run)).toBe(false);
    expect(source.ledger).toMatchObject({ handedOut: 2, released: 0 });
    pipeline.stop();
    script.letGo();
    await world.clock.outcome(run);
    expect(source.ledger).toMatchObject({ handedOut: 2, released: 2 });
    expect(world.target().checkpoint?.position).toBe(boundaryOf(1));
  });

  test('in the middle of a transaction leaves it uncommitted, and the next start brings all of it', async () => {
    const world = worldWith(1);
    let pulls = 0;
    const { pipeline } = world.process({ onPull: () => void (++pulls === 3 && pipeline.stop()) });
    const run = pipeline.run();
    expect(await world.clock.settles(run)).toBe(false);
    world.log.commit(Array.from({ length: 10 }, (_, index) => insert(100 + index)));
    await world.clock.outcome(run);
    expect(world.target().content).toEqual(world.log.content(1));
    expect(world.target().checkpoint?.position).toBe(boundaryOf(1));
    expect(pipeline.status().sinks['warehouse']!.rows).toMatchObject({ in: 5, delivered: 1, abandoned: 4, inFlight: 0 });
    await world.deliverAll();
    expect(world.target().content).toEqual(world.log.content());
  });

  test('while nothing comes ends at once', async () => {
    const world = worldWith(2);
    const { pipeline } = world.process();
    const run = pipeline.run();
    expect(await world.clock.settles(run)).toBe(false);
    const before = world.clock.now();
    pipeline.stop();
    await world.clock.outcome(run);
    expect(world.clock.now()).toBe(before);
    expect(world.target().content).toEqual(world.log.content());
  });

  test('between two attempts ends at once', async () => {
    const world = worldWith(2);
    const { pipeline } = world.process({ faults: [fault('warehouse.open', 1, 'reject')] });
    const run = pipeline.run();
    await world.clock.settle();
    expect(pipeline.status().state).toBe('retrying');
    pipeline.stop();
    await world.clock.settle();
    expect(pipeline.status().state).toBe('stopped');
    await run;
  });

  test('before the run lets it end without a call, and after the end changes nothing', async () => {
    const world = worldWith(2);
    const early = world.process();
    early.pipeline.stop();
    await early.pipeline.run();
    expect(early.script.calls).toEqual([]);
    expect(early.pipeline.status().state).toBe('stopped');
    const late = await world.deliverAll();
    late.pipeline.stop();
    expect(late.pipeline.status().state).toBe('stopped');
    expect(world.clock.sleepers).toBe(0);
  });

  test('a failure while it drains is logged, and what is missing comes with the next start', async () => {
    const world = worldWith(3);
    let pulls = 0;
    const commit = fault('warehouse.commit', 1, 'reject');
    const { pipeline, logged } = world.process({ faults: [commit], onPull: () => void (++pulls === 2 && pipeline.stop()) });
    await world.clock.outcome(pipeline.run());
    expect(logged.at(-1)).toMatchObject({ level: 'warn', code: 'WEIR_INTERNAL' });
    expect(JSON.stringify(logged.at(-1))).toContain('cut short');
    await world.deliverAll();
    expect(world.target().content).toEqual(world.log.content());
  });
});

describe('what hangs', () => {
  const places = ['warehouse.write', 'warehouse.commit', 'source.pull', 'source.confirm'];

  test.each(places)('in %s ends with WEIR_SHUTDOWN_TIMEOUT when a stop has no effect', async (on) => {
    const world = worldWith(5);
    const { pipeline } = world.process({ faults: [{ on, call: 1, does: 'hang' }], shutdownTimeoutMs: 7000 });
    const run = pipeline.run();
    expect(await world.clock.settles(run), 'nothing gives up by itself').toBe(false);
    const before = world.clock.now();
    pipeline.stop();
    await expect(world.clock.outcome(run)).rejects.toMatchObject({ code: 'WEIR_SHUTDOWN_TIMEOUT' });
    expect(world.clock.now() - before).toBe(7000);
    expect(pipeline.status()).toMatchObject({ state: 'failed', failure: { code: 'WEIR_SHUTDOWN_TIMEOUT' } });
    await world.deliverAll();
    expect(world.target().content).toEqual(world.log.content());
  });

  test.each(['warehouse.open', 'warehouse.recover', 'source.open'])('in %s does not hold up a stop', async (on) => {
    const world = worldWith(5);
    const { pipeline, script } = world.process({ faults: [{ on, call: 1, does: 'hang' }] });
    const run = pipeline.run();
    expect(await world.clock.settles(run)).toBe(false);
    const before = world.clock.now();
    pipeline.stop();
    await world.clock.outcome(run);
    expect(world.clock.now()).toBe(before);
    expect(pipeline.status().state).toBe('stopped');
    expect(script.count('warehouse.dispose')).toBe(script.count('warehouse.open') - Number(on === 'warehouse.open'));
  });

  test.each(['warehouse', 'source'])('while the %s closes is left behind after 10 s', async (name) => {
    const world = worldWith(5);
    const before = world.clock.now();
    const { logged } = await world.deliverAll({ faults: [fault(`${name}.dispose`, 1, 'hang')] });
    expect(world.clock.now() - before).toBe(10_000);
    expect(logged.at(-1)).toMatchObject({ level: 'warn', message: expect.stringContaining('left behind') as string });
  });

  test.each(['warehouse', 'source'])('a session of the %s that opens after the stop is closed', async (name) => {
    const world = worldWith(5);
    const { pipeline, script } = world.process({ faults: [fault(`${name}.open`, 1, 'hold')] });
    const run = pipeline.run();
    await world.clock.settle();
    pipeline.stop();
    await world.clock.outcome(run);
    expect(script.count(`${name}.dispose`)).toBe(0);
    script.letGo();
    await world.clock.settle();
    expect(script.count(`${name}.dispose`)).toBe(1);
    await world.deliverAll();
  });
});

describe('finishAt', () => {
  test('delivers everything up to the position and ends, whatever comes behind it', async () => {
    const world = worldWith(3);
    const { pipeline, source } = world.process({ onPull: () => world.log.commit([insert(world.log.head + 1)]) });
    pipeline.finishAt(await source.head());
    await world.clock.outcome(pipeline.run());
    expect(world.target().content).toEqual(world.log.content(3));
    expect(world.log.head).toBeGreaterThan(3);
    expect(pipeline.status().state).toBe('stopped');
  });

  test('may come while it runs and waits', async () => {
    const world = worldWith(3);
    const { pipeline, source } = world.process();
    const run = pipeline.run();
    expect(await world.clock.settles(run)).toBe(false);
    pipeline.finishAt(await source.head());
    await world.clock.outcome(run);
  });

  test('of a position that is behind the checkpoint ends at once', async () => {
    const world = worldWith(3);
    await world.deliverAll();
    const { pipeline, script } = world.process();
    pipeline.finishAt(boundaryOf(1));
    await world.clock.outcome(pipeline.run());
    expect(script.count('warehouse.write')).toBe(0);
  });

  test('ends on a checkpoint, behind the whole transaction', async () => {
    const world = worldWith(1);
    world.log.commit(Array.from({ length: 10 }, (_, index) => insert(100 + index)));
    world.log.commit([insert(200)]);
    const { pipeline } = world.process();
    pipeline.finishAt(boundaryOf(2));
    await world.clock.outcome(pipeline.run());
    expect(world.target().content).toEqual(world.log.content(2));
  });

  test('holds for the attempts that follow a failure', async () => {
    const world = worldWith(3);
    await world.deliverAll({ faults: [fault('source.pull', 2, 'reject'), fault('source.open', 2, 'reject')] });
    expect(world.target().content).toEqual(world.log.content());
  });
});

test('an error of a transform is not hidden by a stop that comes at the same time', async () => {
  const world = worldWith(1);
  world.log.commit([{ op: 'truncate', table: orders }]);
  const refuse = { name: 'refuse', apply: () => Promise.reject(new WeirError('WEIR_TRANSFORM_REJECTED', 'no')) };
  const { pipeline } = world.process({ transforms: [refuse] });
  await expect(world.clock.outcome(pipeline.run())).rejects.toMatchObject({ code: 'WEIR_TRANSFORM_REJECTED' });
  expect(world.target().content).toEqual({});
});
