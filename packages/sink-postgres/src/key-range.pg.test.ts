import { describe, expect, it } from 'vitest';
import type { Column, Key, RowValues, Table } from '@weir/sdk';
import { layOut } from '@weir/sql-sink';
import { batch, checkpointAt, column, openSession, ordersTable, withOrders } from '@weir/testkit/orders';
import { dialect } from './dialect.ts';
import { inspectTarget } from './inspect-target.ts';
import { keyRangeSql } from './key-range-sql.ts';
import { TestDatabase, mirrorOptions } from './testing/test-database.ts';
import { useTestServer } from './testing/test-server.ts';

const server = useTestServer();

function keyed(...types: readonly Column['type'][]): Table {
  const columns = types.map((type, index) => column(`k${index}`, type));
  return ordersTable({ columns: [...columns, column('note', { kind: 'string' })], key: types.map((_, index) => index) });
}

/** How the server finds the rows of a range, in a table of 20,000 rows. @param row SQL for the cells of the row `i` */
async function planOf(table: Table, row: string, after: Key, upTo: Key): Promise<string> {
  await using database = await TestDatabase.create(server.url);
  await using _ = await withOrders(database.sink(), table, []);
  await database.sql(`INSERT INTO orders SELECT ${row}, 'a note' FROM generate_series(1, 20000) i; ANALYZE orders`);
  const target = { schema: 'public', table: 'orders' };
  const ask = async (sql: string) => ({ count: 1, rows: await database.sql(sql) });
  const layout = layOut(dialect, table, target, (await inspectTarget(ask, target))!, mirrorOptions);
  const where = keyRangeSql(layout, { after, upTo });
  return (await database.sql(`EXPLAIN DELETE FROM orders AS t WHERE ${where}`)).flat().join('\n');
}

describe('the rows of a range are found by the key’s index', () => {
  it('of a number', async () => {
    const plan = await planOf(keyed({ kind: 'int', bits: 64 }), 'i', ['100'], ['200']);
    expect(plan).toContain('orders_pkey');
    expect(plan).not.toContain('Seq Scan');
  });

  it('of a text, which is ordered by its bytes', async () => {
    const plan = await planOf(keyed({ kind: 'string' }), "'k' || i", ['k100'], ['k101']);
    expect(plan).toContain('orders_pkey');
    expect(plan).not.toContain('Seq Scan');
  });

  it('of several columns', async () => {
    const table = keyed({ kind: 'string' }, { kind: 'uuid' }, { kind: 'timestamptz' });
    const cells = "'k' || i / 100, md5(i::text)::uuid, now()";
    const uuid = '80000000-0000-0000-0000-000000000000';
    const ends: [Key, Key] = [['k100', uuid, '-infinity'], ['k101', uuid, '2026-01-01T00:00:00.5Z']];
    const plan = await planOf(table, cells, ...ends);
    expect(plan).toContain('Index Cond: ((ROW(k0, k1, k2) > ROW(');
    expect(plan).not.toContain('Seq Scan');
  });
});

describe('a range of text', () => {
  it('goes by bytes, whatever collation somebody gave the column (invariant 7)', async () => {
    await using database = await TestDatabase.create(server.url);
    const table = keyed({ kind: 'string' });
    const rows: RowValues[] = ['B', 'a', 'c', 'ä'].map((k0) => ({ k0, note: 'streamed' }));
    await (await withOrders(database.sink(), table, rows))[Symbol.asyncDispose]();
    await database.sql('ALTER TABLE orders ALTER k0 TYPE text COLLATE "und-x-icu"');
    expect(await database.sql('SELECT k0 FROM orders ORDER BY k0')).toEqual([['a'], ['ä'], ['B'], ['c']]);
    await using session = await openSession(database.sink());
    const copied = batch(2, (chunk) => {
      chunk.read(table, { k0: 'a', note: 'copied' });
      chunk.chunk(table, { range: { after: ['B'], upTo: ['b'] }, last: false });
    });
    await session.write(copied);
    await session.commit(checkpointAt(2));
    const found = await database.sql('SELECT k0, note FROM orders ORDER BY k0');
    expect(found).toEqual([['a', 'copied'], ['ä', 'streamed'], ['B', 'streamed'], ['c', 'streamed']]);
  });
});

describe('a deleted row of a range that the source gives no time for', () => {
  it('is marked with the time at which the sink found it gone', async () => {
    await using database = await TestDatabase.create(server.url);
    const table = ordersTable();
    const soft = { deletes: 'soft' } as const;
    await using session = await withOrders(database.sink(soft), table, [{ id: 1, note: 'one', amount: '1.00' }]);
    const empty = batch(2, (chunk) => chunk.chunk(table, { range: { after: null, upTo: null }, last: true }));
    await session.write(empty);
    await session.commit(checkpointAt(2));
    const [[age] = []] = await database.sql("SELECT now() - _weir_deleted_at < interval '1 hour' FROM orders");
    expect(age).toBe('t');
  });
});
