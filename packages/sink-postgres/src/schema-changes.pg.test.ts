import { describe, expect, it } from 'vitest';
import { schemaPolicies, type RowValues } from '@weir/sdk';
import { batch, checkpointAt, column, openSession, ordersTable, withOrders } from '@weir/testkit/orders';
import { TestDatabase, makeSink } from './testing/test-database.ts';
import { useTestServer } from './testing/test-server.ts';

const server = useTestServer();
const orders = ordersTable();
const one: RowValues = { id: 1, note: 'one', amount: '1.00' };
const two: RowValues = { id: 2, note: 'two', amount: '2.00' };

describe('a table that is copied again', () => {
  it('keeps what people made of it while its shape is the same: grants, views, indexes', async () => {
    await using database = await TestDatabase.create(server.url);
    await (await withOrders(database.sink(), orders, [one]))[Symbol.asyncDispose]();
    await database.sql('GRANT SELECT ON orders TO PUBLIC; CREATE INDEX ON orders (note)');
    await database.sql('CREATE VIEW notes AS SELECT note FROM orders');
    await using _ = await withOrders(database.sink(), ordersTable(), [two]);
    expect(await database.sql('SELECT * FROM notes')).toEqual([['two']]);
    expect(await database.sql("SELECT has_table_privilege('public', 'orders', 'SELECT')")).toEqual([['t']]);
    expect(await database.sql("SELECT count(*) FROM pg_indexes WHERE tablename = 'orders'")).toEqual([['2']]);
  });

  it('is not dropped under a view: a code says what is in the way, and nothing changed', async () => {
    await using database = await TestDatabase.create(server.url);
    await (await withOrders(database.sink(), orders, [one]))[Symbol.asyncDispose]();
    await database.sql('CREATE VIEW notes AS SELECT note FROM orders');
    const other = ordersTable({ columns: [...orders.columns, column('more', { kind: 'bool' })] });
    await expect(withOrders(database.sink(), other, [])).rejects.toMatchObject({
      code: 'WEIR_PG_DEPENDENT',
      table: 'public.orders',
      message: expect.stringContaining('other objects depend on it') as string,
    });
    expect(await database.sql('SELECT * FROM notes')).toEqual([['one']]);
  });

  it('is emptied also where a foreign key points to it', async () => {
    await using database = await TestDatabase.create(server.url);
    await (await withOrders(database.sink(), orders, [one]))[Symbol.asyncDispose]();
    await database.sql('CREATE TABLE lines (id bigint REFERENCES orders); INSERT INTO lines VALUES (1)');
    await using _ = await withOrders(database.sink(), ordersTable(), [two]);
    expect(await database.sql('SELECT id FROM orders')).toEqual([['2']]);
  });
});

describe('a change', () => {
  it('that comes a second time, since another sink was behind, changes nothing', async () => {
    await using database = await TestDatabase.create(server.url);
    await using session = await withOrders(database.sink(), orders, [one]);
    const [id, note, ...rest] = orders.columns;
    const table = ordersTable({ columns: [id!, { ...note!, name: 'remark' }, ...rest, column('paid', { kind: 'bool' })] });
    const changes = [
      { table, change: 'rename', from: 'note', column: 'remark' },
      { table, change: 'add', column: 'paid', value: 't' },
    ] as const;
    for (const transaction of [2, 3]) {
      await session.write(batch(transaction, (rows) => rows.schemaChange(changes[0]).schemaChange(changes[1])));
      await session.commit(checkpointAt(transaction));
    }
    expect(await database.sql('SELECT remark, paid FROM orders')).toEqual([['one', 't']]);
  });

  it('of a type that a view uses ends in a code', async () => {
    await using database = await TestDatabase.create(server.url);
    await using session = await withOrders(database.sink(), orders, [one]);
    await database.sql('CREATE VIEW amounts AS SELECT amount FROM orders');
    const [id, note] = orders.columns;
    const wide = ordersTable({ columns: [id!, note!, column('amount', { kind: 'decimal', precision: 20, scale: 4 })] });
    const write = session.write(batch(2, (rows) => rows.schemaChange({ table: wide, change: 'widen', column: 'amount' })));
    await expect(write).rejects.toMatchObject({ code: 'WEIR_PG_DEPENDENT', table: 'public.orders' });
  });

  it('that adds a column with a value does not write the rows again', async () => {
    await using database = await TestDatabase.create(server.url);
    await using session = await withOrders(database.sink(), orders, [one, two]);
    const file = "SELECT pg_relation_filenode('orders')";
    const before = await database.sql(file);
    const table = ordersTable({ columns: [...orders.columns, column('at', { kind: 'timestamptz' })] });
    const change = { table, change: 'add', column: 'at', value: '-000043-03-15T10:00:00Z' } as const;
    await session.write(batch(2, (rows) => rows.schemaChange(change).insert(table, { ...one, id: 3, at: null })));
    await session.commit(checkpointAt(2));
    expect(await database.sql(file)).toEqual(before);
    expect(await database.sql("SELECT id, at AT TIME ZONE 'UTC' FROM orders ORDER BY id")).toEqual([
      ['1', '0044-03-15 10:00:00 BC'],
      ['2', '0044-03-15 10:00:00 BC'],
      ['3', null],
    ]);
  });

  it('of the key leaves of marked rows those that the new key can tell apart', async () => {
    await using database = await TestDatabase.create(server.url);
    const rows = [one, two, { ...two, id: 3 }, { ...one, id: 4, note: null }];
    await using session = await withOrders(database.sink({ deletes: 'soft' }), orders, rows);
    await session.write(batch(2, (batch2) => batch2.delete(orders, two).delete(orders, { id: 4 })));
    const byNote = ordersTable({ key: [1] });
    await session.write(
      batch(3, (batch3) => {
        batch3.schemaChange({ table: byNote, change: 'key' });
        batch3.update(byNote, { id: 30, note: 'two', amount: '3.00' });
      }),
    );
    await session.commit(checkpointAt(3));
    expect(await database.sql('SELECT id, note, _weir_deleted_at IS NULL FROM orders ORDER BY id')).toEqual([
      ['1', 'one', 't'],
      ['30', 'two', 't'],
    ]);
    expect(await database.sql("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'orders_pkey'")).toEqual([
      ['PRIMARY KEY (note)'],
    ]);
  });

  it('of the key is refused at the next row where the change is neither applied nor ignored', async () => {
    await using database = await TestDatabase.create(server.url);
    const byNote = ordersTable({ key: [1] });
    await using session = await withOrders(database.sink(), orders, [one]);
    await expect(session.write(batch(2, (rows) => rows.insert(byNote, two)))).rejects.toMatchObject({
      code: 'WEIR_SINK_UNIQUE_INDEX',
      table: 'public.orders',
    });
    const ignoring = { schemaChanges: { ...schemaPolicies('apply'), key: 'ignore' as const } };
    await using again = await openSession(database.sink(ignoring));
    await again.write(batch(2, (rows) => rows.insert(byNote, two).update(byNote, { ...one, amount: '5.00' })));
    await again.commit(checkpointAt(2));
    expect(await database.sql('SELECT id, amount FROM orders ORDER BY id')).toEqual([['1', '5.00'], ['2', '2.00']]);
  });

  it('waits for no lock forever', async () => {
    await using database = await TestDatabase.create(server.url);
    await using session = await withOrders(database.sink(), orders, [one]);
    const table = ordersTable({ columns: [...orders.columns, column('more', { kind: 'bool' })] });
    await database.holding('SELECT count(*) FROM orders', async () => {
      const change = { table, change: 'add', column: 'more', value: null } as const;
      const write = session.write(batch(2, (rows) => rows.schemaChange(change)));
      await expect(write).rejects.toMatchObject({ code: 'WEIR_PG_LOCKED', policy: { policy: 'retry' } });
    });
  }, 60_000);
});

describe('a role without CREATE on the database', () => {
  it('writes where schema and tables of Weir, and the schema of the target, were given to it', async () => {
    await using database = await TestDatabase.create(server.url);
    const role = await database.role();
    const sink = makeSink(role.url);
    await expect(openSession(sink)).rejects.toMatchObject({ code: 'WEIR_PG_GRANT_WRITE' });
    await database.sql(`CREATE SCHEMA weir AUTHORIZATION ${role.name}; CREATE SCHEMA mirror AUTHORIZATION ${role.name}`);
    const elsewhere = ordersTable({ namespace: 'elsewhere' });
    await expect(withOrders(sink, elsewhere, [one])).rejects.toMatchObject({
      code: 'WEIR_PG_GRANT_WRITE',
      table: 'elsewhere.orders',
    });
    const into = makeSink(role.url, { target: { schema: 'mirror', table: '{table}' } });
    await using _ = await withOrders(into, orders, [one]);
    expect(await database.sql('SELECT id FROM mirror.orders')).toEqual([['1']]);
  });
});
