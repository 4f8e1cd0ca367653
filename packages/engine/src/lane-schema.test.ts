import { describe, expect, test } from 'vitest';
import {
  BatchBuilder,
  emptyBatch,
  schemaPolicies,
  type Batch,
  type SchemaChange,
  type SchemaPolicies,
  type Table,
  type WeirError,
} from '@weir/sdk';
import { boundaryOf } from '@weir/testkit';
import { LaneWorld, batchOf, boundary, chunkOf, commit, state } from './lane-world.fake.ts';
import { imbalance } from './row-counters.ts';
import { customers, orders, row } from './world.fake.ts';

const note = { name: 'note', type: { kind: 'string' }, nullable: true, sourceType: 'text' } as const;
const noted: Table = { ...orders, version: 2, columns: [...orders.columns, note] };
const addNote: SchemaChange = { table: noted, change: 'add', column: 'note', value: null };
const dropLabel: SchemaChange = { table: orders, change: 'drop', column: 'label' };
const newOrders: SchemaChange = { table: orders, change: 'create', reason: 'new' };

function policies(changes: Partial<SchemaPolicies>): SchemaPolicies {
  return { ...schemaPolicies('apply'), ...changes };
}

/** Changes in the middle of a transaction, before its rows. */
function changesIn(transaction: number, ...schemaChanges: SchemaChange[]): Batch {
  return { ...emptyBatch(null, schemaChanges), commits: [commit(transaction)] };
}

/** One transaction with a row of each table. */
function mixed(number: number, checkpoint = boundary(number)): Batch {
  const builder = new BatchBuilder().begin(commit(number));
  return builder.insert(orders, row(number, 'a')).insert(customers, row(number, 'b')).build(checkpoint);
}

async function failureOf(world: LaneWorld): Promise<WeirError> {
  return await world.run.then(
    () => expect.fail('the lane did not fail'),
    (error: unknown) => error as WeirError,
  );
}

describe('schema changes of a sink that is ahead (invariant 4)', () => {
  const holds = boundaryOf(2);

  test('in the middle of a transaction that it holds are dropped, and the lane is settled', async () => {
    const world = (await LaneWorld.open({ holds })).start();
    await world.push(changesIn(2, addNote), batchOf([2], boundary(2), [], noted));
    expect(await world.clock.settles(world.lane.settled())).toBe(true);
    expect([world.writes, world.record.rows.replayed]).toEqual([[], 1]);
  });

  test('in the middle of one that is news are written, once, and belong to its commit (invariant 3)', async () => {
    const world = (await LaneWorld.open({ holds })).start();
    await world.push(batchOf([2], null), batchOf([3], null), changesIn(3, dropLabel));
    await world.clock.settle();
    expect(world.writes).toMatchObject([{ rows: 1 }, { changes: ['drop public.orders'], rows: 0 }]);
    expect(world.calls).toEqual(['write', 'write']);
    await world.push(batchOf([3], boundary(3)));
    await world.clock.settle();
    expect(world.calls).toEqual(['write', 'write', 'write', 'commit']);
  });

  test('behind a transaction that it holds, with a checkpoint that is news, are dropped with it', async () => {
    const world = await LaneWorld.open({ holds });
    await world.deliver({ ...changesIn(2, addNote), checkpoint: boundary(3) });
    expect([world.calls, world.record.checkpoint]).toEqual([['commit'], boundaryOf(3)]);
  });

  test('between transactions are written when their checkpoint is news', async () => {
    const world = await LaneWorld.open({ holds });
    await world.deliver(emptyBatch(boundary(2), [dropLabel]), emptyBatch(boundary(3), [dropLabel]));
    expect(world.writes).toEqual([{ changes: ['drop public.orders'], rows: 0, hasChunk: false }]);
  });

  test('a table that was created in a transaction that it holds is not emptied', async () => {
    const world = await LaneWorld.open({ holds });
    await world.deliver(batchOf([1, 2, 3], boundary(3), [newOrders]));
    expect(world.writes).toEqual([{ changes: [], rows: 1, hasChunk: false }]);
  });
});

describe('a policy decides about each kind of change', () => {
  test('apply: the sink gets it', async () => {
    const world = await LaneWorld.open();
    await world.deliver(batchOf([1], boundary(1)), batchOf([2], boundary(2), [addNote], noted));
    expect(world.writes.map(({ changes }) => changes)).toEqual([[], ['add public.orders']]);
  });

  test('ignore: the sink gets its rows only', async () => {
    const world = await LaneWorld.open({ policies: { schemaChanges: policies({ drop: 'ignore' }) } });
    await world.deliver(batchOf([1], boundary(1)), batchOf([2], boundary(2), [dropLabel]));
    expect(world.writes).toEqual([1, 2].map(() => ({ changes: [], rows: 1, hasChunk: false })));
    expect(world.keys).toEqual([1, 2]);
  });

  test('ignore without rows: the sink is not called, the checkpoint is committed', async () => {
    const world = await LaneWorld.open({ policies: { schemaChanges: policies({ drop: 'ignore' }) } });
    await world.deliver(emptyBatch(boundary(1), [dropLabel]));
    expect(world.calls).toEqual(['commit']);
  });

  test('stop: the lane ends before the batch, with the table, the column, the place and the line that allows it', async () => {
    const world = await LaneWorld.open({ policies: { schemaChanges: policies({ drop: 'stop' }) } });
    await world.push(batchOf([1], boundary(1)), batchOf([2], boundary(2), [addNote, dropLabel]));
    world.start();
    const error = await failureOf(world);
    // What was complete before it is delivered, and the change before it in its batch has not happened.
    expect([world.calls, world.record.checkpoint]).toEqual([['write', 'commit'], boundaryOf(1)]);
    expect(error).toMatchObject({
      code: 'WEIR_SCHEMA_CHANGE',
      table: 'public.orders',
      path: 'pipelines.shop.sinks.warehouse.schema_changes.drop',
      message: 'public.orders: column label was dropped, and `schema_changes` of sink warehouse says stop',
      fix: 'Write `schema_changes: { drop: apply }` for the sink warehouse, then start again.',
    });
    expect(world.writes).toHaveLength(1);
    expect(world.record.status(0, true)).toMatchObject({
      schemaChanges: [{ table: 'public.orders', change: 'drop', column: 'label', action: 'stop' }],
      schemaChangeTotals: { drop: { stop: 1 } },
    });
  });

  test.each([
    ['rename', { table: orders, change: 'rename', column: 'b', from: 'a' }, 'column a was renamed to b'],
    ['widen', { table: orders, change: 'widen', column: 'label' }, 'column label has another type'],
    ['key', { table: orders, change: 'key' }, 'the key is another'],
    ['drop_table', { table: orders, change: 'drop-table' }, 'the table was dropped'],
    ['create', newOrders, 'the table is new'],
  ] satisfies [string, SchemaChange, string][])('stop names the key %s', async (key, change, what) => {
    const world = await LaneWorld.open({ policies: { schemaChanges: schemaPolicies('stop') } });
    await world.push(emptyBatch(boundary(1), [change]));
    const error = await failureOf(world.start());
    expect(error.message).toContain(what);
    expect(error.fix).toContain(`{ ${key}: apply }`);
  });

  test('tables of a first copy and those that are copied again are under no policy', async () => {
    const world = await LaneWorld.open({ policies: { schemaChanges: schemaPolicies('stop') } });
    const create = { table: orders, change: 'create' } as const;
    const again = { ...create, reason: 'again' } as const;
    const changes = [create, { ...create, reason: 'first' } as const, again];
    await world.deliver(emptyBatch({ position: `${boundaryOf(0)}.1.1`, state }, changes));
    expect(world.writes).toMatchObject([{ changes: ['create public.orders', 'create public.orders', 'create public.orders'] }]);
    // Only what changed behind the first copy is told.
    expect(world.record.status(0, true).schemaChangeTotals).toEqual({ create: { apply: 1 } });
  });
});

describe('a new table that is ignored', () => {
  const ignoring = { policies: { schemaChanges: policies({ create: 'ignore' }) } };

  test('is marked with the commit, and its rows are filtered (invariant 7)', async () => {
    const world = await LaneWorld.open(ignoring);
    await world.deliver({ ...mixed(1), schemaChanges: [newOrders] }, mixed(2));
    expect(world.calls).toEqual(['stopTable', 'write', 'write', 'commit']);
    expect(world.writes).toEqual([1, 2].map(() => ({ changes: [], rows: 1, hasChunk: false })));
    expect(world.record.rows).toMatchObject({ in: 4, delivered: 2, filtered: 2, inFlight: 0 });
    expect(imbalance(world.record.rows)).toBe(0);
    const { rowsByTable, stoppedTables, schemaChanges } = world.record.status(0, true);
    expect(rowsByTable).toEqual({ 'public.customers': 2 });
    expect(stoppedTables).toMatchObject([{ table: 'public.orders', code: 'WEIR_SCHEMA_IGNORED' }]);
    expect(schemaChanges).toMatchObject([{ change: 'create', column: null, action: 'ignore' }]);
    const shard = { pipeline: 'shop', sink: 'warehouse', shard: 0 };
    expect([...world.target.stoppedOf(shard).keys()]).toEqual(['public.orders']);
  });

  test('loses its copy as well: no chunk of it reaches the sink, and the copy is committed', async () => {
    const world = await LaneWorld.open(ignoring);
    const start = `${boundaryOf(5)}.00000001`;
    const created = emptyBatch({ position: `${start}.1`, state }, [newOrders]);
    await world.deliver(created, chunkOf([1, 2], `${start}.2`), chunkOf([3], `${start}.3`, customers));
    expect(world.writes).toEqual([{ changes: [], rows: 1, hasChunk: true }]);
    expect(world.record.rows).toMatchObject({ in: 3, filtered: 2, delivered: 1 });
    expect(world.record.checkpoint).toBe(`${start}.3`);
  });

  test('gets no further change, and stays ignored when it is copied again', async () => {
    const world = await LaneWorld.open(ignoring);
    const again = { ...newOrders, reason: 'again' } as const;
    await world.deliver(batchOf([1], boundary(1), [newOrders]), batchOf([2], boundary(2), [addNote, again]));
    expect([world.writes, world.record.rows.filtered]).toEqual([[], 2]);
    expect(world.record.status(0, true).schemaChangeTotals).toEqual({ create: { ignore: 1 } });
  });

  test('is delivered once it is in a first copy', async () => {
    const world = await LaneWorld.open(ignoring);
    const first = emptyBatch({ position: `${boundaryOf(5)}.2`, state }, [{ ...newOrders, reason: 'first' }]);
    await world.deliver(batchOf([1], boundary(1), [newOrders]), first, chunkOf([1], `${boundaryOf(5)}.3`));
    expect([world.keys, world.record.status(0, true).stoppedTables]).toEqual([[1], []]);
  });

  test('ends a lane whose sink cannot remember it', async () => {
    const world = await LaneWorld.open({ ...ignoring, mode: 'idempotent' });
    await world.push(batchOf([1], boundary(1), [newOrders]));
    const { code, message } = await failureOf(world.start());
    expect([code, message]).toEqual([
      'WEIR_SCHEMA_CHANGE',
      'public.orders: the table is new, and sink warehouse cannot remember to ignore a table',
    ]);
  });
});

describe('events', () => {
  test('are counted, kept and logged when they are durable, not before', async () => {
    const world = (await LaneWorld.open({ policies: { schemaChanges: policies({ drop: 'ignore' }) } })).start();
    await world.push(batchOf([1], null, [addNote, dropLabel], noted));
    await world.clock.settle();
    expect(world.record.status(0, true).schemaChangeTotals).toEqual({});
    world.lane.abandon();
    const next = await LaneWorld.open({ record: world.record, policies: { schemaChanges: policies({ drop: 'ignore' }) } });
    await next.deliver(batchOf([1], boundary(1)), batchOf([2], boundary(2), [addNote, dropLabel], noted));
    const { schemaChanges, schemaChangeTotals } = world.record.status(0, true);
    const about = { at: next.clock.now(), table: 'public.orders' };
    expect(schemaChanges).toEqual([
      { ...about, change: 'add', column: 'note', action: 'apply' },
      { ...about, change: 'drop', column: 'label', action: 'ignore' },
    ]);
    expect(schemaChangeTotals).toEqual({ add: { apply: 1 }, drop: { ignore: 1 } });
    expect(world.logged).toEqual([]);
    const sink = { pipeline: 'shop', sink: 'warehouse', table: 'public.orders' };
    expect(next.logged).toEqual([
      { level: 'info', message: 'public.orders: column note was added', ...sink, change: 'add', column: 'note', action: 'apply' },
      {
        level: 'warn',
        message: 'public.orders: column label was dropped, which this sink ignores',
        ...sink,
        change: 'drop',
        column: 'label',
        action: 'ignore',
      },
    ]);
  });

  test('the last 50 are kept, all are counted', async () => {
    const world = await LaneWorld.open({ policies: { schemaChanges: schemaPolicies('ignore') } });
    const changes = Array.from({ length: 60 }, (_, i): SchemaChange => ({ table: orders, change: 'drop', column: `c${i}` }));
    await world.deliver(emptyBatch(boundary(1), changes));
    const { schemaChanges, schemaChangeTotals } = world.record.status(0, true);
    expect([schemaChanges.length, schemaChanges[0]?.column, schemaChangeTotals]).toEqual([50, 'c10', { drop: { ignore: 60 } }]);
  });
});
