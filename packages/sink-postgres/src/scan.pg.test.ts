import { describe, expect, it } from 'vitest';
import { historyTable, softDeleteColumn } from '@weir/sdk';
import { batch, checkpointAt, column, openSession, ordersTable, scanned, withOrders } from '@weir/testkit/orders';
import { TestDatabase } from './testing/test-database.ts';
import { useTestServer } from './testing/test-server.ts';

const server = useTestServer();
const orders = ordersTable();
const one = { id: 1, note: 'one', amount: '1.00' };
const two = { id: 2, note: null, amount: '2.00' };

describe('a scan', () => {
  it('gives the columns that it is asked for, by name', async () => {
    await using database = await TestDatabase.create(server.url);
    await using _ = await withOrders(database.sink(), orders, [one, two]);
    const some = ordersTable({ columns: [orders.columns[2]!, orders.columns[1]!] });
    expect(await scanned(database.sink(), some)).toEqual([['1.00', 'one'], ['2.00', null]]);
  });

  it('leaves rows that are marked as deleted out, unless the mark is asked for', async () => {
    await using database = await TestDatabase.create(server.url);
    const sink = database.sink({ deletes: 'soft' });
    await using session = await withOrders(sink, orders, [one, two]);
    await session.write(batch(2, (rows) => rows.delete(orders, one)));
    await session.commit(checkpointAt(2));
    expect(await scanned(sink, orders)).toEqual([['2', null, '2.00']]);
    const marked = ordersTable({ columns: [orders.columns[0]!, softDeleteColumn] });
    expect(await scanned(sink, marked)).toEqual([['1', '2023-11-14T22:13:20.123456Z'], ['2', null]]);
  });

  it('gives every event of a history', async () => {
    await using database = await TestDatabase.create(server.url);
    const sink = database.sink({ mode: 'append' });
    await using session = await withOrders(sink, orders, [one]);
    await session.write(batch(2, (rows) => rows.update(orders, two, one).truncate(orders)));
    await session.commit(checkpointAt(2));
    const before = '{"id":"1","note":"one","amount":"1.00"}';
    expect(await scanned(sink, historyTable(orders))).toEqual([
      ['1', 'one', '1.00', 'insert', '2023-11-14T22:13:20.123456Z', '1', '1', null, null],
      ['2', null, '2.00', 'update', '2023-11-14T22:13:20.123456Z', '2', '1', before, null],
      [null, null, null, 'truncate', '2023-11-14T22:13:20.123456Z', '2', '2', null, null],
    ]);
  });

  it('is refused where there is no such table or column, or one of another type', async () => {
    await using database = await TestDatabase.create(server.url);
    await expect(scanned(database.sink(), orders)).rejects.toMatchObject({
      code: 'WEIR_PG_DIVERGED',
      table: 'public.orders',
    });
    await using _ = await withOrders(database.sink(), orders, [one]);
    const more = ordersTable({ columns: [column('more', { kind: 'bool' })] });
    await expect(scanned(database.sink(), more)).rejects.toMatchObject({ code: 'WEIR_SINK_COLUMN_MISSING' });
    const other = ordersTable({ columns: [column('note', { kind: 'bytes' })] });
    await expect(scanned(database.sink(), other)).rejects.toMatchObject({
      code: 'WEIR_SINK_COLUMN_TYPE',
      message: 'public.orders.note is text, bytea was expected',
    });
  });

  it('holds no connection when its consumer leaves in the middle, or is told to end', async () => {
    await using database = await TestDatabase.create(server.url);
    await using session = await openSession(database.sink());
    const many = batch(1, (rows) => {
      rows.schemaChange({ table: orders, change: 'create' });
      for (let id = 0; id < 50_000; id++) rows.insert(orders, { id, note: 'a note of some length', amount: null });
    });
    await session.write(many);
    await session.commit(checkpointAt(1));
    const readers = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'weir' AND datname = current_database()";
    for await (const part of database.sink().scan!(orders, new AbortController().signal)) {
      part.release();
      break;
    }
    await expect.poll(async () => (await database.sql(readers))[0]).toEqual(['0']);
    const abort = new AbortController();
    const all = async (): Promise<void> => {
      for await (const part of database.sink().scan!(orders, abort.signal)) {
        part.release();
        abort.abort(new Error('enough'));
      }
    };
    await expect(all()).rejects.toThrow('enough');
    await expect.poll(async () => (await database.sql(readers))[0]).toEqual(['0']);
  });

  it('of several tables shares two connections, and goes on with new ones where they were lost', async () => {
    await using database = await TestDatabase.create(server.url);
    const lines = ordersTable({ name: 'lines' });
    const sink = database.sink();
    await using session = await withOrders(sink, orders, [one]);
    await session.write(batch(2, (rows) => rows.schemaChange({ table: lines, change: 'create' }).insert(lines, two)));
    await session.commit(checkpointAt(2));
    const pids = async (): Promise<unknown[]> =>
      (
        await database.sql(
          "SELECT pid FROM pg_stat_activity WHERE application_name = 'weir' AND datname = current_database() ORDER BY pid",
        )
      ).flat();
    await using reader = sink.reader!();
    expect(await scanned(reader, orders)).toEqual([['1', 'one', '1.00']]);
    const before = await pids();
    expect(before).toHaveLength(2);
    expect(await scanned(reader, lines)).toEqual([['2', null, '2.00']]);
    expect(await pids()).toEqual(before);
    for await (const part of reader.scan(orders, new AbortController().signal)) {
      part.release();
      break;
    }
    expect(await scanned(reader, lines)).toEqual([['2', null, '2.00']]);
    // The server ends both while they rest.
    for (const pid of await pids()) await database.sql(`SELECT pg_terminate_backend(${pid as string})`);
    expect(await scanned(reader, orders)).toEqual([['1', 'one', '1.00']]);
    await reader[Symbol.asyncDispose]();
    await expect.poll(pids).toEqual([]);
  });
});
