import { describe, expect, test } from 'vitest';
import type { FaultKind } from '@weir/testkit';
import { imbalance } from './row-counters.ts';
import { World, fault, insert, update, type ProcessOptions, type WorldProcess } from './world.fake.ts';

const operations = {
  transactional: ['open', 'recover', 'write', 'commit'],
  staged: ['open', 'recover', 'write', 'stage', 'apply'],
  idempotent: ['open', 'write', 'flush'],
} as const;
type Mode = keyof typeof operations;
const modes = Object.keys(operations) as Mode[];

/** Seven transactions: small ones, one without rows, and one that is split over four batches. */
function worldWithLog(mode: Mode): World {
  const world = new World({ warehouse: mode });
  const { log } = world;
  log.commit([insert(1), insert(2)]);
  log.commit([]);
  log.commit([update(1, 'changed')]);
  log.commit(Array.from({ length: 14 }, (_, index) => insert(100 + index)));
  log.commit([{ op: 'update', table: log.tables[0]!, after: { id: 3, label: 'moved' }, before: { id: 2 } }]);
  log.commit([{ op: 'delete', table: log.tables[0]!, before: { id: 100 } }]);
  log.commit([insert(2, 'again')]);
  return world;
}

/** Everything was delivered once, upstream may forget it, and no batch and no row is left over. */
function expectDelivered(world: World, { pipeline, source }: WorldProcess): void {
  expect(world.target().content).toEqual(world.log.content());
  expect(world.log.forgotten, 'no confirm was dropped (invariant 1)').toBe(world.log.head);
  const { rows } = pipeline.status().sinks['warehouse']!;
  expect([imbalance(rows), rows.inFlight]).toEqual([0, 0]);
  expect(source.ledger.releasedAgain).toBe(0);
}

describe.each(modes)('a sink that is %s', (mode) => {
  test.each([false, true])('gets everything once, with a copy first: %s', async (copies) => {
    const world = worldWithLog(mode);
    const process = await world.deliverAll({ copies });
    expectDelivered(world, process);
    expect(process.source.ledger.released).toBe(process.source.ledger.handedOut);
  });

  const cases = operations[mode].flatMap((operation) =>
    (['reject', 'lose answer', 'partial', 'slow'] as FaultKind[]).map((does) => ({ on: `warehouse.${operation}`, does })),
  );

  test.each(cases)('gets everything once when $on meets $does, at any call', async ({ on, does }) => {
    for (const copies of [false, true]) {
      for (const call of [1, 2, 3, 4, 5]) {
        const world = worldWithLog(mode);
        const process = await world.deliverAll({ copies, transactionsPerBatch: 2, faults: [fault(on, call, does, 400)] });
        expectDelivered(world, process);
      }
    }
  });

  test('gets everything once when each of its first commits loses its answer', async () => {
    const commit = { transactional: 'commit', staged: 'apply', idempotent: 'flush' }[mode];
    const faults = [1, 2, 3, 4, 5, 6].map((call) => fault(`warehouse.${commit}`, call, 'lose answer'));
    const world = worldWithLog(mode);
    expectDelivered(world, await world.deliverAll({ faults, rowsPerBatch: 2 }));
  });
});

describe('the source', () => {
  async function deliver(options: ProcessOptions): Promise<WorldProcess> {
    const world = worldWithLog('transactional');
    const process = await world.deliverAll(options);
    expectDelivered(world, process);
    return process;
  }

  test.each([false, true])('may fail at any pull, with a copy first: %s', async (copies) => {
    const pulls = (await deliver({ copies })).script.count('source.pull');
    expect(pulls).toBeGreaterThan(6);
    for (let call = 1; call <= pulls; call++) {
      for (const does of ['reject', 'lose answer', 'slow'] as const) {
        const { script } = await deliver({ copies, faults: [fault('source.pull', call, does, 1000)] });
        expect(script.count('source.open')).toBe(does === 'slow' ? 1 : 2);
      }
    }
  });

  test.each(['source.open', 'source.confirm'])('may fail at any %s', async (on) => {
    for (const call of [1, 2, 3]) {
      for (const does of ['reject', 'lose answer', 'slow'] as const) {
        const { pipeline } = await deliver({ faults: [fault(on, call, does, 1000)] });
        expect(pipeline.status()).toMatchObject({ state: 'stopped', failure: null });
      }
    }
  });

  test('may fail at every call once, and so may the sink', async () => {
    const ofSink = operations.transactional.map((name) => `warehouse.${name}`);
    const faults = ['source.open', 'source.pull', 'source.confirm', ...ofSink].map((on) => fault(on, 1, 'reject'));
    const { script } = await deliver({ copies: true, faults });
    expect(script.count('warehouse.open')).toBe(faults.length + 1);
  });

  test('that is asked for less than it has deleted ends the run with its code (invariant 6)', async () => {
    const world = worldWithLog('transactional');
    world.log.forget(1);
    const { pipeline, script } = world.process();
    await expect(world.clock.outcome(pipeline.run())).rejects.toMatchObject({ code: 'WEIR_PG_SLOT_ADVANCED' });
    expect(script.count('source.open')).toBe(1);
  });
});

test('a process that dies at any call leaves a state from which the next one goes on', async () => {
  const calls = (await worldWithLog('transactional').deliverAll({ copies: true })).script.calls;
  for (const [index, on] of calls.entries()) {
    const call = calls.slice(0, index + 1).filter((other) => other === on).length;
    for (const does of ['die', 'die answering'] as const) {
      const world = worldWithLog('transactional');
      const dying = world.process({ copies: true, faults: [fault(on, call, does)] });
      dying.pipeline.finishAt(await dying.source.head());
      await world.clock.settles(Promise.race([dying.pipeline.run(), dying.script.died]));
      world.log.disconnect();
      expectDelivered(world, await world.deliverAll({ copies: true }));
    }
  }
});
