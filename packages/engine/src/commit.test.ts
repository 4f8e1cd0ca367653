import { describe, expect, test } from 'vitest';
import { BatchBuilder, type Checkpoint, type Shard, type SinkSession } from '@weir/sdk';
import { memoryStore, type Store } from '@weir/store';
import { FaultScript, FaultySink, ManualClock, MemorySink, MemoryTarget, type Fault } from '@weir/testkit';
import { commitCheckpoint, recoverCheckpoint } from './commit.ts';
import { orders, row } from './world.fake.ts';

const shard: Shard = { pipeline: 'shop', sink: 'warehouse', shard: 0 };
const checkpoint: Checkpoint = { position: '00000001.0', state: { copies: 0, copied: {} } };
const { signal } = new AbortController();
const steps = {
  transactional: ['warehouse.commit', 'source.confirm'],
  staged: ['warehouse.stage', 'store.save', 'warehouse.apply', 'source.confirm'],
  idempotent: ['warehouse.flush', 'store.save', 'source.confirm'],
  'at-least-once': ['warehouse.flush', 'store.save', 'source.confirm'],
} as const;
const modes = Object.keys(steps) as (keyof typeof steps)[];

/** A session with one row written, a store and a source to confirm to, under one script. */
class Commit {
  readonly target = new MemoryTarget();
  readonly script: FaultScript;
  readonly #inner: Store = memoryStore();
  readonly store: Store;
  session!: SinkSession;

  private constructor(faults: readonly Fault[]) {
    this.script = new FaultScript(new ManualClock(), faults);
    const save: Store['saveCheckpoint'] = async (of, stored) => await this.#inner.saveCheckpoint(of, stored);
    const saveCheckpoint: Store['saveCheckpoint'] = async (of, stored) =>
      await this.script.perform('store.save', async () => await save(of, stored));
    this.store = new Proxy(this.#inner, {
      get: (store, key) => (key === 'saveCheckpoint' ? saveCheckpoint : (Reflect.get(store, key) as () => void).bind(store)),
    });
  }

  static async open(mode: SinkSession['mode'], faults: readonly Fault[] = []): Promise<Commit> {
    const commit = new Commit(faults);
    const sink = new FaultySink(new MemorySink(commit.target, mode), 'warehouse', commit.script);
    commit.session = await sink.open(shard, signal);
    const builder = new BatchBuilder().begin({ position: '00000000.1', version: 1n, time: 0, transactionId: '1' });
    await commit.session.write(builder.insert(orders, row(1, 'a')).build(checkpoint));
    commit.script.calls.length = 0;
    return commit;
  }

  async run(live: AbortSignal = signal): Promise<void> {
    const confirm = async (): Promise<void> => await this.script.perform('source.confirm', async () => {});
    await commitCheckpoint({ session: this.session, store: this.store, shard, checkpoint, confirm, signal: live });
  }

  /** The rows that the sink has made durable. */
  get rows(): number {
    return this.target.rows(orders).length + this.target.appended.length;
  }
}

describe.each(modes)('a commit of a sink that is %s', (mode) => {
  test('has its steps in order, the confirm last (invariant 1)', async () => {
    const commit = await Commit.open(mode);
    await commit.run();
    expect(commit.script.calls).toEqual(steps[mode]);
    expect(commit.rows).toBe(1);
    expect(await recoverCheckpoint(commit.session, commit.store, shard)).toEqual(checkpoint);
  });

  test.each(steps[mode])('goes no further when %s fails', async (step) => {
    for (const does of ['reject', 'lose answer'] as const) {
      const commit = await Commit.open(mode, [{ on: step, call: 1, does }]);
      await expect(commit.run()).rejects.toThrow(step);
      expect(commit.script.calls).toEqual(steps[mode].slice(0, steps[mode].indexOf(step as never) + 1));
    }
  });

  test.each(steps[mode].slice(0, -1))('goes no further when %s answers after the attempt is over', async (step) => {
    const commit = await Commit.open(mode, [{ on: step, call: 1, does: 'hold answer' }]);
    const ending = new AbortController();
    const run = commit.run(ending.signal);
    await new Promise<void>((resolve) => setImmediate(resolve));
    expect(commit.script.held).toEqual([step]);
    ending.abort(new Error('over'));
    commit.script.letGo();
    await expect(run).rejects.toThrow('over');
    expect(commit.script.calls).toEqual(steps[mode].slice(0, steps[mode].indexOf(step as never) + 1));
  });
});

describe('what is recovered (invariant 4)', () => {
  test('of a transactional sink is its own checkpoint, whatever the store has', async () => {
    const commit = await Commit.open('transactional');
    await commit.store.saveCheckpoint(shard, { checkpoint: { position: '9', state: null }, staged: null });
    expect(await recoverCheckpoint(commit.session, commit.store, shard)).toBeNull();
    await commit.run();
    expect(await recoverCheckpoint(commit.session, commit.store, shard)).toEqual(checkpoint);
  });

  test.each(['idempotent', 'at-least-once'] as const)("of a sink that is %s is the store's", async (mode) => {
    const commit = await Commit.open(mode);
    expect(await recoverCheckpoint(commit.session, commit.store, shard)).toBeNull();
    await commit.store.saveCheckpoint(shard, { checkpoint: { position: '9', state: null }, staged: null });
    expect(await recoverCheckpoint(commit.session, commit.store, shard)).toEqual({ position: '9', state: null });
  });

  test('of a staged sink is its own, after what the store says is staged was applied again', async () => {
    const commit = await Commit.open('staged', [{ on: 'warehouse.apply', call: 1, does: 'reject' }]);
    await expect(commit.run()).rejects.toThrow('warehouse.apply');
    expect([commit.rows, commit.target.staged]).toEqual([0, 1]);
    expect(await recoverCheckpoint(commit.session, commit.store, shard)).toEqual(checkpoint);
    expect([commit.rows, commit.target.staged]).toEqual([1, 0]);
    expect(await recoverCheckpoint(commit.session, commit.store, shard), 'once more changes nothing').toEqual(checkpoint);
    expect(commit.rows).toBe(1);
  });

  test('of a staged sink is the checkpoint before, when the intent was not saved: it is never applied', async () => {
    const commit = await Commit.open('staged', [{ on: 'store.save', call: 1, does: 'reject' }]);
    await expect(commit.run()).rejects.toThrow('store.save');
    expect(await recoverCheckpoint(commit.session, commit.store, shard)).toBeNull();
    expect([commit.rows, commit.target.staged]).toEqual([0, 1]);
  });

  test('an apply that stopped half way is taken up again by its recorded name', async () => {
    const commit = await Commit.open('staged');
    commit.target.interruptApply = true;
    await expect(commit.run()).rejects.toThrow('by half');
    expect(await recoverCheckpoint(commit.session, commit.store, shard)).toEqual(checkpoint);
    expect(commit.rows).toBe(1);
  });
});
