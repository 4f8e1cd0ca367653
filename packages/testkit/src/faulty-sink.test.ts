import { describe, expect, test } from 'vitest';
import {
  BatchBuilder,
  type Batch,
  type Checkpoint,
  type FlushedSession,
  type Shard,
  type SinkSession,
  type StagedSession,
  type Table,
  type TransactionalSession,
} from '@weir/sdk';
import { FaultScript, type Fault } from './fault-script.ts';
import { FaultySink } from './faulty-sink.ts';
import { ManualClock } from './manual-clock.ts';
import { MemorySink } from './memory-sink.ts';
import { MemoryTarget } from './memory-target.ts';

const orders: Table = {
  namespace: 'public',
  name: 'orders',
  version: 1,
  columns: [{ name: 'id', type: { kind: 'int', bits: 32 }, nullable: false, sourceType: 'integer' }],
  key: [0],
};
const shard: Shard = { pipeline: 'shop', sink: 'warehouse', shard: 0 };
const { signal } = new AbortController();
const first: Checkpoint = { position: '1', state: null };

function batchOf(version: number, ...ids: number[]): Batch {
  const builder = transaction(version);
  for (const id of ids) builder.insert(orders, { id });
  return builder.build(null);
}

function transaction(version: number): BatchBuilder {
  return new BatchBuilder().begin({ position: String(version), version: BigInt(version), time: 0, transactionId: '' });
}

class SinkWorld {
  readonly clock = new ManualClock();
  readonly target = new MemoryTarget();
  readonly script: FaultScript;
  readonly #mode: SinkSession['mode'];

  constructor(mode: SinkSession['mode'], ...faults: Fault[]) {
    this.#mode = mode;
    this.script = new FaultScript(this.clock, faults);
  }

  async open<Session extends SinkSession = SinkSession>(): Promise<Session> {
    const sink = new FaultySink(new MemorySink(this.target, this.#mode), 'warehouse', this.script);
    return (await sink.open(shard, signal)) as Session;
  }

  get ids(): number[] {
    return this.target.rows(orders).map(([id]) => Number(id));
  }
}

describe('FaultySink', () => {
  test('notes every call of the session that it wraps', async () => {
    const world = new SinkWorld('transactional');
    const session = await world.open<TransactionalSession>();
    await session.recover();
    await session.write(batchOf(1, 1));
    await session.commit(first);
    await session[Symbol.asyncDispose]();
    expect(world.script.calls).toEqual(['open', 'recover', 'write', 'commit', 'dispose'].map((call) => `warehouse.${call}`));
    expect(world.ids).toEqual([1]);
  });

  test('writes half of a batch, which a transaction undoes and an idempotent sink keeps', async () => {
    const partial: Fault = { on: 'warehouse.write', call: 1, does: 'partial' };
    const transactional = new SinkWorld('transactional', partial);
    await expect((await transactional.open()).write(batchOf(1, 1, 2, 3, 4))).rejects.toThrow('partial');
    await (await transactional.open<TransactionalSession>()).commit(first);
    expect(transactional.ids).toEqual([]);
    const idempotent = new SinkWorld('idempotent', partial);
    const session = await idempotent.open<FlushedSession>();
    await expect(session.write(batchOf(1, 1, 2, 3, 4))).rejects.toThrow('partial');
    await session.flush();
    expect(idempotent.ids).toEqual([1, 2]);
    await session.write(batchOf(1, 1, 2, 3, 4));
    await session.flush();
    expect(idempotent.ids).toEqual([1, 2, 3, 4]);
  });

  test('loses the answer of a commit that worked', async () => {
    const world = new SinkWorld('transactional', { on: 'warehouse.commit', call: 1, does: 'lose answer' });
    const session = await world.open<TransactionalSession>();
    await session.write(batchOf(1, 1));
    await expect(session.commit(first)).rejects.toThrow('lose answer');
    expect([world.ids, await (await world.open<TransactionalSession>()).recover()]).toEqual([[1], first]);
  });
});

describe('MemorySink', () => {
  const fenced = ['transactional', 'staged', 'idempotent'] as const;
  test.each(fenced)('%s: who lost the fence changes nothing (invariant 5)', async (mode) => {
    const commit = { transactional: 'commit', staged: 'stage', idempotent: 'flush', 'at-least-once': 'flush' }[mode];
    const world = new SinkWorld(mode, { on: `warehouse.${commit}`, call: 1, does: 'hold' });
    const zombie = await world.open();
    await zombie.write(batchOf(1, 1));
    const late = 'commit' in zombie ? zombie.commit(first) : 'stage' in zombie ? zombie.stage(first) : zombie.flush();
    await world.open();
    world.script.letGo();
    await expect(late).rejects.toMatchObject({ code: 'WEIR_DUCKDB_FENCED' });
    expect([world.ids, world.target.checkpoint, world.target.staged]).toEqual([[], null, 0]);
  });

  test('transactional: nothing is there before the commit, and nothing is after a session that had none', async () => {
    const world = new SinkWorld('transactional');
    const session = await world.open<TransactionalSession>();
    await session.write(batchOf(1, 1));
    expect(world.ids).toEqual([]);
    await session[Symbol.asyncDispose]();
    const next = await world.open<TransactionalSession>();
    expect(await next.recover()).toBeNull();
    await next.write(batchOf(2, 2));
    await next.commit(first);
    expect(world.ids).toEqual([2]);
  });

  test('transactional: a row that comes twice, out of order, or for a key that is not there is refused', async () => {
    const world = new SinkWorld('transactional');
    const attempt = async (batch: Batch): Promise<void> => {
      const session = await world.open<TransactionalSession>();
      await session.write(batch);
      await session.commit(first);
    };
    await attempt(batchOf(5, 1));
    const missing = [transaction(6).delete(orders, { id: 9 }), transaction(6).update(orders, { id: 9 })];
    const wrong = [batchOf(5, 2), batchOf(4, 2), batchOf(6, 1), ...missing.map((builder) => builder.build(null))];
    for (const batch of wrong) await expect(attempt(batch)).rejects.toMatchObject({ code: 'WEIR_SDK_USE' });
    expect(world.ids).toEqual([1]);
  });

  test('staged: applied by number, once, also when it stopped half way', async () => {
    const world = new SinkWorld('staged');
    const session = await world.open<StagedSession>();
    for (const version of [1, 2, 3]) await session.write(batchOf(version, version));
    const staged = await session.stage(first);
    expect([world.ids, world.target.staged]).toEqual([[], 1]);
    world.target.interruptApply = true;
    await expect(session.apply(staged)).rejects.toThrow('by half');
    expect([world.ids, world.target.checkpoint]).toEqual([[1, 2], null]);
    await session.write(batchOf(4, 4));
    const other = await session.stage({ position: '2', state: null });
    await expect(session.apply(other)).rejects.toMatchObject({ code: 'WEIR_SDK_USE' });
    for (let i = 0; i < 2; i++) await session.apply(staged);
    expect([world.ids, world.target.checkpoint, world.target.staged]).toEqual([[1, 2, 3], first, 1]);
  });

  test('idempotent: the newer version of a key stays, whatever comes again', async () => {
    const world = new SinkWorld('idempotent');
    const session = await world.open<FlushedSession>();
    const deletion = transaction(3).delete(orders, { id: 2 }).build(null);
    for (const batch of [batchOf(2, 1, 2), deletion, batchOf(1, 1, 2, 3)]) await session.write(batch);
    await session.flush();
    expect(world.ids).toEqual([1, 3]);
  });

  test('idempotent: a range takes older rows away, and newer ones stay when it comes again (invariant 7)', async () => {
    const world = new SinkWorld('idempotent');
    const session = await world.open<FlushedSession>();
    const upToThree = { after: ['1'], upTo: ['3'] };
    const copied = (): Batch =>
      transaction(2).read(orders, { id: 2 }).chunk(orders, { range: upToThree, last: false }).build(null);
    for (const batch of [batchOf(1, 1, 2, 3, 4), copied(), batchOf(3, 3), copied()]) await session.write(batch);
    await session.flush();
    expect(new Set(world.ids)).toEqual(new Set([1, 2, 3, 4]));
    const behindOne = { after: ['1'], upTo: null };
    await session.write(new BatchBuilder().chunk(orders, { range: behindOne, last: true }).build(null));
    await session.flush();
    expect(world.ids).toEqual([1]);
  });

  test('at least once: keeps every row as often as it came', async () => {
    const world = new SinkWorld('at-least-once');
    const session = await world.open<FlushedSession>();
    for (let i = 0; i < 2; i++) await session.write(batchOf(1, 7));
    await session.flush();
    expect(world.target.appended.map(({ after }) => after)).toEqual([['7'], ['7']]);
  });
});

test('what a session says and takes about stopped tables goes through, faults too', async () => {
  const world = new SinkWorld('transactional', { on: 'warehouse.stopTable', call: 2, does: 'reject', ms: 0 });
  await using session = await world.open<TransactionalSession>();
  await session.recover();
  expect(session.stoppedTables!.size).toBe(0);
  await session.stopTable!(orders, { code: 'WEIR_SINK_TYPE', message: 'a type' });
  await session.commit(first);
  await expect(session.stopTable!(orders, { code: 'WEIR_SINK_TYPE', message: 'again' })).rejects.toThrow('scripted');
  await using next = await world.open<TransactionalSession>();
  await next.recover();
  expect([...next.stoppedTables!]).toEqual([['public.orders', { code: 'WEIR_SINK_TYPE', message: 'a type' }]]);
});

test('a session that cannot remember stopped tables says so', async () => {
  await using session = await new SinkWorld('idempotent').open();
  expect(['stoppedTables' in session, 'stopTable' in session]).toEqual([false, false]);
});
