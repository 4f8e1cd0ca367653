/**
 * A process that changes `orders` in one transaction and commits it: `node change-and-die.ts PATH KIND [SHARE]`, see
 * `changes`; with a share changes wait in a delta until it is so large a part of the table. `WEIR_CRASH_AT` kills it on the way.
 */
import { schemaPolicies, type BatchBuilder } from '@weir/sdk';
import { batch, checkpointAt, column, openSession, ordersTable } from '@weir/testkit/orders';
import { makeSink } from './temporary-database.ts';

const orders = ordersTable();
const json = { kind: 'json' } as const;

/** What leaves a log that DuckDB can replay only if it is not done with ALTER TABLE. */
const changes: Readonly<Record<string, (rows: BatchBuilder) => void>> = {
  make: (rows) => {
    rows.schemaChange({ table: orders, change: 'create' });
    for (const id of [1, 2]) rows.insert(orders, { id, note: `{"note":  ${id}}`, amount: '1.00' });
  },
  add: (rows) => {
    const table = ordersTable({ columns: [...orders.columns, column('details', json), column('more', json)] });
    rows.schemaChange({ table, change: 'add', column: 'details', value: '{"a":  1}' });
    rows.schemaChange({ table, change: 'add', column: 'more', value: null });
    rows.delete(table, { id: 1 });
  },
  rename: (rows) => {
    const table = ordersTable({ columns: [orders.columns[0]!, column('remark', { kind: 'string' }), orders.columns[2]!] });
    rows.schemaChange({ table, change: 'rename', column: 'remark', from: 'note' });
    rows.insert(table, { id: 3, remark: 'three', amount: null });
  },
  widen: (rows) => {
    const table = ordersTable({ columns: [orders.columns[0]!, column('note', json), column('amount', { kind: 'string' })] });
    rows.schemaChange({ table, change: 'widen', column: 'note' }).schemaChange({ table, change: 'widen', column: 'amount' });
    rows.insert(table, { id: 3, note: '3', amount: 'x' });
  },
  wait: (rows) => rows.update(orders, { id: 1, note: '{"note":  1}', amount: '1.00' }),
  number: (rows) => rows.update(orders, { id: 1, note: 'one', amount: 'NaN' }),
};

const [path = '', kind = '', share = ''] = process.argv.slice(2);
const delta = share === '' ? null : { share: Number(share), atRest: false };
const session = await openSession(makeSink(path, { schemaChanges: schemaPolicies('apply') }, {}, delta));
await session.recover();
await session.write(batch(2, changes[kind]!));
await session.commit(checkpointAt(2));
await session[Symbol.asyncDispose]();
