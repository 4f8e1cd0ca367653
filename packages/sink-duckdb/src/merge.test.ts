import { describe, expect, it } from 'vitest';
import type { RowValues, SinkOptions } from '@weir/sdk';
import { ask, batch, checkpointAt, ordersTable, withOrders } from '@weir/testkit/orders';
import { behindItsBack } from './testing/behind-its-back.ts';
import { TemporaryDatabase } from './testing/temporary-database.ts';

const orders = ordersTable();
const ROWS = 10_007;

/** Pairs of neighbours in the file of which the second has the smaller key. */
const disorder =
  'SELECT count(*), count(*) FILTER (WHERE id < before) ' +
  'FROM (SELECT id, lag(id) OVER (ORDER BY rowid) AS before FROM public.orders)';

/** Inserts all rows in their order, and changes all of them in no order. */
async function change(database: TemporaryDatabase, options: Partial<SinkOptions>, between: string): Promise<void> {
  const sink = database.sink(options);
  const keys = Array.from({ length: ROWS }, (_, index) => index);
  const rows = keys.map((id) => ({ id, note: 'before', amount: '1.00' }));
  await using session = await withOrders(sink, orders, rows);
  await behindItsBack(database.path, between);
  await session.write(
    batch(2, (builder) => {
      for (const key of keys) builder.update(orders, { id: (key * 6007) % ROWS, note: 'after', amount: '2.00' });
    }),
  );
  await session.commit(checkpointAt(2));
  expect(await ask(sink, "SELECT count(*) FROM public.orders WHERE note = 'after'")).toEqual([[String(ROWS)]]);
}

describe('rows that are merged', () => {
  it.each([
    { what: 'as they come', options: {}, between: 'SELECT 1' },
    { what: 'where deletes mark', options: { deletes: 'soft' }, between: 'SELECT 1' },
    { what: 'with columns of somebody', options: {}, between: 'ALTER TABLE public.orders ADD COLUMN seen VARCHAR' },
  ] as const)('lie in the file in the order of their keys: $what', async ({ options, between }) => {
    await using database = await TemporaryDatabase.make();
    await change(database, options, between);
    expect(await ask(database.sink(options), disorder)).toEqual([[String(ROWS), '0']]);
  });
});

describe('two rows that change keys with each other, in one commit with an earlier change', () => {
  const one: RowValues = { id: 1, note: 'one', amount: '1.00' };
  const two: RowValues = { id: 2, note: 'two', amount: '2.00' };
  const changed: RowValues = { ...two, note: 'changed' };
  const all = 'SELECT id, note FROM public.orders ORDER BY id';

  it.each(['hard', 'soft'] as const)('are both there when one was updated before, or inserted (deletes: %s)', async (deletes) => {
    for (const isThere of [true, false]) {
      await using database = await TemporaryDatabase.make();
      const sink = database.sink({ deletes });
      await using session = await withOrders(sink, orders, isThere ? [one, two] : [one]);
      await session.write(batch(2, (rows) => (isThere ? rows.update(orders, changed) : rows.insert(orders, changed))));
      await session.write(
        batch(3, (rows) => rows.update(orders, { ...one, id: 2 }, one).update(orders, { ...changed, id: 1 }, changed)),
      );
      await session.commit(checkpointAt(3));
      const there = deletes === 'hard' ? all : all.replace('ORDER', 'WHERE _weir_deleted_at IS NULL ORDER');
      expect(await ask(sink, there)).toEqual([
        ['1', 'changed'],
        ['2', 'one'],
      ]);
    }
  });

  it('are as they were when they do so twice, and both change back', async () => {
    await using database = await TemporaryDatabase.make();
    const sink = database.sink();
    await using session = await withOrders(sink, orders, [one, two]);
    await session.write(batch(2, (rows) => rows.update(orders, changed)));
    const swap = (here: RowValues, there: RowValues, number: number) =>
      session.write(
        batch(number, (rows) =>
          rows.update(orders, { ...here, id: there['id']! }, here).update(orders, { ...there, id: here['id']! }, there),
        ),
      );
    await swap(one, changed, 3);
    await swap({ ...changed, id: 1 }, { ...one, id: 2 }, 4);
    await session.commit(checkpointAt(4));
    expect(await ask(sink, all)).toEqual([
      ['1', 'one'],
      ['2', 'changed'],
    ]);
  });
});
