import { expect, it } from 'vitest';
import { historyTable, schemaPolicies } from '@weir/sdk';
import { insertOrder, withOrders } from './sink-contract-orders.ts';
import {
  nullable,
  ordersTable,
  projected,
  withColumn,
  withKey,
  withRenamed,
  withType,
  withoutColumn,
} from './sink-contract-tables.ts';
import type { SinkDriver } from './sink-driver.ts';
import type { SinkRun } from './sink-run.ts';

const append = { mode: 'append' } as const;
const orders = ordersTable();
const withCity = withColumn(orders, nullable('city', { kind: 'string' }));

/** Schema changes of a table in `mode: append`. */
export function describeHistoryShapes(driver: SinkDriver): void {
  it('has NULL in the rows before an added column, whatever value the source gave them', async () => {
    await using run = await withOrders(driver, append);
    await run.commit((rows) => {
      rows.schemaChange({ table: withCity, change: 'add', column: 'city', value: 'Bonn' });
      insertOrder(rows, 4, withCity, { city: 'Rome' });
    });
    expect(await cells(run, withCity, 'city')).toEqual([null, null, null, 'Rome']);
    await run.expectSame(historyTable(withCity));
  });

  it('keeps a dropped column, with NULL in rows to come; one that comes back is made anew', async () => {
    await using run = await withOrders(driver, append);
    const rest = withoutColumn(orders, 'note');
    await run.commit((rows) => {
      rows.schemaChange({ table: rest, change: 'drop', column: 'note' });
      rows.insert(rest, { id: 4, amount: null, paid: null });
    });
    expect(await cells(run, orders, 'note')).toEqual(['note 1', 'note 2', 'note 3', null]);
    await run.expectSame(historyTable(rest));
    const again = withColumn(rest, nullable('note', { kind: 'bool' }));
    await run.commit((rows) => {
      rows.schemaChange({ table: again, change: 'add', column: 'note', value: 't' });
      rows.insert(again, { id: 5, amount: null, paid: null, note: false });
    });
    expect(await cells(run, again, 'note')).toEqual([null, null, null, null, 'f']);
  });

  it('renames and widens', async () => {
    await using run = await withOrders(driver, append);
    const remarked = withType(withRenamed(orders, 'note', 'remark'), 'amount', {
      kind: 'decimal',
      precision: 20,
      scale: 2,
    });
    await run.commit((rows) => {
      rows.schemaChange({ table: remarked, change: 'rename', column: 'remark', from: 'note' });
      rows.schemaChange({ table: remarked, change: 'widen', column: 'amount' });
      rows.insert(remarked, { id: 4, remark: 'four', amount: '123456789012345678.00', paid: null });
    });
    expect(await cells(run, remarked, 'remark')).toEqual(['note 1', 'note 2', 'note 3', 'four']);
    expect(await cells(run, remarked, 'amount')).toEqual(['1.00', '2.00', '3.00', '123456789012345678.00']);
  });

  it('does not mind a key that changes', async () => {
    await using run = await withOrders(driver, append);
    const byNote = withKey(orders, 'note');
    await run.commit((rows) => {
      rows.schemaChange({ table: byNote, change: 'key' });
      rows.delete(byNote, { note: 'note 1' });
    });
    expect(await cells(run, byNote, '_weir_op')).toEqual(['insert', 'insert', 'insert', 'delete']);
  });

  it('outlives its table, and goes on when one of that name appears', async () => {
    await using run = await withOrders(driver, append);
    await run.commit((rows) => {
      rows.schemaChange({ table: orders, change: 'drop-table' });
    });
    expect(await run.expectSame(historyTable(orders))).toHaveLength(3);
    await run.commit((rows) => {
      rows.schemaChange({ table: orders, change: 'create', reason: 'new' });
      insertOrder(rows, 1);
    });
    expect(await cells(run, orders, '_weir_op')).toEqual(['insert', 'insert', 'insert', 'truncate', 'insert']);
  });

  it('leaves an ignored column out', async () => {
    await using run = await withOrders(driver, { ...append, schemaChanges: { ...schemaPolicies('apply'), add: 'ignore' } });
    await run.commit((rows) => {
      insertOrder(rows, 4, withCity, { city: 'Rome' });
      rows.delete(withCity, { id: 1, note: 'note 1', amount: '1.00', paid: true, city: 'Bonn' });
    });
    expect(await run.expectSame(historyTable(orders))).toHaveLength(5);
    expect(await cells(run, orders, 'note')).toEqual(['note 1', 'note 2', 'note 3', 'note 4', 'note 1']);
  });
}

/** One column of a history, in the order of its events. */
async function cells(run: SinkRun, table: typeof orders, column: string): Promise<unknown[]> {
  const rows = await run.harness.rows(projected(historyTable(table), '_weir_position', '_weir_ordinal', column));
  return rows.map((row) => row[2]);
}
