/**
 * A process that writes one transaction of `orders` to a database and commits it: `node commit-and-die.ts URL SCHEMA [wait]`.
 * `WEIR_CRASH_AT` kills it on the way. With `wait` it stops before its commit, prints `written`, and goes on when its input
 * ends; then it prints `committed` or the code of the error.
 */
import { WeirError } from '@weir/sdk';
import { batch, checkpointAt, openSession, ordersTable } from './orders.ts';
import { makeSink } from './test-databases.ts';

const [, , url = '', , wait] = process.argv;
const orders = ordersTable();
try {
  const session = await openSession(makeSink(url, { target: { schema: process.argv[3]!, table: '{table}' } }));
  const checkpoint = await session.recover();
  const next = Number(checkpoint?.position ?? 0) + 1;
  await session.write(
    batch(next, (rows) => {
      if (next === 1) rows.schemaChange({ table: orders, change: 'create' });
      for (let id = next * 1000; id < next * 1000 + 500; id++) {
        rows.insert(orders, { id, note: `from ${next}`, amount: '1.00' });
      }
      if (next > 1) rows.update(orders, { id: (next - 1) * 1000, note: 'changed', amount: '2.00' });
      if (next > 1) rows.delete(orders, { id: (next - 1) * 1000 + 1 });
    }),
  );
  if (wait !== undefined) {
    console.info('written');
    await new Promise((resolve) => process.stdin.once('end', resolve).resume());
  }
  await session.commit(checkpointAt(next, { next }));
  console.info('committed');
  await session[Symbol.asyncDispose]();
} catch (error) {
  console.info(error instanceof WeirError ? error.code : String(error));
}
