import type { Checkpoint } from '@weir/sdk';
import { expect, test } from 'vitest';
import { World, fault, insert, type ProcessOptions } from './world.fake.ts';

const sinks = { first: 'transactional', second: 'transactional' } as const;

test('every fence is taken before any checkpoint is read (invariants 4 and 5)', async () => {
  const world = new World(sinks);
  const { script } = await world.deliverAll();
  expect(script.calls.filter((call) => /\.(open|recover)$/.test(call) && !call.startsWith('source'))).toEqual([
    'first.open',
    'second.open',
    'first.recover',
    'second.recover',
  ]);
});

test('a runner that is replaced between two fences commits to neither sink (invariant 5)', async () => {
  const world = new World(sinks);
  world.log.commit([insert(1)]);
  const committed: Checkpoint[] = [];
  const late = world.process({ faults: [fault('second.open', 1, 'hold')] } satisfies ProcessOptions);
  const run = late.pipeline.run();
  await world.clock.settle();
  await world.deliverAll();
  for (const target of world.targets.values()) target.onCommit = (checkpoint) => void committed.push(checkpoint);
  late.script.letGo();
  expect(await world.clock.outcome(run.catch((error: unknown) => error))).toMatchObject({ code: 'WEIR_DUCKDB_FENCED' });
  expect(committed).toEqual([]);
  for (const target of world.targets.values()) expect(target.content).toEqual(world.log.content());
});
