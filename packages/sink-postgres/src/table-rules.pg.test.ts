import { describe, expect, it } from 'vitest';
import { schemaPolicies, type SinkOptions, type Table, type WeirError } from '@weir/sdk';
import { batch, checkpointAt, column, openSession, ordersTable, withOrders } from '@weir/testkit/orders';
import { TestDatabase } from './testing/test-database.ts';
import { useTestServer } from './testing/test-server.ts';

const server = useTestServer();
const orders = ordersTable();
const one = { id: 1, note: 'one', amount: '1.00' };
const signal = new AbortController().signal;

async function plan(database: TestDatabase, tables: readonly Table[], options: Partial<SinkOptions> = {}) {
  return await database.sink(options).plan!(tables, signal);
}

/** The codes that a plan of one table shows, and the code that its rows or its `create` end in. */
async function refusals(database: TestDatabase, table: Table, options: Partial<SinkOptions> = {}, create = true) {
  const [planned] = await plan(database, [table], options);
  await using session = await openSession(database.sink(options));
  const values = Object.fromEntries(table.columns.map(({ name }) => [name, name === 'id' ? 7 : null]));
  const rows = batch(9, (builder) => {
    if (create) builder.schemaChange({ table, change: 'create' });
    else builder.insert(table, values);
  });
  const error = await session.write(rows).then(
    () => null,
    (thrown: unknown) => thrown as WeirError,
  );
  expect(planned!.action === 'refuse').toBe(error !== null);
  return { planned: planned!.findings.map(({ code }) => code), thrown: error?.code, table: error?.table };
}

describe('a table is refused, by plan and when it comes, if', () => {
  it('a name has more than 63 bytes', async () => {
    await using database = await TestDatabase.create(server.url);
    const long = 'ä'.repeat(32);
    const refused = { planned: ['WEIR_SINK_NAME_LENGTH'], thrown: 'WEIR_SINK_NAME_LENGTH' };
    const columns = [column(long, { kind: 'bool' })];
    for (const shape of [{ name: long }, { namespace: long }, { columns, key: [] }]) {
      const table = ordersTable(shape);
      expect(await refusals(database, table)).toMatchObject({ ...refused, table: `${table.namespace}.${table.name}` });
    }
    expect(await refusals(database, ordersTable({ name: 'ä'.repeat(31) }))).toMatchObject({ planned: [] });
  });

  it('a name is PostgreSQL’s or Weir’s own', async () => {
    await using database = await TestDatabase.create(server.url);
    const refused = { planned: ['WEIR_SINK_NAME_COLLISION'], thrown: 'WEIR_SINK_NAME_COLLISION' };
    const named = (name: string): Table =>
      ordersTable({ columns: ['id', name].map((each) => column(each, { kind: 'bool' })) });
    expect(await refusals(database, ordersTable({ namespace: 'pg_catalog' }))).toMatchObject(refused);
    expect(await refusals(database, named('xmin'))).toMatchObject(refused);
    expect(await refusals(database, named('_weir_deleted_at'), { deletes: 'soft' })).toMatchObject(refused);
    expect(await refusals(database, named('_weir_before'), { mode: 'append' })).toMatchObject(refused);
    expect(await refusals(database, named('_weir_deleted_at'))).toMatchObject({ planned: [], thrown: undefined });
    await using _ = await openSession(database.sink());
    const own = { planned: ['WEIR_PG_TABLE_EXISTS'], thrown: 'WEIR_PG_TABLE_EXISTS' };
    expect(await refusals(database, ordersTable({ namespace: 'weir', name: 'checkpoint' }))).toMatchObject(own);
  });

  it('two tables would be one at the sink', async () => {
    await using database = await TestDatabase.create(server.url);
    const options = { target: { schema: 'mirror', table: '{table}' } };
    const tables = [orders, ordersTable({ namespace: 'shop' }), ordersTable({ name: 'Orders' })];
    const plans = await plan(database, tables, options);
    expect(plans.map(({ target, action, findings }) => [target, action, findings.map(({ code }) => code)])).toEqual([
      ['mirror.orders', 'refuse', ['WEIR_SINK_NAME_COLLISION']],
      ['mirror.orders', 'refuse', ['WEIR_SINK_NAME_COLLISION']],
      ['mirror.Orders', 'create', []],
    ]);
    await using _ = await withOrders(database.sink(options), orders, []);
    expect(await refusals(database, tables[1]!, options)).toEqual({
      planned: ['WEIR_SINK_NAME_COLLISION'],
      thrown: 'WEIR_SINK_NAME_COLLISION',
      table: 'shop.orders',
    });
  });

  it('something is there that Weir did not make: a table or a view', async () => {
    await using database = await TestDatabase.create(server.url);
    await database.sql("CREATE TABLE orders (id int); INSERT INTO orders VALUES (1); CREATE VIEW v AS SELECT 1 AS id");
    const refused = { planned: ['WEIR_PG_TABLE_EXISTS'], thrown: 'WEIR_PG_TABLE_EXISTS' };
    for (const name of ['orders', 'v']) {
      expect(await refusals(database, ordersTable({ name }))).toMatchObject({ ...refused, table: `public.${name}` });
      expect(await refusals(database, ordersTable({ name }), {}, false)).toMatchObject(refused);
    }
    expect(await database.sql('SELECT * FROM orders')).toEqual([['1']]);
  });

  it('the source sends its inserts only, unless a history is kept', async () => {
    await using database = await TestDatabase.create(server.url);
    const table = ordersTable({ key: [], insertsOnly: true });
    const code = 'WEIR_SINK_INSERTS_ONLY';
    expect(await refusals(database, table)).toEqual({ planned: [code], thrown: code, table: 'public.orders' });
    expect(await refusals(database, table, { mode: 'append' })).toMatchObject({ planned: [], thrown: undefined });
  });

  it('its key has a type that no index can have', async () => {
    await using database = await TestDatabase.create(server.url);
    const table = ordersTable({ columns: [column('place', { kind: 'other' }, 'point')] });
    expect(await refusals(database, table)).toMatchObject({ planned: ['WEIR_SINK_TYPE'], thrown: 'WEIR_SINK_TYPE' });
    expect(await refusals(database, { ...table, key: [] })).toMatchObject({ planned: [], thrown: undefined });
  });

  it('it has more columns than PostgreSQL allows', async () => {
    await using database = await TestDatabase.create(server.url);
    const wide = (count: number): Table =>
      ordersTable({ columns: Array.from({ length: count }, (_, i) => column(`c${i}`, { kind: 'bool' })) });
    const code = 'WEIR_SINK_COLUMNS';
    expect(await refusals(database, wide(1598))).toMatchObject({ planned: [code], thrown: code });
    await using session = await withOrders(database.sink(), wide(1597), [{ c0: true }]);
    await session.write(batch(2, (rows) => rows.update(wide(1597), { c0: true, c1596: true })));
    await session.commit(checkpointAt(2));
    expect(await database.sql('SELECT c0, c1596 FROM public.orders')).toEqual([['t', 't']]);
  });
});

describe('a mirror that somebody altered is refused, by plan and at the next row, if', () => {
  const cases: readonly [what: string, sql: string, code: string, options?: Partial<SinkOptions>][] = [
    ['a column has another type', 'ALTER TABLE orders ALTER amount TYPE text', 'WEIR_SINK_COLUMN_TYPE'],
    [
      'a column is computed',
      'ALTER TABLE orders DROP amount, ADD amount numeric(12,2) GENERATED ALWAYS AS (id) STORED',
      'WEIR_SINK_COLUMN_TYPE',
    ],
    ['a column is gone', 'ALTER TABLE orders DROP amount', 'WEIR_SINK_COLUMN_MISSING'],
    ['it has one more that must not be NULL', 'ALTER TABLE orders ADD extra int NOT NULL', 'WEIR_SINK_COLUMN_REQUIRED'],
    ['one that may be NULL must not be any more', 'ALTER TABLE orders ALTER note SET NOT NULL', 'WEIR_SINK_COLUMN_REQUIRED'],
    ['it has a unique index', 'CREATE UNIQUE INDEX ON orders (note)', 'WEIR_SINK_UNIQUE_INDEX'],
    ['it has a unique index on some rows', 'CREATE UNIQUE INDEX ON orders (id) WHERE id > 5', 'WEIR_SINK_UNIQUE_INDEX'],
    [
      'it has an exclusion constraint',
      'ALTER TABLE orders ADD EXCLUDE USING gist (int8range(id, id + 1) WITH &&)',
      'WEIR_SINK_UNIQUE_INDEX',
    ],
    ['its key has no index any more', 'ALTER TABLE orders DROP CONSTRAINT orders_pkey', 'WEIR_PG_DIVERGED'],
    ['it was made with other deletes', 'SELECT 1', 'WEIR_SINK_MODE', { deletes: 'soft' }],
    ['it was made in another mode', 'SELECT 1', 'WEIR_SINK_MODE', { mode: 'append' }],
  ];

  it.for(cases)('%s', async ([, sql, code, options = {}]) => {
    await using database = await TestDatabase.create(server.url);
    await (await withOrders(database.sink(), orders, []))[Symbol.asyncDispose]();
    await database.sql(sql);
    const refused = { planned: [code], thrown: code, table: 'public.orders' };
    expect(await refusals(database, orders, options, false)).toEqual(refused);
  });

  it('it is gone', async () => {
    await using database = await TestDatabase.create(server.url);
    await using session = await withOrders(database.sink(), orders, []);
    await database.sql('DROP TABLE orders');
    await expect(session.write(batch(2, (rows) => rows.insert(orders, one)))).rejects.toMatchObject({
      code: 'WEIR_PG_DIVERGED',
      table: 'public.orders',
    });
    await using again = await openSession(database.sink());
    const write = again.write(batch(2, (rows) => rows.insert(orders, one)));
    await expect(write).rejects.toMatchObject({ code: 'WEIR_PG_DIVERGED' });
  });

  it('a session is in the middle of its commits: nothing is lost', async () => {
    await using database = await TestDatabase.create(server.url);
    const alterations = [
      [
        'ALTER TABLE orders ADD extra int NOT NULL DEFAULT 1; ALTER TABLE orders ALTER extra DROP DEFAULT',
        'WEIR_SINK_COLUMN_REQUIRED',
      ],
      ['CREATE UNIQUE INDEX once ON orders (note)', 'WEIR_SINK_UNIQUE_INDEX'],
      ['ALTER TABLE orders DROP note', 'WEIR_PG_DIVERGED'],
    ] as const;
    for (const [sql, code] of alterations) {
      await using session = await withOrders(database.sink(), orders, [{ id: 9 }]);
      await database.sql(sql);
      const rows = batch(2, (builder) => builder.insert(orders, one).insert(orders, { ...one, id: 2 }));
      await expect(session.write(rows), sql).rejects.toMatchObject({ code, table: 'public.orders' });
      expect(await database.sql('SELECT id FROM orders')).toEqual([['9']]);
      await database.sql('DROP TABLE orders');
    }
  });
});

describe('a mirror that somebody altered goes on if', () => {
  it('it has more columns that rows may come without: they keep their defaults', async () => {
    await using database = await TestDatabase.create(server.url);
    await using session = await withOrders(database.sink(), orders, [one]);
    await database.sql(
      `ALTER TABLE orders ADD made timestamptz NOT NULL DEFAULT '2024-01-01Z', ADD tag text,
         ADD twice numeric GENERATED ALWAYS AS (amount * 2) STORED`,
    );
    await database.sql("UPDATE orders SET tag = 'kept'; CREATE INDEX ON orders (note)");
    const again = ordersTable();
    await session.write(
      batch(2, (rows) => {
        rows.insert(again, { ...one, id: 2 }).update(again, { ...one, amount: '5.00' });
        rows.update(again, { ...one, id: 7 }, one).insert(again, { ...one, id: 3 });
      }),
    );
    await session.commit(checkpointAt(2));
    expect(await database.sql('SELECT id, tag, twice, made IS NOT NULL FROM orders ORDER BY id')).toEqual([
      ['2', null, '2.00', 't'],
      ['3', null, '2.00', 't'],
      ['7', 'kept', '2.00', 't'],
    ]);
  });

  it('added columns are ignored and one is missing; plan says so', async () => {
    await using database = await TestDatabase.create(server.url);
    const options = { schemaChanges: { ...schemaPolicies('apply'), add: 'ignore' as const } };
    await using session = await withOrders(database.sink(options), orders, []);
    const wide = ordersTable({ columns: [...orders.columns, column('more', { kind: 'string' })] });
    await session.write(batch(2, (rows) => rows.insert(wide, { ...one, more: 'x' })));
    await session.commit(checkpointAt(2));
    const [planned] = await plan(database, [wide], options);
    expect(planned).toMatchObject({ action: 'use', findings: [] });
    expect(planned!.columns.at(-1)!.note).toMatch(/^left out/);
  });
});
