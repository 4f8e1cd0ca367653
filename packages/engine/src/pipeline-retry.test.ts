import { describe, expect, test } from 'vitest';
import { WeirError, type Json } from '@weir/sdk';
import type { Fault } from '@weir/testkit';
import { World, fault, insert, type WorldProcess } from './world.fake.ts';

const retry = { firstDelayMs: 100, maxDelayMs: 1000, budgetMs: 20_000 };

function worldWith(transactions: number, world: World = new World()): World {
  for (let number = 1; number <= transactions; number++) world.log.commit([insert(number)]);
  return world;
}

/** The waits between attempts, in ms. */
function waits({ logged }: WorldProcess): number[] {
  return logged.flatMap((line) => {
    const wait = (line as Record<string, Json>)['retryInMs'];
    return typeof wait === 'number' ? [wait] : [];
  });
}

describe('an error that a person has to mend', () => {
  const places = ['source.open', 'source.pull', 'warehouse.open', 'warehouse.write', 'warehouse.commit'];
  test.each(places)('of %s ends the run at once', async (on) => {
    const error = new WeirError('WEIR_PG_SLOT_LOST', 'the slot is gone', { fix: 'Copy again.' });
    const world = worldWith(3);
    const process = world.process({ faults: [{ on, call: 1, does: 'reject', error }] });
    const before = world.clock.now();
    await expect(world.clock.outcome(process.pipeline.run())).rejects.toBe(error);
    expect(world.clock.now()).toBe(before);
    expect([process.script.count('warehouse.open'), waits(process)]).toEqual([1, []]);
    expect(process.pipeline.status()).toMatchObject({
      state: 'failed',
      failure: { code: 'WEIR_PG_SLOT_LOST', message: 'the slot is gone', fix: 'Copy again.', at: before },
      attempt: 1,
    });
    expect(process.script.count('warehouse.dispose'), 'every session is closed').toBe(Number(on !== 'warehouse.open'));
  });
});

describe('an error that is of the configuration at the start, and of somebody’s change later', () => {
  const changed = new WeirError('WEIR_PG_AUTH', 'password authentication failed', { fix: 'Correct the password.' });

  test('ends the run before it was open once', async () => {
    const world = worldWith(3);
    const { pipeline } = world.process({ faults: [{ on: 'source.open', call: 1, does: 'reject', error: changed }], retry });
    await expect(world.clock.outcome(pipeline.run())).rejects.toBe(changed);
  });

  test('is tried again afterwards, and it goes on once that is mended', async () => {
    const world = worldWith(3);
    const faults: Fault[] = [fault('source.pull', 2, 'reject')];
    for (const call of [2, 3, 4]) faults.push({ on: 'source.open', call, does: 'reject', error: changed });
    const process = world.process({ faults, retry });
    process.pipeline.finishAt(await process.source.head());
    await world.clock.outcome(process.pipeline.run());
    expect(process.script.count('source.open')).toBe(5);
    expect(process.logged).toContainEqual(expect.objectContaining({ code: 'WEIR_PG_AUTH', fix: 'Correct the password.' }));
    expect(world.target().content).toEqual(world.log.content());
  });

  test('that nobody mends ends with the budget, and says its code and fix', async () => {
    const world = worldWith(3);
    const faults: Fault[] = [fault('source.pull', 2, 'reject')];
    for (let call = 2; call < 400; call++) faults.push({ on: 'source.open', call, does: 'reject', error: changed });
    const { pipeline } = world.process({ faults, retry });
    const error = await world.clock.outcome(pipeline.run().catch((thrown: unknown) => thrown));
    expect(error).toMatchObject({ code: 'WEIR_RETRY_BUDGET', fix: 'Correct the password.', cause: changed });
  });
});

describe('an error that may pass', () => {
  test('is tried again after waits that double, with everything opened anew', async () => {
    const world = worldWith(3);
    const faults = [1, 2, 3, 4, 5].map((call) => fault('warehouse.commit', call, 'reject'));
    const process = world.process({ faults, retry });
    process.pipeline.finishAt(await process.source.head());
    await world.clock.outcome(process.pipeline.run());
    const ceilings = [100, 200, 400, 800, 1000];
    waits(process).forEach((wait, index) => {
      expect(wait).toBeGreaterThanOrEqual(ceilings[index]! / 2);
      expect(wait).toBeLessThanOrEqual(ceilings[index]!);
    });
    expect(waits(process)).toHaveLength(5);
    for (const name of ['warehouse.open', 'warehouse.recover', 'source.open', 'source.dispose', 'warehouse.dispose']) {
      expect(process.script.count(name), name).toBe(6);
    }
    expect(process.pipeline.status()).toMatchObject({ state: 'stopped', attempt: 1, failure: null });
  });

  test('without a code is a defect, and is tried again too', async () => {
    const world = worldWith(3);
    const error = new TypeError('undefined is not a function');
    const { logged } = await world.deliverAll({ faults: [{ on: 'warehouse.write', call: 2, does: 'reject', error }] });
    expect(logged).toContainEqual(expect.objectContaining({ level: 'warn', code: 'WEIR_INTERNAL', message: error.message }));
    expect(world.target().content).toEqual(world.log.content());
  });

  test('that does not pass ends with WEIR_RETRY_BUDGET, which keeps the cause and its fix', async () => {
    const world = worldWith(3);
    const cause = new WeirError('WEIR_PG_CONNECT', 'connection refused', { fix: 'Start the server.' });
    const refused: Fault = { on: 'source.open', call: 'every', does: 'reject', error: cause };
    const { pipeline, script } = world.process({ faults: [refused], retry });
    const before = world.clock.now();
    const error = await world.clock.outcome(pipeline.run().catch((thrown: unknown) => thrown));
    expect(error).toMatchObject({ code: 'WEIR_RETRY_BUDGET', fix: 'Start the server.', cause });
    expect((error as Error).message).toContain(`gave up after ${script.count('source.open')} attempts in 0.3 minutes`);
    expect((error as Error).message).toContain('WEIR_PG_CONNECT: connection refused');
    expect(world.clock.now() - before).toBeGreaterThanOrEqual(20_000);
    expect(world.clock.now() - before).toBeLessThan(21_000);
    const failure = { code: 'WEIR_RETRY_BUDGET', fix: 'Start the server.' };
    expect(pipeline.status()).toMatchObject({ state: 'failed', failure });
  });

  test('does not use up the budget while there is progress in between', async () => {
    const world = worldWith(60);
    const faults = Array.from({ length: 40 }, (_, index) => fault('warehouse.commit', 2 * index + 2, 'reject'));
    const slow = fault('warehouse.write', 'every', 'slow', 1000);
    const process = world.process({ faults: [...faults, slow], retry });
    process.pipeline.finishAt(await process.source.head());
    const before = world.clock.now();
    await world.clock.outcome(process.pipeline.run());
    expect(world.clock.now() - before).toBeGreaterThan(retry.budgetMs);
    expect(Math.max(...waits(process))).toBeLessThanOrEqual(100);
    expect(world.target().content).toEqual(world.log.content());
  });

  test('uses it up although another sink goes on: what one alone has committed is no progress', async () => {
    const world = new World({ good: 'transactional', bad: 'transactional' });
    const onPull = (): void => {
      if (world.log.head < script.count('source.open')) world.log.commit([insert(world.log.head)]);
    };
    const slow = fault('bad.write', 'every', 'slow', 10);
    const { pipeline, script } = world.process({ faults: [fault('bad.commit', 'every', 'reject'), slow], retry, onPull });
    const before = world.clock.now();
    await expect(world.clock.outcome(pipeline.run())).rejects.toMatchObject({ code: 'WEIR_RETRY_BUDGET' });
    expect(pipeline.status().sinks['good']!.commits).toBeGreaterThan(10);
    expect(world.clock.now() - before).toBeLessThan(retry.budgetMs + 2 * retry.maxDelayMs);
  });

  test('uses it up when every attempt opens well and fails at once', async () => {
    const world = worldWith(0);
    const { pipeline } = world.process({ faults: [fault('source.pull', 'every', 'reject')], retry });
    await expect(world.clock.outcome(pipeline.run())).rejects.toMatchObject({ code: 'WEIR_RETRY_BUDGET' });
  });

  test('uses it up when rows are on their way each time, however long an attempt takes', async () => {
    const world = worldWith(1);
    const faults = [fault('warehouse.write', 'every', 'slow', 5000), fault('warehouse.commit', 'every', 'reject')];
    const { pipeline } = world.process({ faults, retry });
    await expect(world.clock.outcome(pipeline.run())).rejects.toMatchObject({ code: 'WEIR_RETRY_BUDGET' });
  });

  test('once an hour uses up nothing while the pipeline is quiet', async () => {
    const world = worldWith(1);
    const { pipeline } = world.process({ retry });
    const run = pipeline.run();
    for (let hour = 0; hour < 48; hour++) {
      await world.clock.advance(3_600_000);
      expect(pipeline.status()).toMatchObject({ state: 'running', attempt: hour === 0 ? 1 : 2, failure: null });
      world.log.disconnect();
    }
    await world.clock.advance(1000);
    pipeline.stop();
    await world.clock.outcome(run);
  });
});
