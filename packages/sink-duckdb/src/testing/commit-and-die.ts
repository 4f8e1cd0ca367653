/**
 * A process that writes one transaction of `orders` to a DuckDB file and commits it: `node commit-and-die.ts PATH [SHARE]`;
 * with a share changes wait in a delta until it is so large a part of the table.
 * `WEIR_CRASH_AT` kills it on the way.
 */
import { batch, checkpointAt, openSession, ordersTable } from './orders.ts';
import { makeSink } from './temporary-database.ts';

const orders = ordersTable();
const [path = '', share = ''] = process.argv.slice(2);
const delta = share === '' ? null : { share: Number(share), atRest: false };
const session = await openSession(makeSink(path, {}, {}, delta));
const checkpoint = await session.recover();
const next = Number(checkpoint?.position ?? 0) + 1;
await session.write(
  batch(next, (rows) => {
    if (next === 1) rows.schemaChange({ table: orders, change: 'create' });
    for (let id = next * 1000; id < next * 1000 + 500; id++)
      rows.insert(orders, { id, note: `from ${next}`, amount: '1.00' });
    if (next > 1) rows.update(orders, { id: (next - 1) * 1000, note: 'changed', amount: '2.00' });
    if (next > 1) rows.delete(orders, { id: (next - 1) * 1000 + 1 });
  }),
);
await session.commit(checkpointAt(next, { next }));
console.info(`committed ${next}`);
await session[Symbol.asyncDispose]();
