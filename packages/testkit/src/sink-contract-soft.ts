import { describe, expect, it } from 'vitest';
import { unchanged, type BatchBuilder, type RowValues } from '@weir/sdk';
import { insertOrder, withOrders } from './sink-contract-orders.ts';
import {
  linesTable,
  nullable,
  ordersTable,
  projected,
  withColumn,
  withKey,
  withMark,
  withoutColumn,
} from './sink-contract-tables.ts';
import type { SinkDriver } from './sink-driver.ts';
import { SinkRun } from './sink-run.ts';

const soft = { deletes: 'soft' } as const;
const orders = ordersTable();
const marked = withMark(orders);

/** The commit time of the contract's transaction of that number. */
function time(transaction: number): string {
  return `2023-11-14T22:13:${20 + transaction}.${String(transaction).padStart(6, '0')}Z`.replace(/0+Z$/, 'Z');
}

export function describeSoftDeletes(driver: SinkDriver): void {
  describe('soft deletes', () => {
    describeMarks(driver);
    describeReturns(driver);
    describeTruncates(driver);
    describeShapesOfMarked(driver);
  });
}

function describeMarks(driver: SinkDriver): void {
  it('mark a row with the commit time of its delete, and leave its cells', async () => {
    await using run = await withOrders(driver, soft);
    await run.commit((rows) => rows.delete(orders, { id: 1, note: unchanged, amount: unchanged, paid: unchanged }));
    expect(await run.expectSame(orders)).toEqual([['2', 'note 2', '2.00', 't'], ['3', 'note 3', '3.00', 't']]);
    expect(await run.expectSame(marked)).toEqual([
      ['1', 'note 1', '1.00', 't', time(2)],
      ['2', 'note 2', '2.00', 't', null],
      ['3', 'note 3', '3.00', 't', null],
    ]);
  });

  it('show what the row held last, also when that came in the same commit or the same transaction', async () => {
    await using run = await withOrders(driver, soft);
    await run.transaction((rows) => {
      rows.update(orders, { id: 1, note: 'changed', amount: '1.10', paid: null });
      insertOrder(rows, 4, orders);
    });
    await run.transaction((rows) => rows.delete(orders, keyOnly(1)).delete(orders, keyOnly(4)));
    await run.transaction((rows) => {
      rows.update(orders, { id: 2, note: 'also changed', amount: unchanged, paid: false });
      insertOrder(rows, 5, orders);
      rows.delete(orders, keyOnly(2)).delete(orders, keyOnly(5));
    });
    await run.commit();
    expect(await run.expectSame(orders)).toEqual([['3', 'note 3', '3.00', 't']]);
    expect(await run.expectSame(marked)).toEqual([
      ['1', 'changed', '1.10', null, time(3)],
      ['2', 'also changed', '2.00', 'f', time(4)],
      ['3', 'note 3', '3.00', 't', null],
      ['4', 'note 4', '4.00', 't', time(3)],
      ['5', 'note 5', '5.00', 't', time(4)],
    ]);
  });

  it('of a changed key mark the old key, and the row goes on under the new one', async () => {
    await using run = await withOrders(driver, soft);
    await run.commit((rows) => {
      rows.update(orders, { id: 11, note: unchanged, amount: '1.10', paid: true }, keyOnly(1));
      rows.update(orders, { id: 12, note: 'two', amount: '2.00', paid: true }, keyOnly(2));
      rows.update(orders, { id: 22, note: unchanged, amount: unchanged, paid: null }, keyOnly(12));
    });
    expect(await run.expectSame(orders)).toEqual([
      ['11', 'note 1', '1.10', 't'],
      ['22', 'two', '2.00', null],
      ['3', 'note 3', '3.00', 't'],
    ]);
    expect(await run.expectSame(projected(marked, 'id', 'note', '_weir_deleted_at'))).toEqual([
      ['1', 'note 1', time(2)],
      ['11', 'note 1', null],
      ['12', 'two', time(2)],
      ['2', 'note 2', time(2)],
      ['22', 'two', null],
      ['3', 'note 3', null],
    ]);
  });

  it('of a table without a key mark one of two equal rows', async () => {
    const keyless = withKey(orders);
    const row: RowValues = { id: 1, note: 'n', amount: null, paid: null };
    await using run = await SinkRun.with(driver, keyless, (rows) => rows.insert(keyless, row).insert(keyless, row), soft);
    await run.commit((rows) => rows.delete(keyless, row));
    expect(await run.expectSame(keyless)).toHaveLength(1);
    await run.commit((rows) => rows.insert(keyless, row).insert(keyless, row).delete(keyless, row));
    expect(await run.expectSame(keyless)).toHaveLength(2);
    const marks = (await run.expectSame(withMark(keyless))).map((cells) => cells.at(-1));
    expect(marks).toEqual([time(2), time(3), null, null]);
  });
}

function describeReturns(driver: SinkDriver): void {
  it('are undone by an insert of the key, and come again by the next delete', async () => {
    await using run = await withOrders(driver, soft);
    await run.commit((rows) => rows.delete(orders, keyOnly(1)).delete(orders, keyOnly(2)));
    await run.commit((rows) => {
      rows.insert(orders, { id: 1, note: 'again', amount: null, paid: null });
      rows.read(orders, { id: 2, note: null, amount: '2.20', paid: null });
    });
    expect(await run.expectSame(orders)).toHaveLength(3);
    expect(await run.expectSame(marked)).toEqual([
      ['1', 'again', null, null, null],
      ['2', null, '2.20', null, null],
      ['3', 'note 3', '3.00', 't', null],
    ]);
    await run.commit((rows) => rows.delete(orders, keyOnly(1)));
    expect(await run.expectSame(marked)).toContainEqual(['1', 'again', null, null, time(4)]);
    expect(await run.expectSame(orders)).toHaveLength(2);
  });

  it('and inserts of one key in one commit leave what came last', async () => {
    await using run = await withOrders(driver, soft);
    await run.transaction((rows) => {
      rows.delete(orders, keyOnly(1));
      rows.insert(orders, { id: 1, note: 'again', amount: null, paid: null });
      rows.delete(orders, keyOnly(2));
      rows.insert(orders, { id: 2, note: 'again', amount: null, paid: null });
    });
    await run.transaction((rows) => {
      rows.delete(orders, keyOnly(2));
      rows.update(orders, { id: 1, note: unchanged, amount: '1.10', paid: unchanged });
    });
    await run.commit();
    expect(await run.expectSame(marked)).toEqual([
      ['1', 'again', '1.10', null, null],
      ['2', 'again', null, null, time(3)],
      ['3', 'note 3', '3.00', 't', null],
    ]);
  });

  it('give way to a row that moves to the key', async () => {
    await using run = await withOrders(driver, soft);
    await run.commit((rows) => rows.delete(orders, keyOnly(1)));
    await run.commit((rows) => {
      rows.update(orders, { id: 1, note: unchanged, amount: '9.00', paid: true }, keyOnly(2));
      rows.update(orders, { id: 99, note: unchanged, amount: unchanged, paid: unchanged }, keyOnly(3));
      rows.update(orders, { id: 2, note: 'was 3', amount: unchanged, paid: unchanged }, keyOnly(99));
    });
    expect(await run.expectSame(orders)).toEqual([['1', 'note 2', '9.00', 't'], ['2', 'was 3', '3.00', 't']]);
    const marks = await run.expectSame(projected(marked, 'id', '_weir_deleted_at'));
    expect(marks).toEqual([['1', null], ['2', null], ['3', time(3)], ['99', time(3)]]);
  });

  it('that were not committed are gone with their session', async () => {
    await using first = await withOrders(driver, soft);
    await first.transaction((rows) => rows.delete(orders, keyOnly(1)).truncate(orders));
    await using run = await first.restart();
    expect(await run.expectSame(marked)).toHaveLength(3);
    await run.commit((rows) => rows.delete(orders, keyOnly(1)));
    expect(await run.expectSame(orders)).toHaveLength(2);
  });
}

function describeTruncates(driver: SinkDriver): void {
  it('of a truncate mark all rows that are there, and leave older marks', async () => {
    await using run = await withOrders(driver, soft);
    await run.commit((rows) => rows.delete(orders, keyOnly(1)));
    await run.transaction((rows) => {
      insertOrder(rows, 4, orders);
      rows.update(orders, { id: 3, note: 'changed', amount: null, paid: null });
    });
    await run.commit((rows) => rows.truncate(orders));
    expect(await run.expectSame(orders)).toEqual([]);
    const marks = await run.expectSame(projected(marked, 'id', 'note', '_weir_deleted_at'));
    expect(marks).toEqual([
      ['1', 'note 1', time(2)],
      ['2', 'note 2', time(4)],
      ['3', 'changed', time(4)],
      ['4', 'note 4', time(4)],
    ]);
  });

  it('of a truncate are undone by inserts behind it', async () => {
    await using run = await withOrders(driver, soft);
    await run.commit((rows) => {
      insertOrder(rows, 4, orders);
      rows.truncate(orders);
      rows.insert(orders, { id: 1, note: 'after', amount: null, paid: null });
      insertOrder(rows, 5, orders);
      rows.update(orders, { id: 5, note: 'after, changed', amount: null, paid: null });
    });
    expect(await run.expectSame(orders)).toHaveLength(2);
    expect(await run.expectSame(projected(marked, 'id', 'note', '_weir_deleted_at'))).toEqual([
      ['1', 'after', null],
      ['2', 'note 2', time(2)],
      ['3', 'note 3', time(2)],
      ['4', 'note 4', time(2)],
      ['5', 'after, changed', null],
    ]);
  });

  it('go when the table is made anew', async () => {
    await using run = await withOrders(driver, soft);
    await run.commit((rows) => rows.delete(orders, keyOnly(1)));
    await run.commit((rows) => {
      rows.schemaChange({ table: orders, change: 'create', reason: 'again' });
      rows.read(orders, { id: 2, note: 'copied again', amount: null, paid: null });
    });
    expect(await run.expectSame(marked)).toEqual([['2', 'copied again', null, null, null]]);
  });
}

function describeShapesOfMarked(driver: SinkDriver): void {
  it('stay what they are when columns come and go', async () => {
    await using run = await withOrders(driver, soft);
    const wide = withColumn(withoutColumn(orders, 'note'), nullable('city', { kind: 'string' }));
    await run.commit((rows) => rows.delete(orders, keyOnly(1)));
    await run.commit((rows) => {
      rows.schemaChange({ table: wide, change: 'drop', column: 'note' });
      rows.schemaChange({ table: wide, change: 'add', column: 'city', value: 'Bonn' });
      rows.insert(wide, { id: 1, amount: null, paid: null, city: 'Rome' });
      rows.delete(wide, { id: 2, amount: unchanged, paid: unchanged, city: unchanged });
      rows.insert(wide, { id: 4, amount: null, paid: null, city: null });
    });
    expect(await run.expectSame(wide)).toHaveLength(3);
    expect(await run.expectSame(projected(withMark(wide), 'id', 'city', '_weir_deleted_at'))).toEqual([
      ['1', 'Rome', null],
      ['2', 'Bonn', time(3)],
      ['3', 'Bonn', null],
      ['4', null, null],
    ]);
  });

  it('are those of a table whose key has several columns too', async () => {
    const lines = linesTable();
    const line = { Quantity: 1, line: 'a', order: 1, rowid: 'first', details: '[1]' };
    const two = (rows: BatchBuilder): unknown => rows.insert(lines, line).insert(lines, { ...line, line: 'b' });
    await using run = await SinkRun.with(driver, lines, two, soft);
    const key: RowValues = { Quantity: unchanged, line: 'b', order: 1, rowid: unchanged, details: unchanged };
    await run.commit((rows) => {
      rows.delete(lines, key);
      rows.update(lines, { ...line, order: 2, details: unchanged }, { ...key, line: 'a' });
    });
    expect(await run.expectSame(lines)).toHaveLength(1);
    expect(await run.expectSame(withMark(lines))).toHaveLength(3);
  });
}

function keyOnly(id: number): RowValues {
  return { id, note: unchanged, amount: unchanged, paid: unchanged };
}
