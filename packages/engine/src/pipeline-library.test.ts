import { describe, expect, test } from 'vitest';
import { FaultScript, MemorySink, MemoryTarget, PruningSource, failure } from '@weir/testkit';
import { systemClock } from '@weir/sdk';
import { Pipeline } from './pipeline.ts';
import { World, insert } from './world.fake.ts';

/** A world on the real clock, as a program has it. */
function program(mode: 'transactional' | 'idempotent' = 'transactional') {
  const world = new World();
  world.log.commit([insert(1), insert(2)]);
  const target = new MemoryTarget();
  const script = new FaultScript(systemClock, []);
  const source = new PruningSource({ log: world.log, clock: systemClock, script });
  const pipeline = new Pipeline({ name: 'shop', source, sinks: { warehouse: new MemorySink(target, mode) } });
  return { pipeline, source, target, log: world.log };
}

describe('a pipeline in a program', () => {
  test('needs a name, a source and sinks; disposing it delivers what was read', async () => {
    const { pipeline, source, target, log } = program();
    let run: Promise<void>;
    {
      await using running = pipeline;
      running.finishAt(await source.head());
      run = running.run();
      await run;
    }
    await run;
    expect(target.content).toEqual(log.content());
    expect(pipeline.status().state).toBe('stopped');
  });

  test('that is disposed while it runs drains first, and one that never ran lets go at once', async () => {
    const { pipeline, target, log } = program();
    const run = pipeline.run();
    while (target.checkpoint === null) await systemClock.sleep(1);
    await pipeline[Symbol.asyncDispose]();
    await run;
    expect(target.content).toEqual(log.content());
    await program().pipeline[Symbol.asyncDispose]();
  });

  test('without a store refuses a sink that cannot keep its own checkpoint (invariant 4)', async () => {
    const { pipeline } = program('idempotent');
    expect(await failure(pipeline.run())).toMatchObject({ code: 'WEIR_SDK_USE' });
  });
});
