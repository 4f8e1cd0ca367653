import { describe, expect, it } from 'vitest';
import type { BatchBuilder } from '@weir/sdk';
import { ask, batch, checkpointAt, column, openSession, ordersTable, withOrders } from '@weir/testkit/orders';
import { behindItsBack } from './testing/behind-its-back.ts';
import { isTable, isView, kinds, options, orders, ten, untilRest } from './testing/delta-orders.ts';
import { TemporaryDatabase } from './testing/temporary-database.ts';

describe('a table that has no delta though it is asked for', () => {
  const changed = (rows: BatchBuilder): unknown => rows.delete(orders, { id: 2, note: 'old', amount: '1.00' });

  it.each([
    { what: 'marks deleted rows', more: { deletes: 'soft' } as const, table: orders, before: 'SELECT 1' },
    { what: 'is a history', more: { mode: 'append' } as const, table: orders, before: 'SELECT 1' },
    { what: 'has no key', more: {}, table: ordersTable({ key: [] }), before: 'SELECT 1' },
    {
      what: 'has a default of somebody’s',
      more: {},
      table: orders,
      before: "ALTER TABLE public.orders ADD COLUMN seen VARCHAR DEFAULT 'yes'",
    },
    { what: 'has an index of somebody’s', more: {}, table: orders, before: 'CREATE INDEX by_note ON public.orders (note)' },
  ])('since it $what', async ({ more, table, before }) => {
    await using database = await TemporaryDatabase.make();
    const sink = database.deltaSink(untilRest, more);
    await (await withOrders(sink, table, ten))[Symbol.asyncDispose]();
    await behindItsBack(database.path, before);
    await using session = await openSession(sink);
    await session.write(batch(2, (rows) => rows.delete(table, { id: 2, note: 'old', amount: '1.00' })));
    await session.commit(checkpointAt(2));
    expect(await ask(sink, kinds)).toEqual(isTable);
  });

  it('since the name of one of its tables is taken', async () => {
    await using database = await TemporaryDatabase.make();
    const sink = database.deltaSink(untilRest);
    await (await withOrders(sink, orders, ten))[Symbol.asyncDispose]();
    await behindItsBack(database.path, 'CREATE TABLE public._weir_delta_orders (mine INTEGER)');
    await using session = await openSession(sink);
    await session.write(batch(2, changed));
    await session.commit(checkpointAt(2));
    expect(await ask(sink, 'SELECT count(*) FROM public.orders')).toEqual([['9']]);
    expect(await ask(sink, kinds)).toEqual([['_weir_delta_orders', 'BASE TABLE'], ...isTable]);
  });
});

describe('a table that had a delta', () => {
  async function withDelta(database: TemporaryDatabase): Promise<void> {
    await using session = await withOrders(database.deltaSink(untilRest), orders, ten);
    await session.write(batch(2, (rows) => rows.update(orders, { id: 1, note: 'new', amount: '2.00' }).delete(orders, { id: 2 })));
    await session.commit(checkpointAt(2));
  }
  const content = 'SELECT id, note FROM public.orders WHERE id < 4 ORDER BY id';

  it('is one table again with the first commit without the option that touches it', async () => {
    await using database = await TemporaryDatabase.make();
    await withDelta(database);
    const sink = database.sink();
    expect(await ask(sink, content)).toEqual([['0', 'old'], ['1', 'new'], ['3', 'old']]);
    await using session = await openSession(sink);
    await session.commit(checkpointAt(3));
    expect(await ask(sink, kinds)).toEqual(isView);
    await session.write(batch(4, (rows) => rows.update(orders, { id: 3, note: 'newer', amount: '2.00' })));
    await session.commit(checkpointAt(4));
    expect(await ask(sink, kinds)).toEqual(isTable);
    expect(await ask(sink, content)).toEqual([['0', 'old'], ['1', 'new'], ['3', 'newer']]);
  });

  it('is one table again when a column is added, and has a delta again later', async () => {
    await using database = await TemporaryDatabase.make();
    await withDelta(database);
    const sink = database.deltaSink(untilRest, options);
    const wider = ordersTable({ columns: [...orders.columns, column('more', { kind: 'string' })], version: 2 });
    await using session = await openSession(sink);
    await session.write(batch(3, (rows) => rows.schemaChange({ table: wider, change: 'add', column: 'more', value: 'x' })));
    await session.commit(checkpointAt(3));
    expect(await ask(sink, kinds)).toEqual(isTable);
    await session.write(batch(4, (rows) => rows.update(wider, { id: 3, note: 'newer', amount: '2.00', more: 'y' })));
    await session.commit(checkpointAt(4));
    expect(await ask(sink, kinds)).toEqual(isView);
    expect(await ask(sink, 'SELECT id, note, more FROM public.orders WHERE id < 4 ORDER BY id')).toEqual([
      ['0', 'old', 'x'],
      ['1', 'new', 'x'],
      ['3', 'newer', 'y'],
    ]);
  });

  it('leaves nothing behind when it is dropped or copied anew', async () => {
    for (const change of ['drop-table', 'create'] as const) {
      await using database = await TemporaryDatabase.make();
      await withDelta(database);
      const sink = database.deltaSink(untilRest, options);
      await using session = await openSession(sink);
      await session.write(batch(3, (rows) => rows.schemaChange({ table: orders, change })));
      await session.commit(checkpointAt(3));
      expect(await ask(sink, kinds)).toEqual(change === 'create' ? isTable : []);
    }
  });
});
