import { schemaPolicies, type RowValues, type SinkOptions } from '@weir/sdk';
import { ordersTable } from '@weir/testkit/orders';
import type { Deltas } from './temporary-database.ts';

export const options: Pick<SinkOptions, 'schemaChanges'> = { schemaChanges: schemaPolicies('apply') };
/** What is changed waits until a commit that writes nothing. */
export const untilRest: Deltas = { share: 1, atRest: true };
export const orders = ordersTable();
export const ten: readonly RowValues[] = Array.from({ length: 10 }, (_, id) => ({ id, note: 'old', amount: '1.00' }));

/** Asks for the tables and views of the source's schema. */
export const kinds =
  "SELECT table_name, table_type FROM information_schema.tables WHERE table_schema = 'public' ORDER BY table_name";
export const isTable = [['orders', 'BASE TABLE']];
export const isView = [
  ['_weir_base_orders', 'BASE TABLE'],
  ['_weir_delta_orders', 'BASE TABLE'],
  ['orders', 'VIEW'],
];
