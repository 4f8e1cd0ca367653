import { describe, expect, it } from 'vitest';
import { emptyBatch, type Table } from '@weir/sdk';
import { describeColumns } from './sink-contract-columns.ts';
import { insertOrder, withOrders } from './sink-contract-orders.ts';
import { describeRandomShapes } from './sink-contract-schema-random.ts';
import {
  linesTable,
  nullable,
  ordersTable,
  projected,
  withColumn,
  withRenamed,
  withType,
  withoutColumn,
} from './sink-contract-tables.ts';
import { keepsCheckpoint, type SinkDriver } from './sink-driver.ts';

const text = { kind: 'string' } as const;
const orders = ordersTable();
const withCity = withColumn(orders, nullable('city', text));

export function describeSchema(driver: SinkDriver): void {
  describe('schema changes', () => {
    describeCreate(driver);
    describeColumns(driver);
    describeMixed(driver);
    if (keepsCheckpoint(driver)) describeRandomShapes(driver);
  });
}

function describeCreate(driver: SinkDriver): void {
  describe('create', () => {
    it('makes a table that appeared later, and again one that is copied once more', async () => {
      await using run = await withOrders(driver);
      const lines = linesTable();
      await run.commit((rows) => {
        rows.schemaChange({ table: lines, change: 'create', reason: 'new' });
        rows.insert(lines, { Quantity: 1, line: 'a', order: 1, rowid: null, details: null });
        insertOrder(rows, 4);
      });
      expect(await run.expectSame(lines)).toHaveLength(1);
      expect(await run.expectSame(orders)).toHaveLength(4);
      await run.commit((rows) => {
        rows.schemaChange({ table: orders, change: 'create', reason: 'again' });
        rows.read(orders, { id: 9, note: 'copied again', amount: null, paid: null });
      });
      expect(await run.expectSame(orders)).toEqual([['9', 'copied again', null, null]]);
      expect(await run.expectSame(lines)).toHaveLength(1);
    });

    it('gives a table that was dropped and made again its new columns and types', async () => {
      for (const reason of ['new', 'again', 'first'] as const) {
        await using run = await withOrders(driver);
        const other: Table = {
          ...orders,
          version: 2,
          key: [1],
          columns: [nullable('amount', text), nullable('id', { kind: 'uuid' }), nullable('at', { kind: 'timestamptz' })],
        };
        const id = '0123abcd-4567-89ab-cdef-0123456789ab';
        await run.commit((rows) => {
          rows.schemaChange({ table: other, change: 'create', reason });
          rows.insert(other, { amount: 'a lot', id: 'ffffffff-ffff-ffff-ffff-ffffffffffff', at: null });
          rows.insert(other, { amount: 'little', id, at: '2024-07-01T00:00:00.5Z' });
          rows.update(other, { amount: 'less', id, at: '2024-07-01T00:00:00.5Z' });
        });
        expect(await run.expectSame(other)).toContainEqual(['less', id, '2024-07-01T00:00:00.5Z']);
      }
    });
  });

  describe('drop-table', () => {
    it('removes the table, and one that is made under its name is a new one', async () => {
      await using run = await withOrders(driver);
      await run.commit((rows) => {
        rows.delete(orders, { id: 1 });
      });
      await run.commit((rows) => {
        rows.schemaChange({ table: orders, change: 'drop-table' });
      });
      const [plan] = await run.harness.plan([orders]);
      expect(plan).toMatchObject({ action: 'create', findings: [] });
      const other = withType(orders, 'amount', { kind: 'bool' });
      await run.commit((rows) => {
        rows.schemaChange({ table: other, change: 'create', reason: 'new' });
        rows.insert(other, { id: 1, note: null, amount: 't', paid: null });
      });
      expect(await run.expectSame(other)).toEqual([['1', null, 't', null]]);
    });

    it('and create in one commit, with rows before and after', async () => {
      await using run = await withOrders(driver);
      await run.transaction((rows) => {
        insertOrder(rows, 4);
        rows.delete(orders, { id: 1 });
      });
      await run.transaction((rows) => {
        rows.schemaChange({ table: orders, change: 'drop-table' });
      });
      const other = withType(orders, 'amount', { kind: 'bool' });
      await run.commit((rows) => {
        rows.schemaChange({ table: other, change: 'create', reason: 'new' });
        rows.insert(other, { id: 2, note: null, amount: 'f', paid: null });
      });
      expect(await run.expectSame(other)).toEqual([['2', null, 'f', null]]);
    });
  });
}

function describeMixed(driver: SinkDriver): void {
  describe('of all kinds', () => {
    const remarked = withRenamed(withCity, 'note', 'remark');
    const last = withoutColumn(remarked, 'amount');

    it('between batches of one commit, with rows of every shape', async () => {
      await using run = await withOrders(driver);
      await run.transaction((rows) => insertOrder(rows, 4));
      await run.transaction((rows) => {
        rows.schemaChange({ table: withCity, change: 'add', column: 'city', value: 'Bonn' });
        insertOrder(rows, 5, withCity, { city: 'Rome' });
        rows.update(withCity, { id: 1, note: 'with a city', amount: null, paid: null, city: 'Oslo' });
      });
      await run.transaction((rows) => {
        rows.schemaChange({ table: remarked, change: 'rename', column: 'remark', from: 'note' });
        rows.insert(remarked, { id: 6, remark: 'six', amount: '6.00', paid: null, city: null });
        rows.update(remarked, { id: 24, remark: 'was four', amount: '4.00', paid: null, city: 'Lima' }, { id: 4 });
      });
      await run.transaction((rows) => {
        rows.schemaChange({ table: last, change: 'drop', column: 'amount' });
        rows.insert(last, { id: 7, remark: 'seven', paid: null, city: null });
        rows.delete(last, { id: 5 });
      });
      await run.commit();
      expect(await run.expectSame(last)).toHaveLength(6);
      const amounts = await run.expectSame(projected(remarked, 'id', 'amount'));
      expect(amounts).toContainEqual(['24', '4.00']);
      expect(amounts).toContainEqual(['7', null]);
    });

    it('in a batch of their own, with a checkpoint and no transaction', async () => {
      await using run = await withOrders(driver);
      run.begin();
      await run.batch(emptyBatch(run.checkpoint, [{ table: withCity, change: 'add', column: 'city', value: 'Bonn' }]));
      await run.commit();
      expect(await run.expectSame(withCity)).toContainEqual(['1', 'note 1', '1.00', 't', 'Bonn']);
      run.begin();
      await run.batch(emptyBatch(run.checkpoint, [{ table: remarked, change: 'rename', column: 'remark', from: 'note' }]));
      await run.commit((rows) => rows.insert(remarked, { id: 4, remark: 'four', amount: null, paid: null, city: null }));
      expect(await run.expectSame(remarked)).toHaveLength(4);
    });

    it('that were not committed are gone with their session, and come again (invariant 3)', async () => {
      await using first = await withOrders(driver);
      await first.transaction((rows) => {
        rows.schemaChange({ table: withCity, change: 'add', column: 'city', value: 'Bonn' });
        insertOrder(rows, 4, withCity, { city: 'Rome' });
        rows.schemaChange({ table: linesTable(), change: 'create', reason: 'new' });
      });
      const committed = await first.session.recover();
      await using second = await first.restart();
      expect(await second.session.recover()).toEqual(committed);
      expect(await second.expectSame(orders)).toHaveLength(3);
      await second.transaction((rows) => {
        rows.schemaChange({ table: orders, change: 'drop-table' });
      });
      await using third = await second.restart();
      await third.commit((rows) => {
        rows.schemaChange({ table: withCity, change: 'add', column: 'city', value: 'Lima' });
        insertOrder(rows, 4, withCity, { city: 'Rome' });
      });
      expect(await third.expectSame(withCity)).toContainEqual(['1', 'note 1', '1.00', 't', 'Lima']);
      expect(await third.harness.plan([linesTable()])).toMatchObject([{ action: 'create' }]);
    });

    it('whose commit was not answered are there: the next session goes on with the new shape (invariant 4)', async () => {
      await using first = await withOrders(driver);
      await first.commit((rows) => {
        rows.schemaChange({ table: withCity, change: 'add', column: 'city', value: 'Bonn' });
        insertOrder(rows, 4, withCity, { city: 'Rome' });
      });
      const { checkpoint } = first;
      await using second = await first.restart();
      expect(await second.session.recover()).toEqual(checkpoint);
      const fresh = withColumn(ordersTable(5), nullable('city', text));
      await second.commit((rows) => {
        rows.update(fresh, { id: 4, note: 'n', amount: null, paid: null, city: 'Oslo' });
        insertOrder(rows, 5, fresh, { city: null });
      });
      expect(await second.expectSame(fresh)).toHaveLength(5);
    });
  });
}
