import { describe, expect, test } from 'vitest';
import { comparePositions, type Position, type SinkSession } from '@weir/sdk';
import { PrunedLog, boundaryOf, tableIsAt } from '@weir/testkit';
import { World, customers, fault, insert, orders, type ProcessOptions } from './world.fake.ts';

const both = { fast: 'transactional', slow: 'transactional' } as const;

function worldWith(transactions: number, sinks: Readonly<Record<string, SinkSession['mode']>> = both): World {
  const world = new World(sinks);
  for (let number = 1; number <= transactions; number++) world.log.commit([insert(number), insert(number, 'a', customers)]);
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

const slowWrites = fault('slow.write', 'every', 'slow', 1000);

describe('two sinks of different speed', () => {
  test('each gets everything once, and upstream is told the place of the slower one (invariant 1)', async () => {
    const world = worldWith(12);
    const confirmed: Position[] = [];
    const onConfirm = ({ position }: { position: Position }): void => {
      confirmed.push(position);
      for (const { checkpoint } of world.targets.values()) {
        expect(comparePositions(checkpoint!.position, position)).toBeGreaterThanOrEqual(0);
      }
    };
    const { pipeline, source } = world.process({ faults: [slowWrites], onConfirm });
    pipeline.finishAt(await source.head());
    await world.clock.outcome(pipeline.run());
    expectEqual(world);
    expect(confirmed.length).toBeGreaterThan(2);
    expect(confirmed).toEqual(confirmed.toSorted());
    expect(world.log.forgotten).toBe(12);
    expect(source.ledger).toMatchObject({ handedOut: 12, released: 12, releasedAgain: 0 });
  });

  test('the faster one does not wait for the slower one while there is room', async () => {
    const world = worldWith(12);
    const { pipeline, script } = world.process({ faults: [fault('slow.write', 1, 'hold')] });
    const run = pipeline.run();
    await world.clock.settle();
    expect(world.target('fast').content).toEqual(world.log.content());
    expect(world.target('slow').content).toEqual({});
    expect(world.log.forgotten).toBe(0);
    script.letGo();
    pipeline.stop();
    await world.clock.outcome(run);
    expectEqual(world);
  });

  test('after a crash the faster one gets nothing twice, and the slower one all that it lacks', async () => {
    const world = worldWith(12);
    await dieAt(world, { faults: [fault('slow.write', 4, 'die'), slowWrites] });
    expect(world.target('fast').checkpoint?.position).toBe(boundaryOf(12));
    expect(world.target('slow').checkpoint?.position).toBe(boundaryOf(3));
    world.log.commit([insert(13)]);
    const { pipeline } = await world.deliverAll({ transactionsPerBatch: 4, rowsPerBatch: 100 });
    expectEqual(world);
    expect(pipeline.status().sinks['fast']!.rows).toMatchObject({ in: 19, replayed: 18, delivered: 1 });
    expect(pipeline.status().sinks['slow']!.rows).toMatchObject({ in: 19, replayed: 0, delivered: 19 });
  });

  test.each(['write', 'commit'])('each gets everything once when both fail at any %s', async (operation) => {
    for (const does of ['reject', 'lose answer'] as const) {
      for (const [first, second] of [[1, 1], [1, 2], [2, 1], [3, 5], [4, 2]] as const) {
        const world = worldWith(8);
        const faults = [
          fault(`fast.${operation}`, first, does),
          fault(`slow.${operation}`, second, does),
          { ...slowWrites, ms: 300 },
        ];
        for (const copies of [false, true]) await world.deliverAll({ faults, copies });
        expectEqual(world);
        expect(world.log.forgotten).toBe(8);
      }
    }
  });

  test('a history is never ahead in a copy, whichever is slow: there a part that is read again stands twice', async () => {
    for (const slow of ['mirror', 'history']) {
      const world = worldWith(8, { history: 'transactional', mirror: 'transactional' });
      const faults = [fault(`${slow}.write`, 'every', 'slow', 300)];
      const { script } = await world.deliverAll({ copies: true, rowsPerBatch: 3, faults, histories: ['history'] });
      const commits = script.calls.filter((call) => call.endsWith('.commit'));
      expect(commits.length).toBeGreaterThan(8);
      let ahead = 0;
      for (const call of commits) {
        ahead += call === 'mirror.commit' ? 1 : -1;
        expect(ahead).toBeGreaterThanOrEqual(0);
      }
      expect(world.target('mirror').content).toEqual(world.log.content());
    }
  });

  test('sinks of every class share a source', async () => {
    const world = worldWith(8, { a: 'transactional', b: 'staged', c: 'idempotent' });
    await dieAt(world, { copies: true, faults: [fault('c.flush', 1, 'die'), fault('c.write', 'every', 'slow', 20)] });
    world.log.commit([insert(99)]);
    await world.deliverAll({ copies: true });
    expectEqual(world);
  });
});

describe('a copy is made by all sinks together', () => {
  test('no sink commits a checkpoint of the stream before all have committed the copy', async () => {
    const world = worldWith(4);
    const commits: [string, boolean][] = [];
    for (const [name, target] of world.targets) {
      target.onCommit = (checkpoint) => {
        commits.push([name, tableIsAt(checkpoint, customers) !== null && checkpoint.position.endsWith('.0')]);
      };
    }
    const slowCommits = fault('slow.commit', 'every', 'slow', 500);
    const { pipeline, script } = world.process({ copies: true, faults: [slowWrites, slowCommits] });
    const run = pipeline.run();
    await world.clock.advance(100);
    world.log.commit([insert(100)]);
    expect(await world.clock.settles(run)).toBe(false);
    const streaming = commits.findIndex(([, streams]) => streams);
    expect(streaming).toBeGreaterThan(2);
    expect(commits.slice(streaming).every(([, streams]) => streams)).toBe(true);
    expectEqual(world);
    expect(script.count('slow.commit')).toBeGreaterThan(2);
    pipeline.stop();
    await world.clock.outcome(run);
  });

  test('an empty sink beside a filled one lets both start over', async () => {
    const world = worldWith(4);
    await world.deliverAll({ copies: true, sinks: ['fast'] });
    world.log.commit([insert(5), { op: 'delete', table: orders, before: { id: 1 } }]);
    await world.deliverAll({ copies: true });
    expectEqual(world);
    expect(world.target('fast').checkpoint).toEqual(world.target('slow').checkpoint);
  });

  test('wherever it dies while both start over, the next start goes on', async () => {
    const setUp = async (): Promise<World> => {
      const world = worldWith(4);
      await world.deliverAll({ copies: true, sinks: ['fast'] });
      for (let number = 5; number < 8; number++) world.log.commit([insert(number)]);
      return world;
    };
    const { calls } = (await (await setUp()).deliverAll({ copies: true })).script;
    expect(calls.length).toBeGreaterThan(20);
    for (const [index, on] of calls.entries()) {
      const call = calls.slice(0, index + 1).filter((other) => other === on).length;
      for (const slow of ['fast', 'slow']) {
        const world = await setUp();
        const late = fault(`${slow}.write`, 'every', 'slow', 1000);
        const { pipeline, source, script } = world.process({ copies: true, faults: [{ on, call, does: 'die answering' }, late] });
        pipeline.finishAt(await source.head());
        await world.clock.settles(Promise.race([pipeline.run(), script.died]));
        world.log.disconnect();
        world.log.commit([insert(1000 + index)]);
        await world.deliverAll({ copies: true });
        expectEqual(world);
      }
    }
  });

  test('a copy that one sink has begun again is not left to it alone: the one that was behind begins last', async () => {
    const world = worldWith(4);
    // The first copy: `fast` has copied orders, `slow` has not when the process dies.
    await dieAt(world, { copies: true, faults: [fault('slow.write', 2, 'slow', 50), fault('slow.write', 3, 'die')] });
    expect(tableIsAt(world.target('fast').checkpoint!, orders)).not.toBeNull();
    expect(tableIsAt(world.target('slow').checkpoint!, orders)).toBeNull();
    // The second copy dies when one of them has begun it.
    const oneBegins = [fault('fast.commit', 1, 'slow', 50), fault('slow.commit', 1, 'die answering')];
    await dieAt(world, { copies: true, faults: oneBegins });
    await world.deliverAll({ copies: true });
    expectEqual(world);
  });

  test('a table that is added while one sink is ahead is copied to both', async () => {
    const world = worldWith(6);
    const { pipeline, script } = world.process({ copies: true, tables: [orders], faults: [fault('slow.write', 4, 'hold')] });
    void pipeline.run();
    for (let number = 101; number < 105; number++) {
      await world.clock.settle();
      world.log.commit([insert(number)]);
    }
    await world.clock.settle();
    script.die();
    world.log.disconnect();
    const [fast, slow] = [world.target('fast').checkpoint!, world.target('slow').checkpoint!];
    expect(comparePositions(fast.position, slow.position)).toBeGreaterThan(0);
    // It dies once more in the middle of that copy: what the sink that is ahead holds of orders must not come again.
    await dieAt(world, { copies: true, faults: [fault('fast.commit', 2, 'die answering')] });
    expect(world.target('fast').checkpoint).not.toEqual(fast);
    expect(comparePositions(world.target('fast').checkpoint!.position, fast.position)).toBeGreaterThanOrEqual(0);
    world.log.commit([{ op: 'delete', table: customers, before: { id: 1 } }]);
    await world.deliverAll({ copies: true });
    expectEqual(world);
  });

  test('wherever it dies while a table is added and one sink is ahead, the next start goes on', async () => {
    const setUp = async (): Promise<World> => {
      const world = worldWith(6);
      const held = [fault('slow.write', 4, 'hold')];
      const { pipeline, script } = world.process({ copies: true, tables: [orders], faults: held });
      void pipeline.run();
      for (let number = 101; number < 105; number++) {
        await world.clock.settle();
        world.log.commit([insert(number)]);
      }
      await world.clock.settle();
      script.die();
      world.log.disconnect();
      return world;
    };
    const { calls } = (await (await setUp()).deliverAll({ copies: true })).script;
    for (const [index, on] of calls.entries()) {
      const call = calls.slice(0, index + 1).filter((other) => other === on).length;
      for (const late of ['fast', 'slow']) {
        const world = await setUp();
        const lateCommits = fault(`${late}.commit`, 'every', 'slow', 1000);
        const { pipeline, source, script } = world.process({ copies: true, faults: [{ on, call, does: 'die answering' }, lateCommits] });
        pipeline.finishAt(await source.head());
        await world.clock.settles(Promise.race([pipeline.run(), script.died]));
        world.log.disconnect();
        world.log.commit([insert(1000 + index)]);
        await world.deliverAll({ copies: true });
        expectEqual(world);
      }
    }
  });

  test('a database that was built anew, with lower positions, is copied to the filled sink as well', async () => {
    const world = worldWith(9);
    await world.deliverAll({ copies: true, sinks: ['fast'] });
    const rebuilt = new World(both);
    Object.assign(rebuilt, { targets: world.targets, log: new PrunedLog([orders, customers], rebuilt.clock) });
    rebuilt.log.commit([insert(1, 'other')]);
    const { pipeline } = rebuilt.process({ copies: true });
    const run = pipeline.run();
    await rebuilt.clock.settle();
    rebuilt.log.commit([insert(2, 'streamed')]);
    await rebuilt.clock.settle();
    expectEqual(rebuilt);
    pipeline.stop();
    await rebuilt.clock.outcome(run);
  });
});

test('a source without a copy that starts from nothing for one sink brings the other nothing twice', async () => {
  const world = worldWith(5);
  await dieAt(world, { faults: [fault('slow.commit', 1, 'die'), fault('fast.commit', 2, 'slow', 1), slowWrites] });
  expect([world.target('fast').checkpoint !== null, world.target('slow').checkpoint]).toEqual([true, null]);
  await world.deliverAll();
  expectEqual(world);
});
