import { describe, expect, it } from 'vitest';
import { unchanged } from '@weir/sdk';
import { linesTable, ordersTable } from './sink-contract-tables.ts';
import type { SinkDriver } from './sink-driver.ts';
import { Feed, SinkHarness } from './sink-harness.ts';

const orders = ordersTable();
const lines = linesTable();
const long = 'a note that is longer than what fits beside its length, with ünïcödé ✓ and \'quotes" \\';

/** Orders 1 to 3, committed. */
async function withOrders(driver: SinkDriver) {
  const harness = await SinkHarness.start(driver);
  const session = await harness.session();
  const feed = new Feed();
  const rows = feed.begin().schemaChange({ table: orders, change: 'create' });
  rows.insert(orders, { id: 1, note: long, amount: '1.50', paid: true });
  rows.insert(orders, { id: 2, note: null, amount: null, paid: null });
  rows.insert(orders, { id: 3, note: '', amount: '-3.00', paid: false });
  await harness.write(session, rows.build(feed.checkpoint()));
  await harness.commit(session, feed.checkpoint());
  return { harness, session, feed };
}

export function describeRows(driver: SinkDriver): void {
  describe('rows', () => {
    it('are inserted, updated and deleted; NULL and the empty text are two things', async () => {
      const { harness, session, feed } = await withOrders(driver);
      await using _ = harness;
      expect(await harness.rows(orders)).toEqual(harness.expected(orders));
      expect(harness.expected(orders)).toHaveLength(3);
      const rows = feed.begin();
      rows.update(orders, { id: 1, note: null, amount: '2.50', paid: null });
      rows.delete(orders, { id: 2, note: unchanged, amount: unchanged, paid: unchanged });
      rows.insert(orders, { id: 4, note: 'four', amount: '4.00', paid: true });
      await harness.write(session, rows.build(feed.checkpoint()));
      await harness.commit(session, feed.checkpoint());
      expect(await harness.rows(orders)).toEqual(harness.expected(orders));
      expect(await harness.rows(orders)).toContainEqual(['1', null, '2.50', null]);
    });

    it('of a copy are inserted as they are', async () => {
      await using harness = await SinkHarness.start(driver);
      const session = await harness.session();
      const feed = new Feed();
      const rows = feed.begin().schemaChange({ table: orders, change: 'create' });
      for (let id = 1; id <= 10; id++) rows.read(orders, { id, note: `copied ${id}`, amount: '1.00', paid: false });
      rows.chunk(orders, { range: null, last: true });
      await harness.write(session, rows.build(feed.checkpoint()));
      await harness.commit(session, feed.checkpoint());
      expect(await harness.rows(orders)).toEqual(harness.expected(orders));
    });

    it('of one key in one commit end in the last of them', async () => {
      const { harness, session, feed } = await withOrders(driver);
      await using _ = harness;
      const first = feed.begin();
      first.update(orders, { id: 1, note: 'one', amount: '1.00', paid: true });
      first.update(orders, { id: 1, note: 'two', amount: '2.00', paid: true });
      first.delete(orders, { id: 2 });
      first.insert(orders, { id: 2, note: 'again', amount: '0.10', paid: null });
      first.insert(orders, { id: 4, note: 'short-lived', amount: '0.20', paid: null });
      await harness.write(session, first.build(null));
      const second = feed.begin();
      second.delete(orders, { id: 4 });
      second.delete(orders, { id: 2 });
      second.insert(orders, { id: 5, note: 'five', amount: '5.00', paid: null });
      second.update(orders, { id: 5, note: 'five and more', amount: '5.01', paid: null });
      await harness.write(session, second.build(feed.checkpoint()));
      await harness.commit(session, feed.checkpoint());
      expect(await harness.rows(orders)).toEqual(harness.expected(orders));
    });

    it('keep unchanged cells from the mirror, from an earlier change or from an insert of the same commit', async () => {
      const { harness, session, feed } = await withOrders(driver);
      await using _ = harness;
      const rows = feed.begin();
      rows.update(orders, { id: 1, note: unchanged, amount: '9.00', paid: false });
      rows.update(orders, { id: 3, note: 'new', amount: '3.10', paid: true });
      rows.update(orders, { id: 3, note: unchanged, amount: unchanged, paid: null });
      rows.insert(orders, { id: 4, note: long, amount: null, paid: true });
      rows.update(orders, { id: 4, note: unchanged, amount: '4.00', paid: unchanged });
      rows.update(orders, { id: 2, note: unchanged, amount: unchanged, paid: true });
      rows.update(orders, { id: 2, note: 'set', amount: unchanged, paid: unchanged });
      rows.update(orders, { id: 2, note: unchanged, amount: unchanged, paid: unchanged });
      await harness.write(session, rows.build(feed.checkpoint()));
      await harness.commit(session, feed.checkpoint());
      expect(await harness.rows(orders)).toEqual(harness.expected(orders));
      expect(await harness.rows(orders)).toContainEqual(['2', 'set', null, 't']);
      expect(harness.expected(orders)).toHaveLength(4);
    });

    it('before a truncate of the same commit are gone, those after it stay', async () => {
      const { harness, session, feed } = await withOrders(driver);
      await using _ = harness;
      const rows = feed.begin();
      rows.insert(orders, { id: 4, note: 'appended', amount: null, paid: null });
      rows.update(orders, { id: 1, note: 'staged', amount: null, paid: null });
      rows.truncate(orders);
      rows.insert(orders, { id: 1, note: 'after', amount: null, paid: null });
      rows.insert(orders, { id: 7, note: 'after', amount: null, paid: null });
      rows.update(orders, { id: 7, note: 'after, changed', amount: null, paid: null });
      await harness.write(session, rows.build(feed.checkpoint()));
      await harness.commit(session, feed.checkpoint());
      expect(await harness.rows(orders)).toEqual(harness.expected(orders));
      const again = feed.begin().truncate(orders);
      await harness.write(session, again.build(feed.checkpoint()));
      await harness.commit(session, feed.checkpoint());
      expect(await harness.rows(orders)).toEqual([]);
    });

    it('of several tables interleave in a batch, logical messages among them', async () => {
      const { harness, session, feed } = await withOrders(driver);
      await using _ = harness;
      const rows = feed.begin().schemaChange({ table: lines, change: 'create' });
      for (let id = 10; id < 20; id++) {
        rows.insert(orders, { id, note: `order ${id}`, amount: '0.00', paid: null });
        rows.message('marker', new TextEncoder().encode('{}'));
        rows.insert(lines, { Quantity: id, line: 'a', order: id, rowid: 'x', details: '{"a": [1, 2]}' });
        rows.insert(lines, { Quantity: null, line: 'b', order: id, rowid: null, details: null });
        if (id % 2 === 0)
          rows.delete(lines, { Quantity: unchanged, line: 'a', order: id, rowid: unchanged, details: unchanged });
      }
      await harness.write(session, rows.build(feed.checkpoint()));
      await harness.commit(session, feed.checkpoint());
      expect(await harness.rows(orders)).toEqual(harness.expected(orders));
      expect(await harness.rows(lines)).toEqual(harness.expected(lines));
      expect(harness.expected(lines)).toHaveLength(15);
    });

    it('of a table that is created again start empty, also in the middle of a commit', async () => {
      const { harness, session, feed } = await withOrders(driver);
      await using _ = harness;
      const before = feed.begin();
      before.insert(orders, { id: 8, note: 'appended', amount: null, paid: null });
      before.delete(orders, { id: 1 });
      await harness.write(session, before.build(null));
      const copy = ordersTable(2);
      const after = feed.begin().schemaChange({ table: copy, change: 'create' });
      after.read(copy, { id: 1, note: 'copied again', amount: null, paid: null });
      await harness.write(session, after.build(feed.checkpoint()));
      await harness.commit(session, feed.checkpoint());
      expect(await harness.rows(copy)).toEqual([['1', 'copied again', null, null]]);
    });

    it('of a transaction of 100,000 rows arrive all, in batches that each end in its middle', async () => {
      const { harness, session, feed } = await withOrders(driver);
      await using _ = harness;
      const rows = feed.begin();
      for (let id = 1000; id < 101_000; id++) {
        rows.insert(orders, { id, note: `note ${id} of a large transaction`, amount: `${id}.00`, paid: id % 2 === 0 });
        if (id % 10 === 0) rows.update(orders, { id, note: unchanged, amount: '0.01', paid: null });
        if (rows.rows >= 8000) await harness.write(session, rows.build(null));
      }
      await harness.write(session, rows.build(feed.checkpoint()));
      await harness.commit(session, feed.checkpoint());
      const found = await harness.rows(orders);
      expect(found).toHaveLength(100_003);
      expect(found).toEqual(harness.expected(orders));
    });
  });
}
