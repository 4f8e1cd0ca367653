import type { Sink, Table } from '@weir/sdk';
import { batch, checkpointAt, column, openSession, ordersTable } from '@weir/testkit/orders';

/** `orders` and `lines`, whose decimals have so many digits. */
function twoTables(precision: number): Table[] {
  const columns = [column('id', { kind: 'int', bits: 64 }), column('amount', { kind: 'decimal', precision, scale: 2 })];
  return ['orders', 'lines'].map((name) => ordersTable({ name, columns, version: precision }));
}

/** Makes both tables, with a row each. */
export async function makeTwoTables(sink: Sink): Promise<void> {
  await using session = await openSession(sink);
  const tables = twoTables(10);
  await session.write(
    batch(1, (rows) => {
      for (const table of tables) rows.schemaChange({ table, change: 'create' });
      for (const table of tables) rows.insert(table, { id: 1, amount: '1.00' });
    }),
  );
  await session.commit(checkpointAt(1));
}

/** Widens a column of both in one commit, which leaves a step to be done for each. */
export async function widenTwoTables(sink: Sink): Promise<void> {
  await using session = await openSession(sink);
  await session.write(
    batch(2, (rows) => {
      for (const table of twoTables(20)) rows.schemaChange({ table, change: 'widen', column: 'amount' });
    }),
  );
  await session.commit(checkpointAt(2));
}
