import { describe, expect, it } from 'vitest';
import { schemaPolicies, type RowValues, type Table } from '@weir/sdk';
import { ask, batch, checkpointAt, column, openSession, ordersTable, withOrders } from '@weir/testkit/orders';
import { behindItsBack } from './testing/behind-its-back.ts';
import { TemporaryDatabase } from './testing/temporary-database.ts';

const orders = ordersTable();
const text = { kind: 'string' } as const;
const withCity = ordersTable({ version: 2, columns: [...orders.columns, column('city', text)] });
const one: RowValues = { id: 1, note: 'one', amount: '1.00' };
const two: RowValues = { id: 2, note: 'two', amount: '2.00' };
const three: RowValues = { id: 3, note: 'three', amount: '3.00' };
const addCity = (value: string | null) => ({ table: withCity, change: 'add', column: 'city', value }) as const;
const all = 'SELECT * FROM public.orders ORDER BY id';

describe('a change that comes a second time, since another sink was behind', () => {
  it('changes nothing', async () => {
    await using database = await TemporaryDatabase.make();
    const sink = database.sink();
    await using session = await withOrders(sink, orders, [one]);
    const columns = [...withCity.columns.slice(0, 1), column('remark', text), ...withCity.columns.slice(2)];
    const table: Table = { ...withCity, version: 3, columns };
    const rename = { table, change: 'rename', from: 'note', column: 'remark' } as const;
    const add = { ...addCity('Bonn'), table };
    for (const transaction of [2, 3]) {
      await session.write(batch(transaction, (rows) => rows.schemaChange(rename).schemaChange(add)));
      await session.commit(checkpointAt(transaction));
    }
    expect(await ask(sink, 'SELECT remark, city FROM public.orders')).toEqual([['one', 'Bonn']]);
  });
});

/** What DuckDB 1.5 does not take as one would expect; see `Target`. */
describe('a change of a table’s shape', () => {
  it('after rows were deleted in the same transaction, which DuckDB’s ALTER refuses at COMMIT', async () => {
    for (const value of [null, 'Bonn']) {
      await using database = await TemporaryDatabase.make();
      const sink = database.sink();
      await using session = await withOrders(sink, orders, [one, two, three]);
      await session.write(batch(2, (rows) => rows.delete(orders, one).truncate(orders).insert(orders, two)));
      await session.write(batch(2, (rows) => rows.update(orders, { ...two, note: 'changed' })));
      await session.write(
        batch(2, (rows) => rows.schemaChange(addCity(value)).insert(withCity, { ...three, city: 'Rome' })),
      );
      await session.write(batch(2, (rows) => rows.update(withCity, { ...three, note: 'last', city: null })));
      await session.commit(checkpointAt(2));
      expect(await ask(sink, all)).toEqual([
        ['2', 'changed', '2.00', value],
        ['3', 'last', '3.00', null],
      ]);
    }
  });

  it('before the merge of rows that are staged, so that ALTER is still possible', async () => {
    await using database = await TemporaryDatabase.make();
    const sink = database.sink();
    await using session = await withOrders(sink, orders, [one, two]);
    await session.write(batch(2, (rows) => rows.update(orders, { ...one, note: 'changed' }).delete(orders, two)));
    const [before] = await behindItsBack(database.path, "SELECT table_oid FROM duckdb_tables() WHERE table_name = 'orders'");
    await session.write(batch(2, (rows) => rows.schemaChange(addCity(null)).insert(withCity, { ...three, city: 'Rome' })));
    await session.commit(checkpointAt(2));
    expect(await ask(sink, "SELECT table_oid FROM duckdb_tables() WHERE table_name = 'orders'")).toEqual([before]);
    expect(await ask(sink, all)).toEqual([
      ['1', 'changed', '1.00', null],
      ['3', 'three', '3.00', 'Rome'],
    ]);
  });

  it('while an appender is open on the table, whose columns it would not have', async () => {
    await using database = await TemporaryDatabase.make();
    const sink = database.sink();
    await using session = await withOrders(sink, orders, []);
    await session.write(batch(2, (rows) => rows.insert(orders, one)));
    await session.write(batch(2, (rows) => rows.schemaChange(addCity(null)).insert(withCity, { ...two, city: 'Rome' })));
    await session.write(batch(2, (rows) => rows.insert(withCity, { ...three, city: null })));
    await session.commit(checkpointAt(2));
    expect((await ask(sink, all)).map((row) => row[3])).toEqual([null, 'Rome', null]);
  });

  it('of a table with an index of somebody, which DuckDB’s RENAME COLUMN and TYPE refuse', async () => {
    await using database = await TemporaryDatabase.make();
    const sink = database.sink();
    await using session = await withOrders(sink, orders, [one, two]);
    await behindItsBack(database.path, 'CREATE INDEX by_note ON public.orders (note)');
    await session[Symbol.asyncDispose]();
    await using again = await openSession(sink);
    const wide = ordersTable({
      columns: [orders.columns[0]!, orders.columns[1]!, column('amount', { kind: 'decimal', precision: 20, scale: 2 })],
    });
    await again.write(batch(2, (rows) => rows.schemaChange({ table: wide, change: 'widen', column: 'amount' })));
    await again.write(batch(2, (rows) => rows.update(wide, { ...one, amount: '123456789012345678.00' })));
    await again.commit(checkpointAt(2));
    expect(await ask(sink, 'SELECT index_name FROM duckdb_indexes()')).toEqual([['by_note']]);
    const renamed = ordersTable({ columns: [wide.columns[0]!, column('remark', text), wide.columns[2]!] });
    const rename = { table: renamed, change: 'rename', column: 'remark', from: 'note' } as const;
    await again.write(
      batch(3, (rows) => rows.schemaChange(rename).insert(renamed, { id: 3, remark: 'three', amount: null })),
    );
    await again.commit(checkpointAt(3));
    expect(await ask(sink, 'SELECT remark FROM public.orders ORDER BY id')).toEqual([['one'], ['two'], ['three']]);
    expect(await ask(sink, 'SELECT index_name FROM duckdb_indexes()')).toEqual([]);
  });

  it('leaves what somebody added to the table: columns with defaults, and their values', async () => {
    await using database = await TemporaryDatabase.make();
    const sink = database.sink();
    await (await withOrders(sink, orders, [one, two]))[Symbol.asyncDispose]();
    await behindItsBack(
      database.path,
      "ALTER TABLE public.orders ADD COLUMN seen VARCHAR DEFAULT concat('y', 'es'); " +
        'ALTER TABLE public.orders ADD COLUMN tags VARCHAR[]; ' +
        "UPDATE public.orders SET seen = 'mine', tags = ['a'] WHERE id = 1",
    );
    await using session = await openSession(sink);
    await session.write(batch(2, (rows) => rows.insert(orders, three).update(orders, { ...one, note: 'changed' })));
    await session.write(batch(2, (rows) => rows.update(orders, { ...two, id: 20 }, two).schemaChange(addCity('Bonn'))));
    await session.write(batch(2, (rows) => rows.insert(withCity, { id: 4, note: 'four', amount: null, city: 'Rome' })));
    await session.commit(checkpointAt(2));
    expect(await ask(sink, 'SELECT id, note, city, seen, tags FROM public.orders ORDER BY id')).toEqual([
      ['1', 'changed', 'Bonn', 'mine', '[a]'],
      ['3', 'three', 'Bonn', 'yes', null],
      ['4', 'four', 'Rome', 'yes', null],
      ['20', 'two', 'Bonn', 'yes', null],
    ]);
  });

  it('follows keys that are swapped, also where a dropped column is kept', async () => {
    await using database = await TemporaryDatabase.make();
    const sink = database.sink();
    await using session = await withOrders(sink, orders, [one, two]);
    const narrow = ordersTable({ columns: orders.columns.slice(0, 2) });
    await session.write(
      batch(2, (rows) => {
        rows.schemaChange({ table: narrow, change: 'drop', column: 'amount' });
        rows
          .update(narrow, { id: 2, note: 'one' }, { id: 1, note: 'one' })
          .update(narrow, { id: 1, note: 'two' }, { id: 2, note: 'two' });
      }),
    );
    await session.commit(checkpointAt(2));
    expect(await ask(sink, 'SELECT id, note FROM public.orders ORDER BY id')).toEqual([
      ['1', 'two'],
      ['2', 'one'],
    ]);
  });

  it('that DuckDB could only make with other values is refused, with the table', async () => {
    await using database = await TemporaryDatabase.make();
    await using session = await withOrders(database.sink(), orders, [one]);
    const other = ordersTable({ columns: [column('id', { kind: 'int', bits: 16 }), ...orders.columns.slice(1)] });
    const write = session.write(batch(2, (rows) => rows.schemaChange({ table: other, change: 'widen', column: 'id' })));
    await expect(write).rejects.toMatchObject({ code: 'WEIR_SINK_COLUMN_TYPE', table: 'public.orders' });
  });

  it('that is not applied leaves a column that takes what fits, and refuses the rest', async () => {
    await using database = await TemporaryDatabase.make();
    const sink = database.sink({ schemaChanges: { ...schemaPolicies('apply'), widen: 'ignore' } });
    const narrow = ordersTable({ columns: [column('id', { kind: 'int', bits: 16 }), ...orders.columns.slice(1)] });
    await using session = await withOrders(sink, narrow, [one]);
    await session.write(batch(2, (rows) => rows.insert(orders, two)));
    await session.commit(checkpointAt(2));
    expect(await ask(sink, 'SELECT id FROM public.orders ORDER BY id')).toEqual([['1'], ['2']]);
    const write = session.write(batch(3, (rows) => rows.insert(orders, { ...three, id: 40_000 })));
    await expect(write).rejects.toMatchObject({ code: 'WEIR_DUCKDB_VALUE', table: 'public.orders' });
  });

  it('adds and drops a column in one batch, under names of later changes', async () => {
    await using database = await TemporaryDatabase.make();
    const sink = database.sink();
    await using session = await withOrders(sink, orders, [one]);
    await session.write(
      batch(2, (rows) => {
        rows.schemaChange({ table: orders, change: 'add', column: 'short lived', value: 'x' });
        rows.schemaChange({ table: orders, change: 'drop', column: 'short lived' });
        rows.schemaChange({ table: withCity, change: 'add', column: 'town', value: 'Bonn' });
        rows.schemaChange({ table: withCity, change: 'rename', column: 'city', from: 'town' });
        rows.insert(withCity, { ...two, city: 'Rome' });
      }),
    );
    await session.commit(checkpointAt(2));
    expect(await ask(sink, 'SELECT id, city FROM public.orders ORDER BY id')).toEqual([
      ['1', 'Bonn'],
      ['2', 'Rome'],
    ]);
  });
});

describe('a history that goes on', () => {
  const options = { mode: 'append' } as const;

  it('takes the new columns and wider types of a table that is copied once more', async () => {
    await using database = await TemporaryDatabase.make();
    const sink = database.sink(options);
    await using session = await withOrders(sink, orders, [one]);
    const other: Table = ordersTable({
      columns: [column('id', text), orders.columns[2]!, column('city', text)],
      key: [0],
    });
    await session.write(
      batch(2, (rows) =>
        rows.schemaChange({ table: other, change: 'create', reason: 'again' }).read(other, { id: 'x', city: 'Rome' }),
      ),
    );
    await session.commit(checkpointAt(2));
    expect(await ask(sink, 'SELECT id, note, city, _weir_op, _weir_ordinal FROM public.orders')).toEqual([
      ['1', 'one', null, 'insert', '1'],
      [null, null, null, 'truncate', '0'],
      ['x', null, 'Rome', 'read', '1'],
    ]);
  });

  it('refuses the table when a column came back with a type that the old values have not', async () => {
    await using database = await TemporaryDatabase.make();
    await using session = await withOrders(database.sink(options), orders, [one]);
    const other = ordersTable({ columns: [orders.columns[0]!, column('note', { kind: 'bytes' }), orders.columns[2]!] });
    const write = session.write(batch(2, (rows) => rows.schemaChange({ table: other, change: 'create', reason: 'new' })));
    await expect(write).rejects.toMatchObject({ code: 'WEIR_SINK_COLUMN_TYPE', table: 'public.orders' });
  });
});
