import { describe, expect, it } from 'vitest';
import { unchanged, type RowValues } from '@weir/sdk';
import { linesTable, ordersTable } from './sink-contract-tables.ts';
import type { SinkDriver } from './sink-driver.ts';
import { Feed, SinkHarness } from './sink-harness.ts';

const orders = ordersTable();
const lines = linesTable();

/** The image of an old key alone, as sources without full images send it. */
function keyOnly(id: number): RowValues {
  return { id, note: unchanged, amount: unchanged, paid: unchanged };
}

async function withRows(driver: SinkDriver) {
  const harness = await SinkHarness.start(driver);
  const session = await harness.session();
  const feed = new Feed();
  const rows = feed
    .begin()
    .schemaChange({ table: orders, change: 'create' })
    .schemaChange({ table: lines, change: 'create' });
  for (let id = 1; id <= 5; id++)
    rows.insert(orders, { id, note: `note ${id}, which is a longer text`, amount: `${id}.00`, paid: true });
  rows.insert(lines, { Quantity: 1, line: 'a', order: 1, rowid: 'first', details: '[1]' });
  rows.insert(lines, { Quantity: 2, line: 'b', order: 1, rowid: 'second', details: '[2]' });
  await harness.write(session, rows.build(feed.checkpoint()));
  await harness.commit(session, feed.checkpoint());
  return { harness, session, feed };
}

export function describeKeys(driver: SinkDriver): void {
  describe('a changed key', () => {
    it('moves the row, with all its cells', async () => {
      const { harness, session, feed } = await withRows(driver);
      await using _ = harness;
      const rows = feed.begin();
      rows.update(orders, { id: 11, note: 'moved', amount: '1.00', paid: null }, keyOnly(1));
      rows.update(
        orders,
        { id: 12, note: 'moved', amount: '2.00', paid: null },
        { id: 2, note: 'note 2, which is a longer text', amount: '2.00', paid: true },
      );
      rows.update(
        lines,
        { Quantity: 1, line: 'c', order: 1, rowid: 'first', details: '[1]' },
        { Quantity: unchanged, line: 'a', order: 1, rowid: unchanged, details: unchanged },
      );
      await harness.write(session, rows.build(feed.checkpoint()));
      await harness.commit(session, feed.checkpoint());
      expect(await harness.rows(orders)).toEqual(harness.expected(orders));
      expect(await harness.rows(lines)).toEqual(harness.expected(lines));
    });

    it('moves the row with cells that did not come, from the mirror or from the commit itself', async () => {
      const { harness, session, feed } = await withRows(driver);
      await using _ = harness;
      const rows = feed.begin();
      rows.update(orders, { id: 11, note: unchanged, amount: '1.10', paid: true }, keyOnly(1));
      rows.update(orders, { id: 11, note: unchanged, amount: '1.20', paid: true });
      rows.update(orders, { id: 2, note: 'changed before it moves', amount: '2.00', paid: true });
      rows.update(orders, { id: 12, note: unchanged, amount: unchanged, paid: false }, keyOnly(2));
      rows.insert(orders, { id: 6, note: 'new and moved', amount: '6.00', paid: true });
      rows.update(orders, { id: 16, note: unchanged, amount: '6.10', paid: unchanged }, keyOnly(6));
      rows.update(orders, { id: 26, note: unchanged, amount: unchanged, paid: unchanged }, keyOnly(16));
      rows.delete(orders, keyOnly(3));
      rows.update(
        lines,
        { Quantity: unchanged, line: unchanged, order: 9, rowid: unchanged, details: unchanged },
        { Quantity: unchanged, line: 'b', order: 1, rowid: unchanged, details: unchanged },
      );
      await harness.write(session, rows.build(feed.checkpoint()));
      await harness.commit(session, feed.checkpoint());
      expect(await harness.rows(orders)).toEqual(harness.expected(orders));
      expect(await harness.rows(orders)).toContainEqual(['26', 'new and moved', '6.10', 't']);
      expect(await harness.rows(lines)).toEqual(harness.expected(lines));
      expect(await harness.rows(lines)).toContainEqual(['2', 'b', '9', 'second', '[2]']);
    });

    it('takes the cells that did not come from a whole old image', async () => {
      const { harness, session, feed } = await withRows(driver);
      await using _ = harness;
      const rows = feed.begin();
      const old = { id: 4, note: 'note 4, which is a longer text', amount: '4.00', paid: true };
      rows.update(orders, { id: 14, note: unchanged, amount: '4.40', paid: true }, old);
      rows.update(
        orders,
        { id: 5, note: unchanged, amount: '5.50', paid: null },
        { ...old, id: 5, note: 'note 5, which is a longer text' },
      );
      await harness.write(session, rows.build(feed.checkpoint()));
      await harness.commit(session, feed.checkpoint());
      expect(await harness.rows(orders)).toEqual(harness.expected(orders));
      expect(await harness.rows(orders)).toContainEqual(['14', 'note 4, which is a longer text', '4.40', 't']);
    });

    it('can be swapped with another in one transaction, and a freed key taken', async () => {
      const { harness, session, feed } = await withRows(driver);
      await using _ = harness;
      const rows = feed.begin();
      rows.update(orders, { id: 99, note: 'was 1', amount: '1.00', paid: true }, keyOnly(1));
      rows.update(orders, { id: 1, note: 'was 2', amount: '2.00', paid: true }, keyOnly(2));
      rows.update(orders, { id: 2, note: unchanged, amount: '1.00', paid: true }, keyOnly(99));
      rows.delete(orders, keyOnly(3));
      rows.update(orders, { id: 3, note: unchanged, amount: unchanged, paid: unchanged }, keyOnly(4));
      rows.insert(orders, { id: 4, note: 'another four', amount: '4.04', paid: null });
      await harness.write(session, rows.build(feed.checkpoint()));
      await harness.commit(session, feed.checkpoint());
      expect(await harness.rows(orders)).toEqual(harness.expected(orders));
      expect(await harness.rows(orders)).toContainEqual(['2', 'was 1', '1.00', 't']);
    });

    it('to the same key, told with an old image, is an update', async () => {
      const { harness, session, feed } = await withRows(driver);
      await using _ = harness;
      const rows = feed.begin().update(orders, { id: 1, note: unchanged, amount: '7.00', paid: null }, keyOnly(1));
      await harness.write(session, rows.build(feed.checkpoint()));
      await harness.commit(session, feed.checkpoint());
      expect(await harness.rows(orders)).toEqual(harness.expected(orders));
    });
  });
}
