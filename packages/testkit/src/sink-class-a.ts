import { expect } from 'vitest';
import { unchanged, type Table } from '@weir/sdk';
import type { ContractCase } from './contract-case.ts';
import { failure } from './reading.ts';
import { order, orders, withOrder } from './sink-contract-commits.ts';
import { fenceCases } from './sink-contract-fence.ts';
import { linesTable, withKey } from './sink-contract-tables.ts';
import type { TransactionalDriver } from './sink-driver.ts';

/** Class A: rows and checkpoint are in one transaction of the sink, under a fence. */
export const classACases: readonly ContractCase<TransactionalDriver>[] = [
  {
    name: 'a commit whose answer was lost happened: the next session has its checkpoint and its rows (invariant 4)',
    run: async (driver) => {
      const { harness, session, feed } = await withOrder(driver);
      await using _ = harness;
      const rows = feed.begin().insert(orders, { id: 2, ...order });
      rows.update(orders, { id: 1, note: unchanged, amount: null, paid: null });
      await harness.write(session, rows.build(feed.checkpoint()));
      const lost = harness.commit(session, feed.checkpoint()).then(() => session[Symbol.asyncDispose]());
      const again = await lost.then(() => harness.session());
      expect(await again.recover()).toEqual(feed.checkpoint());
      expect(await harness.rows(orders)).toEqual(harness.expected(orders));
    },
  },
  {
    name: 'a transaction that is refused in its last row leaves neither rows nor checkpoint (invariants 3 and 4)',
    run: async (driver) => {
      const insertsOnly: Table = { ...withKey(linesTable()), insertsOnly: true };
      const { harness, session, feed, committed } = await withOrder(driver);
      await using _ = harness;
      const rows = feed.begin().insert(orders, { id: 2, ...order });
      rows.delete(orders, { id: 1 });
      await session.write(rows.build(null));
      rows.schemaChange({ table: insertsOnly, change: 'create' }).insert(insertsOnly, { order: 1, line: 'a' });
      await failure(session.write(rows.build(feed.checkpoint())).then(() => session.commit(feed.checkpoint())));
      await session[Symbol.asyncDispose]();
      expect(await (await harness.session()).recover()).toEqual(committed);
      expect(await harness.rows(orders)).toEqual(harness.expected(orders));
    },
  },
  {
    name: 'what is written behind a commit belongs to the next one (invariant 3)',
    run: async (driver) => {
      const { harness, session, feed } = await withOrder(driver);
      await using _ = harness;
      const rows = feed.begin().insert(orders, { id: 2, ...order });
      await harness.write(session, rows.build(feed.checkpoint()));
      await harness.commit(session, feed.checkpoint());
      const committed = feed.checkpoint();
      await session.write(feed.begin().insert(orders, { id: 3, ...order }).build(feed.checkpoint()));
      expect(await harness.rows(orders)).toEqual(harness.expected(orders));
      await session[Symbol.asyncDispose]();
      expect(await (await harness.session()).recover()).toEqual(committed);
      expect(await harness.rows(orders)).toEqual(harness.expected(orders));
    },
  },
  ...fenceCases,
];
