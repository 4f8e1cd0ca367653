import { describe, expect, it } from 'vitest';
import { type SinkOptions } from '@weir/sdk';
import { behindItsBack } from './testing/behind-its-back.ts';
import { ask, batch, checkpointAt, ordersTable, withOrders } from './testing/orders.ts';
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
