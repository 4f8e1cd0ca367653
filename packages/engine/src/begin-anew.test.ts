import { describe, expect, test } from 'vitest';
import type { SinkSession } from '@weir/sdk';
import { epochOf } from '@weir/testkit';
import { World, fault, insert, orders, update, type ProcessOptions } from './world.fake.ts';

const modes = ['transactional', 'staged', 'idempotent'] as const;

const anew: ProcessOptions = { copies: true, resnapshot: true };

/** Two sinks that hold four transactions; of what followed, the source has nothing any more. */
async function worldWithGap(mode: SinkSession['mode'] = 'transactional'): Promise<World> {
  const world = new World({ a: mode, b: mode });
  for (let number = 1; number <= 4; number++) world.log.commit([insert(number)]);
  await world.deliverAll({ copies: true });
  world.log.commit([update(1, 'in the gap'), { op: 'delete', table: orders, before: { id: 2 } }]);
  world.log.forget(world.log.head);
  world.log.commit([insert(5)]);
  return world;
}

function expectEqual(world: World): void {
  for (const [name, target] of world.targets) expect(target.content, name).toEqual(world.log.content());
}

/** Runs a process until it dies at a call. */
async function dieAt(world: World, options: ProcessOptions): Promise<void> {
  const { pipeline, script } = world.process(options);
  await world.clock.settles(Promise.race([pipeline.run(), script.died]));
  expect(script.dead).toBe(true);
  world.log.disconnect();
}

describe.each(modes)('a source that begins anew behind a gap (invariant 6), two sinks: %s', (mode) => {
  test('makes both equal, also what was deleted in the gap', async () => {
    const world = await worldWithGap(mode);
    await world.deliverAll(anew);
    expectEqual(world);
  });

  test('wherever it dies, and though one sink has begun and the other has not, the next start makes both equal', async () => {
    const { calls } = (await (await worldWithGap(mode)).deliverAll(anew)).script;
    expect(calls.length).toBeGreaterThan(20);
    for (const [index, on] of calls.entries()) {
      const call = calls.slice(0, index + 1).filter((other) => other === on).length;
      for (const late of ['a', 'b']) {
        const world = await worldWithGap(mode);
        const faults = [{ on, call, does: 'die answering' } as const, fault(`${late}.write`, 'every', 'slow', 1000)];
        const { pipeline, source, script } = world.process({ ...anew, faults });
        pipeline.finishAt(await source.head());
        await world.clock.settles(Promise.race([pipeline.run(), script.died]));
        world.log.disconnect();
        world.log.commit([insert(6)]);
        await world.deliverAll(anew);
        expectEqual(world);
      }
    }
  });
});

describe('when one sink has begun anew, the other has not, and its position is not lost any more', () => {
  /** The address named another server while it began; the next start finds the right one again. */
  async function worldInBetween(): Promise<World> {
    const world = new World({ a: 'transactional', b: 'transactional' });
    for (let number = 1; number <= 4; number++) world.log.commit([insert(number)]);
    await world.deliverAll({ copies: true });
    world.log.commit([insert(5)]);
    await dieAt(world, { ...anew, isElsewhere: () => true, faults: [fault('b.commit', 1, 'die')] });
    expect(epochOf(world.target('a').checkpoint!.position)).toBe(1);
    expect(epochOf(world.target('b').checkpoint!.position)).toBe(0);
    return world;
  }

  test('both begin anew: the first would else take all that follows for replays', async () => {
    const world = await worldInBetween();
    world.log.commit([insert(6)]);
    await world.deliverAll(anew);
    expectEqual(world);
    for (const name of ['a', 'b']) expect(epochOf(world.target(name).checkpoint!.position)).toBe(2);
  });

  test('nothing of the new epoch was written before every sink had it', async () => {
    const world = await worldInBetween();
    for (const name of ['a', 'b']) expect(world.target(name).content).toEqual(world.log.content(4));
  });
});
