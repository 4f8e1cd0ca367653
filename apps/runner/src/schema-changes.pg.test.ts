import type { PipelineStatus } from '@weir/engine';
import { temporaryPostgres, type TemporaryPostgres } from '@weir/services';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { ShapeWorld } from './shape-world.fake.ts';
import { planPipelines } from './plan.ts';

// A real server and whole pipelines, which take their time on a busy machine.
vi.setConfig({ testTimeout: 180_000, hookTimeout: 120_000 });

let server: TemporaryPostgres;
beforeAll(async () => {
  server = await temporaryPostgres();
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

const ORDERS = `CREATE TABLE orders (id int PRIMARY KEY, note varchar(10), total numeric(12, 2));
  INSERT INTO orders SELECT n, 'order ' || n, n * 1.5 FROM generate_series(1, 20) n;
  CREATE TABLE lines (id int PRIMARY KEY, text text);
  INSERT INTO lines SELECT n, 'line ' || n FROM generate_series(1, 5) n;`;

/** Every kind of change, each between rows that have the shape before it and behind it. */
const CHANGES = `
  INSERT INTO orders VALUES (101, 'before', 1);
  ALTER TABLE orders ADD COLUMN city text DEFAULT 'Bonn';
  INSERT INTO orders VALUES (102, 'added', 2, 'Rome');
  ALTER TABLE orders RENAME COLUMN note TO remark;
  UPDATE orders SET remark = 'renamed' WHERE id <= 3;
  ALTER TABLE orders ALTER COLUMN remark TYPE varchar(200);
  INSERT INTO orders VALUES (103, repeat('wide ', 20), 3, 'Oslo');
  ALTER TABLE orders DROP COLUMN total;
  INSERT INTO orders VALUES (104, 'dropped', 'Cork');
  CREATE TABLE visits (id int PRIMARY KEY, page text);
  INSERT INTO visits SELECT n, 'page ' || n FROM generate_series(1, 7) n;
  DELETE FROM visits WHERE id = 3;
  UPDATE lines SET text = 'changed' WHERE id = 1`;

/** One statement after the other, each a transaction of its own. */
async function oneByOne(world: ShapeWorld, statements: string): Promise<void> {
  for (const statement of statements.split(';')) await world.sql(statement);
}

function totals({ sinks }: PipelineStatus): unknown {
  return sinks['warehouse']!.schemaChangeTotals;
}

describe('schema changes at a real server', () => {
  test.each([
    ['one by one', oneByOne],
    ['in one transaction', async (world: ShapeWorld, all: string) => await world.sql(`BEGIN; ${all}; COMMIT`)],
  ])('apply, %s: both sides are equal, and each change was told once', async (name, change) => {
    await using world = await ShapeWorld.make(server.url, `apply_${name.replaceAll(' ', '_')}`, ORDERS);
    const config = world.config();
    await world.catchUp(config);
    const status = await world.streaming(config, async () => await change(world, CHANGES));
    const [verdict] = await world.verify(config);
    expect(verdict, JSON.stringify(verdict)).toMatchObject({ equal: true });
    expect(verdict!.tables.map(({ table, sourceRows }) => `${table} ${sourceRows}`).toSorted()).toEqual([
      'public.lines 5',
      'public.orders 24',
      'public.visits 6',
    ]);
    expect(await world.rows(config, 'SELECT city, total FROM public.orders WHERE id IN (1, 103, 104) ORDER BY id')).toEqual([
      ['Bonn', '1.50'],
      ['Oslo', '3.00'],
      ['Cork', null],
    ]);
    expect(totals(status)).toMatchObject({ add: { apply: 1 }, rename: { apply: 1 }, drop: { apply: 1 }, create: { apply: 1 } });
    const again = await world.catchUp(config);
    expect(again.sinks['warehouse']!.schemaChanges).toEqual([]);
  });

  test('ignore: what an ignored change would bring is left out, and a new table stays out', async () => {
    await using world = await ShapeWorld.make(server.url, 'ignoring', ORDERS);
    const config = world.config('schema_changes: { create: ignore, add: ignore, rename: ignore }');
    await world.catchUp(config);
    const status = await world.streaming(config, async () => await oneByOne(world, CHANGES));
    expect(totals(status)).toMatchObject({ add: { ignore: 1 }, rename: { ignore: 1 }, create: { ignore: 1 } });
    expect(status.sinks['warehouse']!.stoppedTables).toMatchObject([{ table: 'public.visits', code: 'WEIR_SCHEMA_IGNORED' }]);
    const columns = "SELECT column_name FROM information_schema.columns WHERE table_name = 'orders' ORDER BY ordinal_position";
    expect((await world.rows(config, columns)).flat()).toEqual(['id', 'note', 'total']);
    expect(await world.rows(config, 'SELECT id, note FROM public.orders WHERE id IN (1, 101, 104) ORDER BY id')).toEqual([
      ['1', 'order 1'],
      ['101', 'before'],
      ['104', null],
    ]);
    await world.sql('INSERT INTO visits VALUES (50); INSERT INTO lines VALUES (50)');
    const next = await world.catchUp(config);
    expect(next.sinks['warehouse']).toMatchObject({
      rows: { filtered: 1, delivered: 1 },
      stoppedTables: [{ table: 'public.visits', code: 'WEIR_SCHEMA_IGNORED' }],
    });
    const tables = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' ORDER BY 1";
    expect((await world.rows(config, tables)).flat()).toEqual(['lines', 'orders']);
  });

  test('stop: the pipeline ends before the change, and goes on there once it is allowed', async () => {
    await using world = await ShapeWorld.make(server.url, 'stopping', ORDERS);
    const stopping = world.config('schema_changes: { drop: stop }');
    await world.catchUp(stopping);
    await oneByOne(world, CHANGES);
    for (let start = 1; start <= 2; start++) {
      await expect(world.catchUp(stopping)).rejects.toMatchObject({
        code: 'WEIR_SCHEMA_CHANGE',
        table: 'public.orders',
        message: expect.stringContaining('column total was dropped') as string,
        path: 'pipelines.stopping.sinks.warehouse.schema_changes.drop',
        place: { line: 7 },
      });
    }
    expect(await world.rows(stopping, 'SELECT max(id) FROM public.orders')).toEqual([['103']]);
    const config = world.config();
    await world.catchUp(config);
    expect(await world.verify(config)).toMatchObject([{ equal: true }]);
  });
});

describe('on_error: stop_table at a real server', () => {
  test('a schema change that is to stop stops its table, and the others go on', async () => {
    await using world = await ShapeWorld.make(server.url, 'stop_drop', ORDERS);
    const config = world.config('schema_changes: { drop: stop }, on_error: stop_table');
    await world.catchUp(config);
    await oneByOne(world, CHANGES);
    const status = await world.catchUp(config);
    expect(status.sinks['warehouse']).toMatchObject({
      stoppedTables: [{ table: 'public.orders', code: 'WEIR_SCHEMA_CHANGE' }],
      schemaChangeTotals: { drop: { stop_table: 1 } },
    });
    const [verdict] = await world.verify(config, status);
    expect(verdict).toMatchObject({ equal: true, stopped: [{ table: 'public.orders' }] });
    expect(verdict!.tables.map(({ table }) => table).toSorted()).toEqual(['public.lines', 'public.visits']);
    await world.sql('INSERT INTO orders VALUES (200); INSERT INTO lines VALUES (200)');
    const next = await world.catchUp(config);
    expect(next.sinks['warehouse']).toMatchObject({ rows: { filtered: 1, delivered: 1 } });
    expect(await world.verify(config, next)).toMatchObject([{ equal: true }]);
  });

  test('a table that the sink has from somebody else is stopped, in the first copy and later', async () => {
    await using world = await ShapeWorld.make(server.url, 'stop_foreign', ORDERS);
    const instance = await DuckDBInstance.create(world.duckdb);
    const connection = await instance.connect();
    await connection.run('CREATE SCHEMA public; CREATE TABLE public.lines (x INT); CREATE TABLE public.visits (x INT)');
    connection.closeSync();
    instance.closeSync();
    const config = world.config('on_error: stop_table');
    await world.catchUp(config);
    await oneByOne(world, CHANGES);
    const status = await world.catchUp(config);
    const codes = status.sinks['warehouse']!.stoppedTables.map(({ table, code }) => [table, code]);
    expect(codes.toSorted(([a], [b]) => (a! < b! ? -1 : 1))).toEqual([
      ['public.lines', 'WEIR_DUCKDB_TABLE_EXISTS'],
      ['public.visits', 'WEIR_DUCKDB_TABLE_EXISTS'],
    ]);
    expect(await world.verify(config, status)).toMatchObject([{ equal: true, tables: [{ table: 'public.orders' }] }]);
  });
});

describe('plan at a real server', () => {
  test('says what each table becomes, and changes nothing', async () => {
    await using world = await ShapeWorld.make(server.url, 'planned', `${ORDERS} CREATE TABLE odd (id int PRIMARY KEY, big numeric)`);
    const history = '      history: { duckdb: { path: ./shop.duckdb }, mode: append }\n';
    const config = world.config('', history);
    const [plan] = await planPipelines(config, [...config.pipelines.values()], null, new AbortController().signal);
    const [warehouse, other] = plan!.sinks;
    const actions = warehouse!.tables.map(({ table, target, action }) => `${table} ${target} ${action}`);
    expect(actions.toSorted()).toEqual(['lines', 'odd', 'orders'].map((name) => `public.${name} public.${name} create`));
    const orders = warehouse!.tables.find(({ table }) => table === 'public.orders')!;
    expect(orders.columns).toContainEqual(
      expect.objectContaining({ column: 'total', sourceType: 'numeric(12,2)', logicalType: 'decimal(12, 2)', sinkType: 'DECIMAL(12,2)' }),
    );
    const odd = warehouse!.tables.find(({ table }) => table === 'public.odd')!;
    expect(odd.columns.find(({ column }) => column === 'big')).toMatchObject({ sinkType: 'VARCHAR', note: expect.any(String) as string });
    expect(other!.tables.map(({ action }) => action)).toEqual(['refuse', 'refuse', 'refuse']);
    const refused = plan!.findings.filter(({ level }) => level === 'error');
    expect(refused.map(({ code, line, path }) => `${line} ${code} ${path}`)).toEqual(
      Array.from({ length: 3 }, () => '8 WEIR_SINK_NAME_COLLISION pipelines.planned.sinks.history.target'),
    );
    await world.catchUp(world.config());
    const only = world.config();
    const [later] = await planPipelines(only, [...only.pipelines.values()], null, new AbortController().signal);
    expect(later!.sinks[0]!.tables.map(({ action }) => action)).toEqual(['use', 'use', 'use']);
    expect(later!.findings.filter(({ level }) => level === 'error')).toEqual([]);
  });
});
