import type { BatchBuilder, RowValues, SinkOptions, Table } from '@weir/sdk';
import { ordersTable } from './sink-contract-tables.ts';
import type { SinkDriver } from './sink-driver.ts';
import { SinkRun } from './sink-run.ts';

const orders = ordersTable();

/** Orders 1 to 3, committed. */
export async function withOrders(driver: SinkDriver, options: Partial<SinkOptions> = {}): Promise<SinkRun> {
  const three = (rows: BatchBuilder): void => {
    for (const id of [1, 2, 3]) insertOrder(rows, id);
  };
  return await SinkRun.with(driver, orders, three, options);
}

/** @param more cells of columns that `orders` has not */
export function insertOrder(rows: BatchBuilder, id: number, table: Table = orders, more: RowValues = {}): void {
  rows.insert(table, { id, note: `note ${id}`, amount: `${id}.00`, paid: true, ...more });
}
