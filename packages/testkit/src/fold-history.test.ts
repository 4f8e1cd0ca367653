import { describe, expect, test } from 'vitest';
import { historyTable, unchanged, type BatchBuilder, type Table } from '@weir/sdk';
import { foldHistory } from './fold-history.ts';
import { HistoryTable } from './memory-history.ts';
import { seeBatch } from './seen-batch.ts';
import { nullable, ordersTable, withKey } from './sink-contract-tables.ts';
import { Feed } from './sink-harness.ts';

const orders: Table = ordersTable();
const sealed: Table = { ...orders, columns: [...orders.columns, nullable('seal', { kind: 'bytes' })] };

/** The history of a table after one transaction. */
function historyOf(table: Table, fill: (rows: BatchBuilder) => unknown) {
  const rows = new Feed().begin();
  fill(rows);
  const history = new HistoryTable();
  for (const row of seeBatch(rows.build(null)).rows) history.add(row, table);
  return history.cells(historyTable(table));
}

describe('a history', () => {
  test('ends in the rows that a mirror holds, in whatever order it is read', () => {
    const history = historyOf(orders, (rows) => {
      rows.insert(orders, { id: 1, note: 'one', amount: null, paid: true });
      rows.insert(orders, { id: 2, note: 'zwei', amount: '2.00', paid: null });
      rows.update(orders, { id: 1, note: unchanged, amount: '1.00', paid: true });
      rows.update(orders, { id: 3, note: unchanged, amount: null, paid: null }, { id: 2, note: unchanged });
      rows.insert(orders, { id: 4, note: null, amount: null, paid: null });
      rows.delete(orders, { id: 4 });
    });
    expect(foldHistory(orders, history.toReversed())).toEqual([['1', 'one', '1.00', 't'], ['3', 'zwei', null, null]]);
  });

  test('is empty behind a truncate', () => {
    const history = historyOf(orders, (rows) => rows.insert(orders, { id: 1 }).truncate(orders).insert(orders, { id: 1 }));
    expect(foldHistory(orders, history)).toEqual([['1', null, null, null]]);
  });

  test('of a table without a key finds one row by its whole image, bytes included', () => {
    const table = withKey(sealed);
    const row = { id: 1, note: 'ä"', amount: null, paid: null, seal: Uint8Array.of(0xff, 0) };
    const history = historyOf(table, (rows) => {
      rows.insert(table, row).insert(table, row).insert(table, { ...row, seal: null });
      rows.delete(table, row).update(table, { ...row, id: 2 }, row);
    });
    expect(foldHistory(table, history).map(([id, , , , seal]) => [id, seal])).toEqual([['1', null], ['2', '\xff\0']]);
  });

  test('that says something twice or of a row that is not there is refused', () => {
    const insert = historyOf(orders, (rows) => rows.insert(orders, { id: 1 }));
    expect(() => foldHistory(orders, [...insert, ...insert])).toThrow('two events');
    expect(() => foldHistory(orders, historyOf(orders, (rows) => rows.delete(orders, { id: 1 })))).toThrow('not there');
    const twice = historyOf(orders, (rows) => rows.insert(orders, { id: 1 }).insert(orders, { id: 1 }));
    expect(() => foldHistory(orders, twice)).toThrow('is there');
  });
});
