import { describe, expect, test } from 'vitest';
import type { Batch, Checkpoint, SourceSession, Table } from '@weir/sdk';
import { FaultScript } from './fault-script.ts';
import { ManualClock } from './manual-clock.ts';
import { OrderGuard } from './order-guard.ts';
import type { LoggedRow } from './logged-table.ts';
import { PrunedLog, type LoggedChange } from './pruned-log.ts';
import { boundaryOf } from './pruning-position.ts';
import { PruningSource, type PruningSourceOptions } from './pruning-source.ts';
import { seeBatch, type SeenBatch } from './seen-batch.ts';

const orders: Table = {
  namespace: 'public',
  name: 'orders',
  version: 1,
  columns: [
    { name: 'id', type: { kind: 'int', bits: 32 }, nullable: false, sourceType: 'integer' },
    { name: 'note', type: { kind: 'string' }, nullable: true, sourceType: 'text' },
  ],
  key: [0],
};
const { signal } = new AbortController();

function insert(id: number): LoggedRow {
  return { op: 'insert', table: orders, after: { id, note: 'a' } };
}

class LogWorld {
  readonly clock = new ManualClock();
  readonly log = new PrunedLog([orders], this.clock);

  constructor(...transactions: (readonly number[])[]) {
    for (const inserted of transactions) this.log.commit(inserted.map((id) => insert(id)));
  }

  source(options: Partial<PruningSourceOptions> = {}): PruningSource {
    return new PruningSource({ log: this.log, clock: this.clock, ...options });
  }

  /** Everything up to the head, held to the order that sources promise. */
  async read(source: PruningSource, from: Checkpoint | null = null): Promise<SeenBatch[]> {
    await using session = await source.open(from, signal);
    session.finishAt(await source.head());
    return await readAll(session, from);
  }
}

async function readAll(session: SourceSession, from: Checkpoint | null): Promise<SeenBatch[]> {
  const guard = new OrderGuard(from);
  const seen: SeenBatch[] = [];
  for await (const batch of session.batches(signal)) {
    seen.push(seeBatch(batch));
    guard.check(seen.at(-1)!);
    batch.release();
  }
  return seen;
}

function ids(batches: readonly SeenBatch[]): number[] {
  return batches.flatMap(({ rows }) => rows.map(({ after }) => Number(after![0])));
}

describe('PruningSource', () => {
  test('gives transactions in order, large ones in parts, with checkpoints between transactions', async () => {
    const world = new LogWorld([1], [], [2, 3, 4, 5, 6], [7]);
    const batches = await world.read(world.source({ rowsPerBatch: 3 }));
    expect(batches.map(({ rows, checkpoint }) => [rows.length, checkpoint?.position ?? null])).toEqual([
      [1, boundaryOf(1)],
      [0, boundaryOf(2)],
      [3, null],
      [2, boundaryOf(3)],
      [1, boundaryOf(4)],
    ]);
    expect(ids(batches)).toEqual([1, 2, 3, 4, 5, 6, 7]);
  });

  test('puts several transactions into a batch, which may end in the middle of one; the rest of that one is a batch (invariant 3)', async () => {
    const world = new LogWorld([1], [2], [3, 4], [5]);
    const batches = await world.read(world.source({ rowsPerBatch: 3, transactionsPerBatch: 9 }));
    expect(batches.map(({ rows, checkpoint }) => [rows.length, checkpoint?.position ?? null])).toEqual([
      [3, null],
      [1, boundaryOf(3)],
      [1, boundaryOf(4)],
    ]);
  });

  test('resumed from any checkpoint gives exactly the rest', async () => {
    for (let taken = 0; taken < 4; taken++) {
      const world = new LogWorld([1], [2, 3], [4], [5]);
      const all = await world.read(world.source());
      const from = all[taken]!.checkpoint;
      expect(ids(await world.read(world.source(), from))).toEqual(ids(all.slice(taken + 1)));
    }
  });

  test('deletes what was confirmed, and refuses to start below it (invariant 6)', async () => {
    const world = new LogWorld([1], [2], [3]);
    const source = world.source();
    const [first, second] = (await world.read(source)).map(({ checkpoint }) => checkpoint!);
    expect(world.log.forgotten).toBe(0);
    const session = await source.open(first!, signal);
    expect(world.log.forgotten, 'what it is opened with is as good as confirmed').toBe(1);
    await session.confirm(second!);
    await session.confirm(first!);
    expect([world.log.forgotten, session.status().lagBytes]).toEqual([2, 1]);
    await session[Symbol.asyncDispose]();
    await expect(source.open(first!, signal)).rejects.toMatchObject({ code: 'WEIR_PG_SLOT_ADVANCED' });
    await expect(source.open(null, signal)).rejects.toMatchObject({ code: 'WEIR_PG_SLOT_ADVANCED' });
    expect(ids(await world.read(source, second))).toEqual([3]);
  });

  test('has one reader at a time', async () => {
    const world = new LogWorld([1]);
    const source = world.source();
    const session = await source.open(null, signal);
    await expect(source.open(null, signal)).rejects.toMatchObject({ code: 'WEIR_PG_SLOT_IN_USE' });
    world.log.disconnect();
    await expect(readAll(session, null)).rejects.toMatchObject({ code: 'WEIR_PG_CONNECTION_LOST' });
    const confirmed = session.confirm({ position: boundaryOf(1), state: null });
    await expect(confirmed).rejects.toMatchObject({ code: 'WEIR_PG_CONNECTION_LOST' });
    expect(ids(await world.read(source))).toEqual([1]);
  });

  test('waits for more, and stops waiting when it is told to', async () => {
    const world = new LogWorld([1]);
    await using session = await world.source().open(null, signal);
    const stopping = new AbortController();
    const batches = session.batches(stopping.signal)[Symbol.asyncIterator]();
    await batches.next();
    const next = batches.next();
    expect(await world.clock.settles(next)).toBe(false);
    world.log.commit([insert(2)]);
    expect((await next).done).toBe(false);
    const end = batches.next();
    await world.clock.settle();
    stopping.abort(new Error('enough'));
    expect((await end).done).toBe(true);
  });

  test('meets the faults of its script', async () => {
    const world = new LogWorld([1], [2]);
    const script = new FaultScript(world.clock, [
      { on: 'source.open', call: 1, does: 'lose answer' },
      { on: 'source.pull', call: 2, does: 'reject' },
    ]);
    const source = world.source({ script });
    await expect(source.open(null, signal)).rejects.toThrow('source.open');
    await expect(world.read(source)).rejects.toThrow('source.pull');
    expect(ids(await world.read(source))).toEqual([1, 2]);
  });

  test('fills a batch with rubbish when it is released, and keeps account of its batches', async () => {
    const world = new LogWorld([1], [2]);
    const source = world.source();
    await using session = await source.open(null, signal);
    const batches: Batch[] = [];
    for await (const batch of session.batches(signal)) {
      batches.push(batch);
      if (batches.length === 2) break;
    }
    const [first] = batches;
    const before = seeBatch(first!);
    first!.release();
    expect(seeBatch(first!).rows).not.toEqual(before.rows);
    first!.release();
    expect(source.ledger).toEqual({ handedOut: 2, released: 1, releasedAgain: 1, heldBytes: batches[1]!.bytes });
  });
});

describe('a copy of the PruningSource', () => {
  test('starts tables empty, gives their rows in chunks, and leaves out of the stream what they hold', async () => {
    const world = new LogWorld([1, 2, 3], [4]);
    let pulls = 0;
    const onPull = (): void => {
      if (++pulls === 1) world.log.commit([insert(5)]);
      if (pulls === 2) world.log.commit([insert(6)]);
    };
    const source = world.source({ copies: true, rowsPerBatch: 3, onPull });
    await using session = await source.open(null, signal);
    session.finishAt(boundaryOf(4));
    const batches = await readAll(session, null);
    expect(batches[0]).toMatchObject({ rows: [], schemaChanges: [{ table: orders, change: 'create' }] });
    expect(batches.map(({ chunk }) => chunk?.last ?? null)).toEqual([null, false, true, null, null]);
    expect(batches.map(({ skipped }) => skipped)).toEqual([0, 0, 0, 1, 0]);
    expect(ids(batches)).toEqual([1, 2, 3, 4, 5, 6]);
  });

  test('that did not end is made again, as a new copy in another order', async () => {
    const world = new LogWorld([1, 2, 3]);
    const source = world.source({ copies: true, rowsPerBatch: 2 });
    const from = (await world.read(source))[1]!.checkpoint!;
    const again = await world.read(source, from);
    expect(ids(again)).toEqual([3, 2, 1]);
    expect(again.every(({ checkpoint }) => checkpoint!.position > from.position)).toBe(true);
    const done = again.at(-1)!.checkpoint!;
    expect(await world.read(source, done)).toEqual([]);
  });

  test('brings a table that is read from now on', async () => {
    const customers = { ...orders, name: 'customers' };
    const clock = new ManualClock();
    const log = new PrunedLog([orders, customers], clock);
    const source = (tables: readonly Table[]): PruningSource => new PruningSource({ log, clock, copies: true, tables });
    const read = async (tables: readonly Table[], from: Checkpoint | null): Promise<SeenBatch[]> => {
      await using session = await source(tables).open(from, signal);
      session.finishAt(boundaryOf(log.head));
      return await readAll(session, from);
    };
    log.commit([insert(1), { ...insert(7), table: customers }]);
    const first = await read([orders], null);
    expect(ids(first)).toEqual([1]);
    expect(ids(await read([orders, customers], first.at(-1)!.checkpoint))).toEqual([7]);
  });
});

describe('PrunedLog', () => {
  test('knows what its tables held after each transaction', () => {
    const { log } = new LogWorld([1, 2], [3]);
    const moved: LoggedChange = { op: 'update', table: orders, after: { id: 9, note: 'b' }, before: { id: 1 } };
    log.commit([moved, { op: 'delete', table: orders, before: { id: 2 } }]);
    log.commit([{ op: 'truncate', table: orders }]);
    expect(log.content(1)).toEqual({ 'public.orders': ['["1","a"]', '["2","a"]'] });
    expect(log.content(3)).toEqual({ 'public.orders': ['["3","a"]', '["9","b"]'] });
    expect(log.content()).toEqual({});
  });

  test('refuses what a database would refuse', () => {
    const { log } = new LogWorld([1]);
    const refused: LoggedChange[] = [
      insert(1),
      { op: 'delete', table: orders, before: { id: 2 } },
      { op: 'update', table: orders, after: { id: 2 } },
      { op: 'update', table: orders, after: { id: 1 }, before: { id: 3 } },
    ];
    for (const change of refused) expect(() => log.commit([change])).toThrow('cannot');
    expect(() => new PrunedLog([{ ...orders, key: [] }], new ManualClock())).toThrow('has no key');
  });
});
