import { describe, expect, it } from 'vitest';
import { ask, batch, checkpointAt, openSession, ordersTable, withOrders } from '@weir/testkit/orders';
import { behindItsBack } from './testing/behind-its-back.ts';
import { TemporaryDatabase } from './testing/temporary-database.ts';

const orders = ordersTable();
const reason = { code: 'WEIR_DUCKDB_VALUE', message: "public.orders.amount: it's too large" } as const;

describe('weir.tables', () => {
  it('of a file of the first version gets the columns that tell which tables are stopped', async () => {
    await using database = await TemporaryDatabase.make();
    const sink = database.sink();
    await (await withOrders(sink, orders, [{ id: 1, note: 'one', amount: null }]))[Symbol.asyncDispose]();
    await behindItsBack(
      database.path,
      'ALTER TABLE weir.tables DROP COLUMN stopped_code; ALTER TABLE weir.tables DROP COLUMN stopped_message',
    );
    await using session = await openSession(sink);
    expect(await session.recover()).toEqual(checkpointAt(1));
    expect(session.stoppedTables).toEqual(new Map());
    await session.write(batch(2, (rows) => rows.insert(orders, { id: 2, note: 'two', amount: null })));
    await session.stopTable!(orders, reason);
    await session.commit(checkpointAt(2));
    await using again = await openSession(sink);
    expect(again.stoppedTables).toEqual(new Map());
    await again.recover();
    expect(again.stoppedTables).toEqual(new Map([['public.orders', reason]]));
  });

  it('keeps a mark on a table that never had a target, and forgets it with the session that did not commit it', async () => {
    await using database = await TemporaryDatabase.make();
    const sink = database.sink();
    const session = await openSession(sink);
    await session.stopTable!(ordersTable({ name: 'lost' }), reason);
    await session[Symbol.asyncDispose]();
    await using second = await openSession(sink);
    await second.stopTable!(orders, { ...reason, message: 'first' });
    await second.stopTable!(orders, reason);
    await second.commit(checkpointAt(1));
    await second.recover();
    expect(second.stoppedTables).toEqual(new Map([['public.orders', reason]]));
    await second.write(batch(2, (rows) => rows.schemaChange({ table: orders, change: 'create', reason: 'again' })));
    await second.commit(checkpointAt(2));
    await second.recover();
    expect(second.stoppedTables).toEqual(new Map());
    expect(await ask(sink, 'SELECT source_name, target_table, stopped_code FROM weir.tables')).toEqual([
      ['orders', 'orders', null],
    ]);
  });

  it('shows a code that this version does not have as its own failure', async () => {
    await using database = await TemporaryDatabase.make();
    const sink = database.sink();
    await using session = await openSession(sink);
    await session.stopTable!(orders, reason);
    await session.commit(checkpointAt(1));
    await behindItsBack(database.path, "UPDATE weir.tables SET stopped_code = 'WEIR_OF_TOMORROW'");
    await session.recover();
    expect(session.stoppedTables?.get('public.orders')).toEqual({ ...reason, code: 'WEIR_INTERNAL' });
  });
});
