import { describe, expect, it } from 'vitest';
import { schemaPolicies, tableName, unchanged, type Table } from '@weir/sdk';
import { insertOrder, withOrders } from './sink-contract-orders.ts';
import {
  nullable,
  ordersTable,
  projected,
  reshaped,
  withColumn,
  withKey,
  withRenamed,
  withoutColumn,
} from './sink-contract-tables.ts';
import { keepsCheckpoint, type SinkDriver } from './sink-driver.ts';

const orders = ordersTable();
const text = { kind: 'string' } as const;
const withCity = withColumn(orders, nullable('city', text));
const ignores = { ...schemaPolicies('apply'), add: 'ignore' } as const;

/** Rows whose table has other columns than the target's, or the same in another order, and keys that change. */
export function describeShapes(driver: SinkDriver): void {
  describeColumnNames(driver);
  describeIgnored(driver);
  describeKeyChanges(driver);
  describeKeyLost(driver);
}

function describeColumnNames(driver: SinkDriver): void {
  describe('columns are found by their names:', () => {
    it('a session that gets them in another order', async () => {
      await using first = await withOrders(driver);
      await using run = await first.restart();
      const mixed = reshaped(orders, [2, 3, 0, 1].map((column) => orders.columns[column]!));
      await run.commit((rows) => {
        insertOrder(rows, 4, mixed);
        rows.update(mixed, { id: 1, note: unchanged, amount: '1.10', paid: null });
        rows.update(mixed, { id: 22, note: 'moved', amount: unchanged, paid: false }, { ...only(mixed), id: 2 });
        rows.delete(mixed, { ...only(mixed), id: 3 });
      });
      expect(await run.expectSame(orders)).toEqual([
        ['1', 'note 1', '1.10', null],
        ['22', 'moved', '2.00', 'f'],
        ['4', 'note 4', '4.00', 't'],
      ]);
      expect(await run.expectSame(mixed)).toContainEqual(['2.00', 'f', '22', 'moved']);
    });

    it('a session whose table lacks some: NULL in new rows, as they were in the others', async () => {
      await using first = await withOrders(driver);
      await using run = await first.restart();
      const some = reshaped(orders, [orders.columns[3]!, orders.columns[0]!]);
      await run.commit((rows) => {
        rows.insert(some, { id: 4, paid: false });
        rows.update(some, { id: 1, paid: false });
        rows.update(some, { id: 22, paid: null }, { id: 2 });
        rows.update(some, { id: 4, paid: null });
        rows.delete(some, { id: 3 });
        rows.insert(some, { id: 3, paid: true });
      });
      expect(await run.expectSame(orders)).toEqual([
        ['1', 'note 1', '1.00', 'f'],
        ['22', 'note 2', '2.00', null],
        ['3', null, null, 't'],
        ['4', null, null, null],
      ]);
    });
  });
}

function describeIgnored(driver: SinkDriver): void {
  describe('a column that the target lacks', () => {
    it('is left out where added columns are ignored, and later changes of it too', async () => {
      await using run = await withOrders(driver, { schemaChanges: ignores });
      await run.commit((rows) => {
        insertOrder(rows, 4, withCity, { city: 'Rome' });
        rows.update(withCity, { id: 1, note: 'one', amount: null, paid: null, city: 'Oslo' });
        rows.update(withCity, { id: 2, note: unchanged, amount: null, paid: null, city: unchanged });
      });
      expect(await run.expectSame(orders)).toEqual([
        ['1', 'one', null, null],
        ['2', 'note 2', null, null],
        ['3', 'note 3', '3.00', 't'],
        ['4', 'note 4', '4.00', 't'],
      ]);
      const town = withRenamed(withCity, 'city', 'town');
      await run.commit((rows) => {
        rows.schemaChange({ table: town, change: 'rename', column: 'town', from: 'city' });
        insertOrder(rows, 5, town, { town: 'Rome' });
      });
      await run.commit((rows) => {
        rows.schemaChange({ table: town, change: 'widen', column: 'town' });
        rows.schemaChange({ table: orders, change: 'drop', column: 'town' });
        insertOrder(rows, 6);
      });
      expect(await run.expectSame(orders)).toHaveLength(6);
    });

    it('is left out where renames are ignored; its values go nowhere, the old column has NULL', async () => {
      await using run = await withOrders(driver, { schemaChanges: { ...schemaPolicies('apply'), rename: 'ignore' } });
      const remarked = withRenamed(orders, 'note', 'remark');
      await run.commit((rows) => {
        rows.insert(remarked, { id: 4, remark: 'four', amount: null, paid: null });
        rows.update(remarked, { id: 1, remark: 'one', amount: null, paid: null });
      });
      const found = await run.expectSame(orders);
      expect(found).toContainEqual(['4', null, null, null]);
      expect(found).toContainEqual(['1', 'note 1', null, null]);
    });

    it('is refused otherwise, with a code and the table', async () => {
      await using run = await withOrders(driver);
      const error = await run.refusal((rows) => insertOrder(rows, 4, withCity, { city: 'Rome' }));
      expect(error).toMatchObject({ table: tableName(orders), policy: { policy: 'stop' } });
      await using again = await run.restart();
      expect(await again.expectSame(orders)).toHaveLength(3);
    });

    it('that was ignored once, and then is not, is refused', async () => {
      await using run = await withOrders(driver, { schemaChanges: ignores });
      await run.commit((rows) => insertOrder(rows, 4, withCity, { city: 'Rome' }));
      await using again = await run.restart({});
      expect(await again.refusal((rows) => insertOrder(rows, 5, withCity))).toMatchObject({ table: tableName(orders) });
    });
  });
}

function describeKeyChanges(driver: SinkDriver): void {
  describe('key', () => {
    it('to other columns: rows are found by them from then on', async () => {
      await using run = await withOrders(driver);
      const byNote = withKey(orders, 'note', 'paid');
      await run.transaction((rows) => {
        rows.update(orders, { id: 2, note: 'two', amount: '2.00', paid: false });
        insertOrder(rows, 4);
      });
      await run.commit((rows) => {
        rows.schemaChange({ table: byNote, change: 'key' });
        rows.update(byNote, { id: 7, note: 'two', amount: '2.20', paid: false });
        rows.update(byNote, { id: 8, note: 'three', amount: unchanged, paid: true }, { note: 'note 3', paid: true });
        rows.delete(byNote, { note: 'note 1', paid: true });
        rows.insert(byNote, { id: 7, note: 'two', amount: null, paid: true });
      });
      expect(await run.expectSame(byNote)).toEqual([
        ['4', 'note 4', '4.00', 't'],
        ['7', 'two', '2.20', 'f'],
        ['7', 'two', null, 't'],
        ['8', 'three', '3.00', 't'],
      ]);
    });

    it('whose column was dropped, whichever of the two changes comes first', async () => {
      const rest = withoutColumn(withKey(orders, 'note'), 'id');
      const changes = [
        { table: rest, change: 'key' },
        { table: rest, change: 'drop', column: 'id' },
      ] as const;
      for (const order of [changes, changes.toReversed()]) {
        await using run = await withOrders(driver);
        await run.commit((rows) => {
          for (const change of order) rows.schemaChange(change);
          rows.insert(rest, { note: 'note 4', amount: null, paid: null });
          rows.update(rest, { note: 'note 1', amount: '1.10', paid: null });
          rows.delete(rest, { note: 'note 2' });
        });
        expect(await run.expectSame(projected(orders, 'id', 'note', 'amount'))).toEqual([
          ['1', 'note 1', '1.10'],
          ['3', 'note 3', '3.00'],
          [null, 'note 4', null],
        ]);
      }
    });
  });
}

/** Without a key rows are told apart by nothing that a replay could be known by. */
function describeKeyLost(driver: SinkDriver): void {
  if (!keepsCheckpoint(driver)) return;
  it('a key that changes to none and back: in between rows may be equal', async () => {
    await using run = await withOrders(driver);
    const keyless = withKey(orders);
    const three = { id: 3, note: 'note 3', amount: '3.00', paid: true };
    await run.commit((rows) => {
      rows.schemaChange({ table: keyless, change: 'key' });
      rows.insert(keyless, three).insert(keyless, three);
      rows.delete(keyless, three);
      rows.update(keyless, { ...three, paid: false }, three);
    });
    expect(await run.expectSame(keyless)).toHaveLength(4);
    await run.commit((rows) => {
      rows.delete(keyless, three);
    });
    await run.commit((rows) => {
      rows.schemaChange({ table: orders, change: 'key' });
      rows.update(orders, { id: 3, note: 'three', amount: null, paid: true });
    });
    expect(await run.expectSame(orders)).toEqual([
      ['1', 'note 1', '1.00', 't'],
      ['2', 'note 2', '2.00', 't'],
      ['3', 'three', null, 't'],
    ]);
  });
}

/** Nothing of a row but what is named beside it. */
function only(table: Table): Record<string, typeof unchanged> {
  return Object.fromEntries(table.columns.map(({ name }) => [name, unchanged]));
}
