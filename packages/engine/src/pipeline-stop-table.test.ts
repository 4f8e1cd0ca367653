import { describe, expect, test } from 'vitest';
import { WeirError, schemaPolicies, type Json, type SchemaChange, type SinkSession, type Transform } from '@weir/sdk';
import { boundaryOf, commitOf, type Fault } from '@weir/testkit';
import { refusal, refusing } from './refusing-sink.fake.ts';
import { imbalance } from './row-counters.ts';
import type { SinkPolicies } from './schema-gate.ts';
import { World, customers, fault, insert, orders, type ProcessOptions, type WorldProcess } from './world.fake.ts';

const stopTable: SinkPolicies = { mode: 'mirror', schemaChanges: schemaPolicies('apply'), onError: 'stop_table' };
const refuseOrders = { policies: stopTable, wrap: refusing(new Set(['public.orders'])) };

/** Each transaction inserts an order and a customer of its number. */
function worldWith(transactions: number, mode: SinkSession['mode'] = 'transactional'): World {
  const world = new World({ warehouse: mode });
  for (let number = 1; number <= transactions; number++) commitBoth(world, number);
  return world;
}

function commitBoth(world: World, number: number): void {
  world.log.commit([insert(number), insert(number, `customer ${number}`, customers)]);
}

/** Schema changes before the rows of transactions, by their number. */
function withChanges(changes: Readonly<Record<number, SchemaChange>>): Transform {
  return {
    name: 'changes',
    apply: (batch) => {
      const schemaChanges = batch.commits.flatMap(({ position }) => {
        const number = Object.keys(changes).find((key) => commitOf(Number(key)) === position);
        return number === undefined ? [] : [changes[Number(number)]!];
      });
      return { batch: { ...batch, schemaChanges: [...batch.schemaChanges, ...schemaChanges] }, rejected: [], filtered: 0, made: 0 };
    },
  };
}

function customersOf(world: World): unknown {
  return { 'public.customers': world.log.content()['public.customers'] };
}

function waits({ logged }: WorldProcess): number[] {
  return logged.flatMap((line) => {
    const wait = (line as Record<string, Json>)['retryInMs'];
    return typeof wait === 'number' ? [wait] : [];
  });
}

async function failure(world: World, options: ProcessOptions): Promise<unknown> {
  return await world.clock.outcome(world.process(options).pipeline.run().catch((error: unknown) => error));
}

describe('a table that the sink cannot take, under `on_error: stop_table`', () => {
  test('is stopped at once, without a wait; the other goes on and the checkpoint moves (invariant 7)', async () => {
    const world = worldWith(5);
    const before = world.clock.now();
    const process = await world.deliverAll(refuseOrders);
    expect(world.clock.now()).toBe(before);
    expect(world.target().content).toEqual(customersOf(world));
    expect(world.target().checkpoint?.position).toBe(boundaryOf(5));
    const { sinks, attempt, state } = process.pipeline.status();
    expect([attempt, state]).toEqual([1, 'stopped']);
    const { rows, stoppedTables } = sinks['warehouse']!;
    expect(stoppedTables).toEqual([
      { table: 'public.orders', code: 'WEIR_SINK_TYPE', message: 'the sink cannot hold public.orders' },
    ]);
    expect(rows).toMatchObject({ delivered: 5, filtered: 5, inFlight: 0 });
    expect(imbalance(rows)).toBe(0);
    const message = 'public.orders is stopped at this sink: the sink cannot hold public.orders';
    const place = { level: 'warn', sink: 'warehouse', table: 'public.orders', code: 'WEIR_SINK_TYPE' };
    expect(process.logged).toContainEqual(expect.objectContaining({ ...place, message, retryInMs: 0 }));
  });

  test('is marked right after `recover`, before any batch', async () => {
    const { script } = await worldWith(3).deliverAll(refuseOrders);
    const calls = script.calls.filter((call) => call.startsWith('warehouse.')).map((call) => call.slice('warehouse.'.length));
    expect(calls.slice(0, 6)).toEqual(['open', 'recover', 'dispose', 'open', 'recover', 'stopTable']);
    expect(script.count('warehouse.stopTable')).toBe(1);
  });

  test('stays stopped in the next process, which says so', async () => {
    const world = worldWith(3);
    await world.deliverAll(refuseOrders);
    commitBoth(world, 4);
    const { pipeline, script, logged } = await world.deliverAll({ policies: stopTable });
    expect(world.target().content).toEqual(customersOf(world));
    expect(script.count('warehouse.stopTable')).toBe(0);
    expect(pipeline.status().sinks['warehouse']).toMatchObject({ stoppedTables: [{ table: 'public.orders' }] });
    expect(logged).toContainEqual(expect.objectContaining({ level: 'warn', table: 'public.orders', code: 'WEIR_SINK_TYPE' }));
  });

  test('that fails at the commit is stopped as well', async () => {
    const world = worldWith(3);
    await world.deliverAll({ policies: stopTable, wrap: refusing(new Set(['public.orders']), 'commit') });
    expect(world.target().content).toEqual(customersOf(world));
  });

  test('is stopped in the end, although the sink fails while it is told', async () => {
    const world = worldWith(3);
    const faults = [
      fault('warehouse.stopTable', 1, 'reject'),
      fault('warehouse.stopTable', 2, 'lose answer'),
      fault('warehouse.commit', 1, 'lose answer'),
    ];
    const { pipeline } = await world.deliverAll({ ...refuseOrders, faults });
    expect(world.target().content).toEqual(customersOf(world));
    expect(imbalance(pipeline.status().sinks['warehouse']!.rows)).toBe(0);
  });

  test('and another: both, one after the other', async () => {
    const world = worldWith(3);
    const wrap = refusing(new Set(['public.orders', 'public.customers']));
    const { pipeline, script } = await world.deliverAll({ policies: stopTable, wrap });
    expect([world.target().content, script.count('warehouse.open')]).toEqual([{}, 3]);
    expect(world.target().checkpoint?.position).toBe(boundaryOf(3));
    expect(pipeline.status().sinks['warehouse']!.stoppedTables).toHaveLength(2);
  });

  test('at one sink is delivered to the other', async () => {
    const world = new World({ warehouse: 'transactional', other: 'staged' });
    for (let number = 1; number <= 4; number++) commitBoth(world, number);
    const wrap: ProcessOptions['wrap'] = (sink, name) => (name === 'warehouse' ? refuseOrders.wrap(sink) : sink);
    await world.deliverAll({ policies: stopTable, wrap });
    expect(world.target('warehouse').content).toEqual(customersOf(world));
    expect(world.target('other').content).toEqual(world.log.content());
  });
});

describe('what stops the pipeline, not the table', () => {
  const error = refusal('public.orders');

  test('the same failure under `on_error: stop`', async () => {
    const policies: SinkPolicies = { ...stopTable, onError: 'stop' };
    expect(await failure(worldWith(3), { ...refuseOrders, policies })).toMatchObject({ code: 'WEIR_SINK_TYPE', table: 'public.orders' });
    expect(await failure(worldWith(3), { wrap: refuseOrders.wrap })).toMatchObject({ code: 'WEIR_SINK_TYPE' });
  });

  test('a sink that cannot remember which tables are stopped', async () => {
    const thrown = await failure(worldWith(3, 'idempotent'), refuseOrders);
    expect(thrown).toMatchObject({ code: 'WEIR_SINK_TYPE', table: 'public.orders' });
  });

  test.each(['source.pull', 'source.open', 'warehouse.open', 'warehouse.recover'])('an error of %s', async (on) => {
    const refused: Fault = { on, call: 1, does: 'reject', error };
    expect(await failure(worldWith(3), { policies: stopTable, faults: [refused] })).toBe(error);
  });

  test('nothing that may pass: it is tried again, table or not', async () => {
    const world = worldWith(3);
    const passing = new WeirError('WEIR_PG_CONNECTION_LOST', 'gone', { table: 'public.orders' });
    const refused: Fault = { on: 'warehouse.write', call: 1, does: 'reject', error: passing };
    const process = await world.deliverAll({ policies: stopTable, faults: [refused] });
    expect(world.target().content).toEqual(world.log.content());
    expect(waits(process)).toHaveLength(1);
  });

  test('nor an error that is about no table', async () => {
    const about = new WeirError('WEIR_DUCKDB_OPEN', 'no room');
    const refused: Fault = { on: 'warehouse.write', call: 1, does: 'reject', error: about };
    expect(await failure(worldWith(3), { policies: stopTable, faults: [refused] })).toBe(about);
  });
});

describe('in a copy', () => {
  test('tables that the sink refuses are stopped, all of them, and the rest is copied', async () => {
    const world = worldWith(9);
    const { pipeline, script } = await world.deliverAll({ ...refuseOrders, copies: true });
    expect(world.target().content).toEqual(customersOf(world));
    expect([script.count('warehouse.open'), pipeline.status().attempt]).toEqual([2, 1]);
  });

  // Each failure lets the copy of both start again, with a `create` for each: that must take no mark away.
  test.each(['write', 'commit'] as const)('two of them end, refused at the %s', async (at) => {
    const world = worldWith(9);
    const refused = new Set(['public.orders', 'public.customers']);
    const { script } = await world.deliverAll({ policies: stopTable, wrap: refusing(refused, at), copies: true });
    expect([world.target().content, script.count('warehouse.open')]).toEqual([{}, 3]);
    world.log.commit([insert(100)]);
    await world.deliverAll({ policies: stopTable, wrap: refusing(refused, at), copies: true });
    expect(world.target().content).toEqual({});
  });

  test('two of them end although the connection is lost in every copy', async () => {
    const world = worldWith(9);
    const wrap = refusing(new Set(['public.orders', 'public.customers']));
    const faults = [4, 9, 14].map((call) => fault('source.pull', call, 'reject'));
    await world.deliverAll({ policies: stopTable, wrap, copies: true, faults });
    expect(world.target().content).toEqual({});
    expect(world.target().checkpoint).not.toBeNull();
  });

  test('the next process tries once more: its copy starts the table again', async () => {
    const world = worldWith(9);
    const { pipeline } = world.process({ ...refuseOrders, copies: true, faults: [fault('source.pull', 5, 'die')] });
    await world.clock.settles(pipeline.run());
    world.log.disconnect();
    await world.deliverAll({ policies: stopTable, copies: true });
    expect(world.target().content).toEqual(world.log.content());
  });
});

describe('a table that is started again', () => {
  const again = { table: orders, change: 'create', reason: 'again' } as const;

  test('by a `create` behind the failure is delivered from there on', async () => {
    const world = worldWith(6);
    const refused = new Set(['public.orders']);
    const process = world.process({ policies: stopTable, wrap: refusing(refused), transforms: [withChanges({ 8: again })] });
    const run = process.pipeline.run();
    await world.clock.settle();
    refused.clear();
    for (const number of [7, 8, 9]) commitBoth(world, number);
    await world.clock.settle();
    process.pipeline.stop();
    await world.clock.outcome(run);
    expect(world.target().rows(orders).map(([key]) => key)).toEqual(['8', '9']);
    const { stoppedTables, schemaChanges } = process.pipeline.status().sinks['warehouse']!;
    expect([stoppedTables, schemaChanges]).toMatchObject([[], [{ change: 'create', action: 'apply' }]]);
    expect(process.pipeline.status().attempt).toBe(1);
  });

  test('that is created in the stream and refused there stays stopped, until it is created once more', async () => {
    const world = worldWith(6);
    const create = { ...again, reason: 'new' } as const;
    const transforms = [withChanges({ 3: create })];
    const { script } = await world.deliverAll({ ...refuseOrders, transforms });
    // Transactions 1 and 2 bring orders as well, so the second failure is the one of its `create`.
    expect(script.count('warehouse.open')).toBe(3);
    expect(world.target().content).toEqual(customersOf(world));
  });

  test('and fails again has to wait as after any failure', async () => {
    const world = worldWith(8);
    const transforms = [withChanges({ 3: again, 5: again, 7: again })];
    const process = await world.deliverAll({ ...refuseOrders, transforms });
    expect(world.target().content).toEqual(customersOf(world));
    const [first, ...rest] = waits(process);
    expect([first, rest.length, rest.every((wait) => wait > 0)]).toEqual([0, 3, true]);
  });
});

describe('a schema change whose policy is stop, under `on_error: stop_table`', () => {
  const policies: SinkPolicies = { mode: 'mirror', schemaChanges: { ...schemaPolicies('apply'), drop: 'stop' }, onError: 'stop_table' };
  const drop: SchemaChange = { table: orders, change: 'drop', column: 'label' };

  test('stops the table: rows before it in its transaction are left out, those delivered before stay', async () => {
    const world = worldWith(5);
    const transforms = [withChanges({ 3: drop })];
    const slow = [fault('source.pull', 3, 'slow', 1000)];
    const { pipeline, logged } = await world.deliverAll({ policies, transforms, faults: slow });
    expect(world.target().rows(orders).map(([key]) => key)).toEqual(['1', '2']);
    expect(world.target().rows(customers)).toHaveLength(5);
    expect(pipeline.status().sinks['warehouse']).toMatchObject({
      schemaChanges: [{ table: 'public.orders', change: 'drop', column: 'label', action: 'stop_table' }],
      schemaChangeTotals: { drop: { stop_table: 1 } },
      stoppedTables: [{ table: 'public.orders', code: 'WEIR_SCHEMA_CHANGE' }],
    });
    const event = { level: 'warn', table: 'public.orders', change: 'drop', column: 'label', action: 'stop_table' };
    expect(logged).toContainEqual(expect.objectContaining(event));
  });

  test('stops the pipeline where the sink cannot remember the table', async () => {
    const world = worldWith(5, 'idempotent');
    const thrown = await failure(world, { policies, transforms: [withChanges({ 3: drop })] });
    expect(thrown).toMatchObject({ code: 'WEIR_SCHEMA_CHANGE', table: 'public.orders' });
  });
});
