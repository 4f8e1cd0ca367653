import { WeirError, type CopyAgain, type SinkOptions, type Source, type SourceSession, type SourceStatus } from '@weir/sdk';
import { memoryStore } from '@weir/store';
import { FaultScript, FaultySink, MemorySink, PruningSource, type Fault } from '@weir/testkit';
import { describe, expect, test } from 'vitest';
import { Pipeline } from './pipeline.ts';
import { World, collector, fault, insert } from './world.fake.ts';

/** A source that takes requests for copies; the test says when one is over. */
class CopyingWorld {
  readonly world = new World();
  readonly asked: string[] = [];
  readonly pipeline: Pipeline;
  copying: SourceStatus['snapshot'] = [];
  refusal: WeirError | null = null;

  constructor(faults: readonly Fault[] = [], canCopy = true, options: Partial<SinkOptions> = {}) {
    const { clock, log } = this.world;
    const target = this.world.target();
    const script = new FaultScript(clock, faults);
    const inner = new PruningSource({ log, clock, script });
    const source: Source = Object.assign(Object.create(inner) as Source, {
      open: async (...args: Parameters<Source['open']>) => {
        const session = await inner.open(args[0], args[1]);
        return canCopy ? this.#copying(session) : session;
      },
    });
    this.pipeline = new Pipeline({
      name: 'shop',
      source,
      sinks: new Map([['warehouse', new FaultySink(new MemorySink(target, 'transactional', options), 'warehouse', script)]]),
      store: memoryStore(),
      clock,
      log: collector([]),
      bufferBytes: 1 << 20,
      shutdownTimeoutMs: 10_000,
    });
  }

  /** Asks for a copy, and says what became of it. */
  ask(tables: readonly string[], how: CopyAgain): { events: string[] } {
    const events: string[] = [];
    const failed = (error: unknown): void => void events.push((error as WeirError).code);
    this.pipeline.copyAgain(tables, how).then(({ done }) => {
      events.push('begun');
      done.then(() => events.push('done'), failed);
    }, failed);
    return { events };
  }

  async settle(ms = 1000): Promise<void> {
    await this.world.clock.advance(ms);
    await this.world.clock.settle();
  }

  #copying(session: SourceSession): SourceSession {
    return Object.assign(Object.create(session) as SourceSession, {
      batches: (signal: AbortSignal) => session.batches(signal),
      confirm: session.confirm.bind(session),
      finishAt: session.finishAt.bind(session),
      copyAgain: async (tables: readonly string[], how: CopyAgain) => {
        this.asked.push(`${how} ${tables.join(' ')}`);
        if (this.refusal !== null) throw this.refusal;
        this.copying = tables.map((table) => ({ table, rows: 0, estimatedRows: 0, done: false }));
      },
      status: (): SourceStatus => {
        const status = session.status();
        return this.copying.length > 0 ? { ...status, phase: 'snapshot', snapshot: this.copying } : status;
      },
      [Symbol.asyncDispose]: () => session[Symbol.asyncDispose](),
    });
  }
}

async function running(faults: readonly Fault[] = [], canCopy = true): Promise<CopyingWorld> {
  const copying = new CopyingWorld(faults, canCopy);
  copying.pipeline.run().catch(() => {});
  await copying.world.clock.settle();
  return copying;
}

describe('a copy that is asked for', () => {
  test('has begun when the source says so, and is done when every sink holds what came until its end', async () => {
    const copying = await running([fault('warehouse.commit', 1, 'hold')]);
    const { events } = copying.ask(['public.orders'], 'in-place');
    await copying.settle();
    expect(copying.asked).toEqual(['in-place public.orders']);
    expect(events).toEqual(['begun']);
    copying.world.log.commit([insert(1)]);
    copying.copying = [];
    await copying.settle();
    expect(events).toEqual(['begun']);
    copying.pipeline.stop();
  });

  test('is done at once where nothing is left to commit', async () => {
    const copying = await running();
    const { events } = copying.ask(['public.orders'], 'anew');
    await copying.settle();
    copying.copying = [];
    await copying.settle();
    expect(events).toEqual(['begun', 'done']);
    await copying.pipeline[Symbol.asyncDispose]();
  });

  test('goes on with the next attempt: asked again where the checkpoint does not know of it', async () => {
    for (const isKnown of [true, false]) {
      const copying = await running([fault('warehouse.commit', 1, 'reject')]);
      const { events } = copying.ask(['public.orders'], 'anew');
      await copying.settle();
      if (!isKnown) copying.copying = [];
      copying.world.log.commit([insert(1)]);
      await copying.settle(5000);
      expect(copying.asked).toHaveLength(isKnown ? 1 : 2);
      copying.copying = [];
      await copying.settle();
      expect(events).toEqual(['begun', 'done']);
      await copying.pipeline[Symbol.asyncDispose]();
    }
  });

  test('that the source refuses is refused, and the pipeline runs on', async () => {
    const copying = await running();
    copying.refusal = new WeirError('WEIR_TABLE_UNKNOWN', 'no such table');
    const { events } = copying.ask(['public.x'], 'anew');
    await copying.settle();
    expect(events).toEqual(['WEIR_TABLE_UNKNOWN']);
    expect(copying.pipeline.status().state).toBe('running');
    await copying.pipeline[Symbol.asyncDispose]();
  });

  test('fails with the pipeline that ends before', async () => {
    const copying = await running();
    const { events } = copying.ask(['public.orders'], 'anew');
    await copying.settle();
    await copying.pipeline[Symbol.asyncDispose]();
    await copying.settle();
    expect(events).toEqual(['begun', 'WEIR_NOT_RUNNING']);
  });

  test('needs a pipeline that runs, and a source that can', async () => {
    const idle = new CopyingWorld();
    await expect(idle.pipeline.copyAgain(['public.orders'], 'anew')).rejects.toMatchObject({ code: 'WEIR_NOT_RUNNING' });
    const unable = await running([], false);
    await expect(unable.pipeline.copyAgain(['public.orders'], 'anew')).rejects.toMatchObject({ code: 'WEIR_COPY_UNSUPPORTED' });
    await unable.pipeline[Symbol.asyncDispose]();
  });

  test('over what sinks have is refused where one keeps a history, which would miss changes (invariant 7)', async () => {
    const copying = new CopyingWorld([], true, { mode: 'append' });
    copying.pipeline.run().catch(() => {});
    await copying.settle();
    for (const how of ['in-place', 'repair'] as const) {
      const asked = copying.pipeline.copyAgain(['public.orders'], how);
      await expect(asked).rejects.toMatchObject({ code: 'WEIR_COPY_UNSUPPORTED', message: expect.stringContaining('warehouse') as string });
    }
    expect(copying.asked).toEqual([]);
    const { events } = copying.ask(['public.orders'], 'anew');
    await copying.settle();
    expect(events).toEqual(['begun']);
    await copying.pipeline[Symbol.asyncDispose]();
  });
});
