import { describe, expect, test } from 'vitest';
import { toWeirError, type SinkSession, type Source } from '@weir/sdk';
import { FaultySource, type FaultKind, type FaultScript } from '@weir/testkit';
import { World, fault, insert, update, type ProcessOptions, type WorldProcess } from './world.fake.ts';

type Mode = SinkSession['mode'];
/** What each class does to make a checkpoint durable. */
const commits = { transactional: 'commit', staged: 'apply', idempotent: 'flush', 'at-least-once': 'flush' } as const;
const modes = Object.keys(commits) as Mode[];
/** Longer than any lease. */
const LEASE_MS = 120_000;

const wrapSource = (source: Source, script: FaultScript): Source => new FaultySource(source, 'upstream', script);

const EVENTS = 13;

function worldWith(mode: Mode): World {
  const world = new World({ warehouse: mode });
  world.log.commit([insert(1), insert(2)]);
  world.log.commit([update(1, 'changed')]);
  world.log.commit(Array.from({ length: 9 }, (_, index) => insert(100 + index)));
  world.log.commit([{ op: 'delete', table: world.log.tables[0]!, before: { id: 100 } }]);
  return world;
}

/** Nothing is lost, and nothing doubled but at a sink that says so. */
function expectDelivered(world: World, mode: Mode): void {
  expect(world.log.forgotten, 'no confirm was dropped (invariant 1)').toBe(world.log.head);
  const { appended, content } = world.target();
  const places = appended.map(({ position, ordinal }) => `${position} ${String(ordinal).padStart(4, '0')}`);
  const events = Array.from(new Set(places));
  const isMirror = mode !== 'at-least-once';
  expect(content).toEqual(isMirror ? world.log.content() : {});
  expect(events).toHaveLength(isMirror ? 0 : EVENTS);
  expect(events, 'first arrivals are in order').toEqual(events.toSorted());
}

/** A process up to its end, or up to where it hangs. */
async function start(world: World, options: ProcessOptions): Promise<WorldProcess & { readonly run: Promise<string> }> {
  const process = world.process({ wrapSource, ...options });
  process.pipeline.finishAt(await process.source.head());
  const run = process.pipeline.run().then(
    () => 'done',
    (error: unknown) => toWeirError(error).code,
  );
  return { ...process, run };
}

describe.each(modes)('with a sink that is %s', (mode) => {
  const calls = ['upstream.pull', 'warehouse.write', `warehouse.${commits[mode]}`];
  const kinds: readonly FaultKind[] = ['reject', 'slow', 'partial', 'lose answer'];
  const cases = calls.flatMap((on) => kinds.map((does) => ({ on, does })));

  test.each(cases)('$does at $on: everything arrives', async ({ on, does }) => {
    for (const call of [1, 2, 3]) {
      const world = worldWith(mode);
      const { run } = await start(world, { faults: [fault(on, call, does, 900)] });
      expect(await world.clock.outcome(run)).toBe('done');
      expectDelivered(world, mode);
    }
  });

  test.each(calls)('hang at %s: nothing is made up, a stop leaves it behind, and the next process goes on', async (on) => {
    const world = worldWith(mode);
    const { pipeline, run } = await start(world, { faults: [fault(on, 2, 'hang')], shutdownTimeoutMs: 5000 });
    expect(await world.clock.settles(run)).toBe(false);
    expect(world.log.forgotten).toBeLessThan(world.log.head);
    pipeline.stop();
    // A pull that waits is given up at once; of a sink that hangs nobody knows what it has done.
    expect(['done', 'WEIR_SHUTDOWN_TIMEOUT']).toContain(await world.clock.outcome(run));
    world.log.disconnect();
    expect(await world.clock.outcome((await start(world, {})).run)).toBe('done');
    expectDelivered(world, mode);
  });

  test.each(calls)('zombie at %s: another takes over, and what it does when it wakes changes nothing (invariant 5)', async (on) => {
    const world = worldWith(mode);
    const zombie = await start(world, { faults: [fault(on, 2, 'zombie', LEASE_MS)] });
    const began = world.clock.now();
    await world.clock.settles(Promise.race([zombie.run, world.clock.sleep(1000)]));
    // Its lease runs out: the server ends its connection, another runner starts.
    world.log.disconnect();
    expect(await world.clock.outcome((await start(world, {})).run)).toBe('done');
    expect(world.clock.now() - began).toBeLessThan(LEASE_MS);
    expectDelivered(world, mode);
    // It is fenced, or finds its connection gone and begins again from what the successor has left. What nothing fences is
    // the store: a sink without a fence lets a late flush be followed by a late checkpoint there, and that is refused
    // loudly by the source, which has forgotten what follows it (invariant 6).
    const ends = mode === 'at-least-once' ? ['done', 'WEIR_PG_SLOT_ADVANCED'] : ['done', 'WEIR_DUCKDB_FENCED'];
    expect(ends).toContain(await world.clock.outcome(zombie.run));
    expect(world.clock.now() - began).toBeGreaterThanOrEqual(LEASE_MS);
    expectDelivered(world, mode);
  });
});
