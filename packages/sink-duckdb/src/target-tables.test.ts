import { describe, expect, it } from 'vitest';
import type { SinkOptions, Table } from '@weir/sdk';
import { ask, batch, checkpointAt, column, openSession, ordersTable, withOrders } from '@weir/testkit/orders';
import { openDatabase } from './database.ts';
import { TemporaryDatabase } from './testing/temporary-database.ts';

const orders = ordersTable();
const one = { id: 1, note: 'one', amount: '1.00' };

async function run(path: string, sql: string): Promise<void> {
  const database = await openDatabase(path, { memoryLimit: 0, threads: undefined });
  const connection = await database.connect();
  await connection.run(sql);
  connection.closeSync();
  await database.release();
}

async function create(database: TemporaryDatabase, table: Table, options: Partial<SinkOptions> = {}): Promise<void> {
  await using session = await openSession(database.sink(options));
  await session.write(batch(1, (rows) => rows.schemaChange({ table, change: 'create' })));
  await session.commit(checkpointAt(1));
}

describe('target tables', () => {
  it('of any name are made, written and found again', async () => {
    await using database = await TemporaryDatabase.make();
    const names = ['temp', 'weir', 'shop', 'main', 'select', 'Ä "b" \'c\' {table}'];
    for (const name of names) {
      const table = ordersTable({
        namespace: name,
        name,
        columns: [column('id', { kind: 'int', bits: 32 }), column(name, { kind: 'string' })],
      });
      const sink = database.sink();
      await using session = await withOrders(sink, table, [{ id: 1, [name]: 'a' }]);
      await session.write(batch(2, (rows) => rows.update(table, { id: 1, [name]: 'b' })));
      await session.commit(checkpointAt(2));
      const quoted = `"${name.replaceAll('"', '""')}"`;
      expect(await ask(sink, `SELECT ${quoted} FROM shop.${quoted}.${quoted}`), name).toEqual([['b']]);
    }
  });

  it('that Weir did not make are left alone', async () => {
    await using database = await TemporaryDatabase.make();
    await run(
      database.path,
      'CREATE SCHEMA public; CREATE TABLE public.Orders (id INTEGER); CREATE VIEW public.v AS SELECT 1 AS id',
    );
    for (const name of ['orders', 'v']) {
      await expect(create(database, ordersTable({ name }))).rejects.toMatchObject({ code: 'WEIR_DUCKDB_TABLE_EXISTS' });
    }
    await expect(create(database, ordersTable({ namespace: 'weir', name: 'checkpoint' }))).rejects.toMatchObject({
      code: 'WEIR_DUCKDB_TABLE_EXISTS',
    });
    await using session = await openSession(database.sink());
    await expect(session.write(batch(1, (rows) => rows.insert(orders, one)))).rejects.toMatchObject({
      code: 'WEIR_DUCKDB_TABLE_EXISTS',
    });
  });

  it('of another source table or another sink are left alone', async () => {
    await using database = await TemporaryDatabase.make();
    await create(database, orders);
    const target = { schema: 'public', table: 'orders' };
    await expect(create(database, ordersTable({ name: 'lines' }), { target })).rejects.toMatchObject({
      code: 'WEIR_SINK_NAME_COLLISION',
      table: 'public.lines',
      path: 'target',
    });
    await using other = await database
      .sink()
      .open({ pipeline: 'shop', sink: 'other', shard: 0 }, new AbortController().signal);
    await expect(
      other.write(batch(1, (rows) => rows.schemaChange({ table: orders, change: 'create' }))),
    ).rejects.toMatchObject({
      code: 'WEIR_DUCKDB_TABLE_EXISTS',
    });
  });

  it('are made again empty, with other columns too, also if somebody dropped them', async () => {
    await using database = await TemporaryDatabase.make();
    const sink = database.sink();
    await (await withOrders(sink, orders, [one]))[Symbol.asyncDispose]();
    const wider = ordersTable({ columns: [...orders.columns, column('more', { kind: 'json' })] });
    await (await withOrders(sink, wider, [{ ...one, more: '{}' }]))[Symbol.asyncDispose]();
    expect(await ask(sink, 'SELECT * FROM public.orders')).toEqual([['1', 'one', '1.00', '{}']]);
    await run(database.path, 'DROP TABLE public.orders');
    await create(database, orders);
    expect(await ask(sink, 'SELECT count(*) FROM public.orders')).toEqual([['0']]);
    expect(await ask(sink, 'SELECT count(*) FROM weir.tables')).toEqual([['1']]);
  });

  it('that are gone or have other columns stop a session that goes on with them', async () => {
    await using database = await TemporaryDatabase.make();
    await create(database, orders);
    await run(database.path, 'ALTER TABLE public.orders ALTER amount TYPE DOUBLE');
    const goOn = async (table: Table): Promise<void> => {
      await using session = await openSession(database.sink());
      await session.write(batch(2, (rows) => rows.insert(table, one)));
    };
    await expect(goOn(orders)).rejects.toMatchObject({ code: 'WEIR_SINK_COLUMN_TYPE', table: 'public.orders' });
    await run(database.path, 'ALTER TABLE public.orders ALTER amount TYPE DECIMAL(12,2)');
    await goOn(orders);
    const wider = ordersTable({ columns: [...orders.columns, column('more', { kind: 'bool' })] });
    await expect(goOn(wider)).rejects.toMatchObject({ code: 'WEIR_SINK_COLUMN_MISSING', table: 'public.orders' });
    await run(database.path, 'DROP TABLE public.orders');
    await expect(goOn(orders)).rejects.toMatchObject({ code: 'WEIR_DUCKDB_DIVERGED', table: 'public.orders' });
  });

  it('refuse columns that DuckDB could not tell apart', async () => {
    await using database = await TemporaryDatabase.make();
    const table = ordersTable({ columns: [column('id', { kind: 'bool' }), column('ID', { kind: 'bool' })] });
    await expect(create(database, table)).rejects.toMatchObject({
      code: 'WEIR_SINK_NAME_COLLISION',
      table: 'public.orders',
    });
    const other = ordersTable({ columns: [column('é', { kind: 'bool' }), column('É', { kind: 'bool' })] });
    await create(database, other);
  });

  it('refuse columns that have the names of Weir’s own, where it adds them', async () => {
    const named = (name: string): Table => ordersTable({ columns: [...orders.columns, column(name, { kind: 'string' })] });
    for (const [options, name] of [
      [{ deletes: 'soft' }, '_weir_deleted_at'],
      [{ mode: 'append' }, '_WEIR_op'],
    ] as const) {
      await using database = await TemporaryDatabase.make();
      await expect(create(database, named(name), options)).rejects.toMatchObject({ code: 'WEIR_SINK_NAME_COLLISION' });
    }
  });

  it('have names that differ in case as one', async () => {
    await using database = await TemporaryDatabase.make();
    await create(database, orders);
    await expect(create(database, ordersTable({ name: 'Orders' }))).rejects.toMatchObject({
      code: 'WEIR_SINK_NAME_COLLISION',
    });
  });

  it('are not written under another mode than they were made for', async () => {
    const modes: Partial<SinkOptions>[] = [{}, { deletes: 'soft' }, { mode: 'append' }];
    for (const made of modes) {
      for (const other of modes.filter((options) => options !== made)) {
        await using database = await TemporaryDatabase.make();
        await create(database, orders, made);
        await using session = await openSession(database.sink(other));
        await expect(session.write(batch(2, (rows) => rows.insert(orders, one)))).rejects.toMatchObject({
          code: 'WEIR_SINK_MODE',
          table: 'public.orders',
        });
      }
    }
  });

  it('may be many in one commit', async () => {
    await using database = await TemporaryDatabase.make();
    const sink = database.sink();
    const tables = Array.from({ length: 150 }, (_, number) => ordersTable({ name: `orders ${number}` }));
    await using session = await openSession(sink);
    await session.write(
      batch(1, (rows) => {
        for (const table of tables) rows.schemaChange({ table, change: 'create' });
        for (const table of tables) rows.insert(table, one).update(table, { ...one, note: 'changed' });
        for (const table of tables) rows.insert(table, { ...one, id: 2 });
      }),
    );
    await session.write(batch(2, (rows) => tables.forEach((table) => rows.delete(table, one))));
    await session.commit(checkpointAt(2));
    for (const table of tables)
      expect(await ask(sink, `SELECT id, note FROM public."${table.name}"`)).toEqual([['2', 'one']]);
  });
});
