import { describe, expect, it } from 'vitest';
import type { Table } from '@weir/sdk';
import { insertOrder, withOrders } from './sink-contract-orders.ts';
import {
  nullable,
  ordersTable,
  projected,
  withColumn,
  withRenamed,
  withType,
  withoutColumn,
} from './sink-contract-tables.ts';
import { heldCases } from './sink-contract-values.ts';
import type { SinkDriver } from './sink-driver.ts';
import { SinkRun } from './sink-run.ts';

const text = { kind: 'string' } as const;
const orders = ordersTable();
const withCity = withColumn(orders, nullable('city', text));
const withoutNote = withoutColumn(orders, 'note');

/** Changes of one column. */
export function describeColumns(driver: SinkDriver): void {
  describeAdd(driver);
  describeDrop(driver);
  describeRename(driver);
  describeWiden(driver);
}

function describeAdd(driver: SinkDriver): void {
  describe('add', () => {
    it('gives the rows that are there its value: a text, bytes or NULL', async () => {
      await using run = await withOrders(driver);
      const bytes = Uint8Array.of(0, 0xff, 0x27, 0x5c);
      const wide = withColumn(withCity, nullable('seal', { kind: 'bytes' }), nullable('rest', text));
      await run.commit((rows) => {
        rows.schemaChange({ table: wide, change: 'add', column: 'city', value: "it's \\ Köln" });
        rows.schemaChange({ table: wide, change: 'add', column: 'seal', value: bytes });
        rows.schemaChange({ table: wide, change: 'add', column: 'rest', value: null });
      });
      const seal = Buffer.from(bytes).toString('latin1');
      const city = Buffer.from("it's \\ Köln").toString('latin1');
      expect(await run.expectSame(wide)).toContainEqual(['1', 'note 1', '1.00', 't', city, seal, null]);
      await run.commit((rows) => {
        insertOrder(rows, 4, wide);
        rows.update(wide, { id: 1, note: 'n', amount: null, paid: null, city: null, seal: null, rest: 'r' });
      });
      const found = await run.expectSame(wide);
      expect(found).toContainEqual(['4', 'note 4', '4.00', 't', null, null, null]);
      expect(found).toContainEqual(['1', 'n', null, null, null, null, 'r']);
    });

    it('in the middle of a transaction, to rows of it and of the commit before', async () => {
      await using run = await withOrders(driver);
      await run.transaction((rows) => {
        insertOrder(rows, 4);
        rows.update(orders, { id: 3, note: 'changed before', amount: '3.00', paid: false });
      });
      const rows = run.begin();
      insertOrder(rows, 5);
      rows.delete(orders, { id: 2 });
      await run.write(rows);
      rows.schemaChange({ table: withCity, change: 'add', column: 'city', value: 'Bonn' });
      insertOrder(rows, 6, withCity, { city: 'Rome' });
      insertOrder(rows, 2, withCity, { city: null });
      rows.update(withCity, { id: 1, note: 'changed after', amount: '1.00', paid: null, city: 'Bonn' });
      await run.end(rows);
      await run.commit();
      const cities = projected(withCity, 'id', 'city');
      expect(await run.expectSame(withCity)).toHaveLength(6);
      expect(await run.harness.rows(cities)).toEqual([
        ['1', 'Bonn'],
        ['2', null],
        ['3', 'Bonn'],
        ['4', 'Bonn'],
        ['5', 'Bonn'],
        ['6', 'Rome'],
      ]);
    });

    it('of every type has its value with the same bytes (invariant 9)', { timeout: 120_000 }, async () => {
      const cases = heldCases(driver);
      await using run = await withOrders(driver);
      const table = withColumn(orders, ...cases.map(({ name, type }) => nullable(name, type)));
      await run.commit((rows) => {
        for (const { name, cells } of cases) {
          rows.schemaChange({ table, change: 'add', column: name, value: cells.at(-1)! });
        }
      });
      expect(await run.expectSame(table)).toHaveLength(3);
    });
  });
}

function describeDrop(driver: SinkDriver): void {
  describe('drop', () => {
    it('keeps the column: old values stay, rows to come have NULL there', async () => {
      await using run = await withOrders(driver);
      await run.commit((rows) => {
        rows.schemaChange({ table: withoutNote, change: 'drop', column: 'note' });
        rows.insert(withoutNote, { id: 4, amount: '4.00', paid: true });
        rows.update(withoutNote, { id: 4, amount: '4.10', paid: true });
        rows.delete(withoutNote, { id: 2 });
      });
      expect(await run.expectSame(withoutNote)).toHaveLength(3);
      const notes = projected(orders, 'id', 'note');
      expect(await run.expectSame(notes)).toEqual([['1', 'note 1'], ['3', 'note 3'], ['4', null]]);
      await run.commit((rows) => rows.insert(withoutNote, { id: 5, amount: null, paid: null }));
      expect(await run.expectSame(orders)).toContainEqual(['5', null, null, null]);
    });

    it('leaves what the column holds of a row that is changed or moved later', async () => {
      await using run = await withOrders(driver);
      await run.commit((rows) => {
        rows.schemaChange({ table: withoutNote, change: 'drop', column: 'note' });
      });
      await run.commit((rows) => {
        rows.update(withoutNote, { id: 1, amount: '1.10', paid: false });
        rows.update(withoutNote, { id: 22, amount: '2.20', paid: null }, { id: 2 });
        rows.delete(withoutNote, { id: 3 });
        rows.insert(withoutNote, { id: 3, amount: '3.30', paid: null });
      });
      await run.expectSame(withoutNote);
      expect(await run.expectSame(projected(orders, 'id', 'note'))).toEqual([
        ['1', 'note 1'],
        ['22', 'note 2'],
        ['3', null],
      ]);
    });

    it('lets a column be NULL that could not', async () => {
      const strict: Table = {
        ...orders,
        columns: orders.columns.map((column) => (column.name === 'note' ? { ...column, nullable: false } : column)),
      };
      await using run = await SinkRun.with(driver, strict, (rows) => insertOrder(rows, 1, strict));
      const rest = withoutColumn(strict, 'note');
      await run.commit((rows) => {
        rows.schemaChange({ table: rest, change: 'drop', column: 'note' });
        rows.insert(rest, { id: 2, amount: null, paid: null });
      });
      expect(await run.expectSame(projected(orders, 'id', 'note'))).toEqual([['1', 'note 1'], ['2', null]]);
    });

    it('of a column that comes back with another type: the kept one goes, old rows have its value', async () => {
      await using run = await withOrders(driver);
      await run.commit((rows) => {
        rows.schemaChange({ table: withoutNote, change: 'drop', column: 'note' });
      });
      const again = withColumn(withoutNote, nullable('note', { kind: 'int', bits: 32 }));
      await run.commit((rows) => {
        rows.schemaChange({ table: again, change: 'add', column: 'note', value: '7' });
        rows.insert(again, { id: 4, amount: null, paid: null, note: 8 });
      });
      expect(await run.expectSame(projected(again, 'id', 'note'))).toEqual([
        ['1', '7'],
        ['2', '7'],
        ['3', '7'],
        ['4', '8'],
      ]);
    });

    it('and add of one name in one batch make the column anew', async () => {
      await using run = await withOrders(driver);
      const again = withColumn(withoutNote, nullable('note', { kind: 'bool' }));
      await run.commit((rows) => {
        rows.schemaChange({ table: again, change: 'drop', column: 'note' });
        rows.schemaChange({ table: again, change: 'add', column: 'note', value: null });
        rows.insert(again, { id: 4, amount: null, paid: null, note: true });
      });
      expect(await run.expectSame(projected(again, 'id', 'note'))).toEqual([
        ['1', null],
        ['2', null],
        ['3', null],
        ['4', 't'],
      ]);
    });
  });
}

function describeRename(driver: SinkDriver): void {
  describe('rename', () => {
    const remarked = withRenamed(orders, 'note', 'a "remark"');

    it('keeps the values, also of rows of the same transaction', async () => {
      await using run = await withOrders(driver);
      const rows = run.begin();
      insertOrder(rows, 4);
      rows.update(orders, { id: 3, note: 'changed', amount: null, paid: null });
      await run.write(rows);
      rows.schemaChange({ table: remarked, change: 'rename', column: 'a "remark"', from: 'note' });
      rows.insert(remarked, { id: 5, 'a "remark"': 'five', amount: null, paid: null });
      rows.update(remarked, { id: 1, 'a "remark"': 'one', amount: null, paid: null });
      await run.end(rows);
      await run.commit();
      const remarks = projected(remarked, 'id', 'a "remark"');
      await run.expectSame(remarked);
      expect(await run.expectSame(remarks)).toEqual([
        ['1', 'one'],
        ['2', 'note 2'],
        ['3', 'changed'],
        ['4', 'note 4'],
        ['5', 'five'],
      ]);
    });

    it('of a column of the key keeps the key', async () => {
      await using run = await withOrders(driver);
      const numbered = withRenamed(orders, 'id', 'number');
      await run.commit((rows) => {
        rows.schemaChange({ table: numbered, change: 'rename', column: 'number', from: 'id' });
        rows.update(numbered, { number: 1, note: 'one', amount: null, paid: null });
        rows.update(numbered, { number: 12, note: 'moved', amount: null, paid: null }, { number: 2 });
        rows.delete(numbered, { number: 3 });
      });
      expect(await run.expectSame(numbered)).toEqual([['1', 'one', null, null], ['12', 'moved', null, null]]);
    });

    it('and add under the old name in one batch, each with its own shape or all with the last', async () => {
      const both = withColumn(remarked, nullable('note', { kind: 'bool' }));
      for (const shape of [remarked, both]) {
        await using run = await withOrders(driver);
        await run.commit((rows) => {
          rows.schemaChange({ table: shape, change: 'rename', column: 'a "remark"', from: 'note' });
          rows.schemaChange({ table: both, change: 'add', column: 'note', value: 'f' });
          rows.insert(both, { id: 4, 'a "remark"': 'four', amount: null, paid: null, note: true });
        });
        await run.expectSame(both);
        expect(await run.expectSame(projected(both, 'id', 'note', 'a "remark"'))).toEqual([
          ['1', 'f', 'note 1'],
          ['2', 'f', 'note 2'],
          ['3', 'f', 'note 3'],
          ['4', 't', 'four'],
        ]);
      }
    });

    it('to the name of a column that was dropped takes its place', async () => {
      await using run = await withOrders(driver);
      const paidNote = withRenamed(withoutNote, 'paid', 'note');
      await run.commit((rows) => {
        rows.schemaChange({ table: paidNote, change: 'drop', column: 'note' });
        rows.schemaChange({ table: paidNote, change: 'rename', column: 'note', from: 'paid' });
        rows.insert(paidNote, { id: 4, amount: null, note: false });
      });
      expect(await run.expectSame(projected(paidNote, 'id', 'note'))).toEqual([
        ['1', 't'],
        ['2', 't'],
        ['3', 't'],
        ['4', 'f'],
      ]);
    });

    it('of two columns to each other, by way of a third name', async () => {
      const table = withColumn(orders, nullable('remark', text));
      await using run = await SinkRun.with(driver, table, (rows) => insertOrder(rows, 1, table, { remark: 'remark 1' }));
      const swapped = withRenamed(withRenamed(withRenamed(table, 'note', '?'), 'remark', 'note'), '?', 'remark');
      await run.commit((rows) => {
        rows.schemaChange({ table: swapped, change: 'rename', column: '?', from: 'note' });
        rows.schemaChange({ table: swapped, change: 'rename', column: 'note', from: 'remark' });
        rows.schemaChange({ table: swapped, change: 'rename', column: 'remark', from: '?' });
      });
      expect(await run.expectSame(projected(swapped, 'note', 'remark'))).toEqual([['remark 1', 'note 1']]);
    });
  });
}

function describeWiden(driver: SinkDriver): void {
  describe('widen', () => {
    const narrow: Table = {
      namespace: 'public',
      name: 'readings',
      version: 1,
      key: [0],
      columns: [
        nullable('id', { kind: 'int', bits: 32 }),
        nullable('count', { kind: 'int', bits: 32 }),
        nullable('price', { kind: 'decimal', precision: 6, scale: 2 }),
        nullable('label', text, 'character varying(8)'),
        nullable('code', { kind: 'int', bits: 16 }),
      ],
    };
    const changes: [string, Table['columns'][number]['type'], string][] = [
      ['id', { kind: 'int', bits: 64 }, 'bigint'],
      ['count', { kind: 'int', bits: 64 }, 'bigint'],
      ['price', { kind: 'decimal', precision: 20, scale: 2 }, 'numeric(20,2)'],
      ['label', text, 'text'],
      ['code', text, 'text'],
    ];
    const wide = changes.reduce((table, [name, type, source]) => withType(table, name, type, source), narrow);

    it('keeps the values and takes larger ones, also in the same transaction', async () => {
      await using run = await SinkRun.with(driver, narrow, (rows) => {
        for (const id of [1, 2, 3]) rows.insert(narrow, { id, count: -id, price: '9999.99', label: 'a', code: 7 });
      });
      const rows = run.begin();
      rows.insert(narrow, { id: 4, count: 2_147_483_647, price: null, label: 'b', code: -1 });
      rows.update(narrow, { id: 1, count: null, price: '0.01', label: null, code: null });
      await run.write(rows);
      for (const [column] of changes) rows.schemaChange({ table: wide, change: 'widen', column });
      const price = '123456789012345678.99';
      rows.insert(wide, { id: 5_000_000_000n, count: 9_007_199_254_740_993n, price, label: 'more than eight', code: 'x' });
      rows.update(wide, { id: 2, count: -9_007_199_254_740_993n, price: '-0.01', label: 'two', code: '-2' });
      rows.delete(wide, { id: 3 });
      await run.end(rows);
      await run.commit();
      expect(await run.expectSame(wide)).toEqual([
        ['1', null, '0.01', null, null],
        ['2', '-9007199254740993', '-0.01', 'two', '-2'],
        ['4', '2147483647', null, 'b', '-1'],
        ['5000000000', '9007199254740993', price, 'more than eight', 'x'],
      ]);
    });
  });
}
