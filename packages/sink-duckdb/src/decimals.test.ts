import { describe, expect, it } from 'vitest';
import { Op, RowCursor, type Sink, type Table } from '@weir/sdk';
import { ask, batch, checkpointAt, column, openSession, ordersTable, withOrders } from '@weir/testkit/orders';
import type { Decimals } from './config.ts';
import { TemporaryDatabase } from './testing/temporary-database.ts';

const orders = ordersTable();
const unbounded = ordersTable({
  columns: [column('id', { kind: 'int', bits: 64 }), column('amount', { kind: 'decimal', precision: null, scale: null })],
});
const all = 'SELECT * FROM public.orders ORDER BY id, note';
const types = "SELECT data_type FROM duckdb_columns() WHERE table_name = 'orders' AND column_name = 'amount'";
const order = (id: number, amount: string | null) => ({ id, note: `note ${id}`, amount });

function sorted(amounts: readonly (string | null)[]): (string | null)[] {
  return amounts.toSorted((a, b) => String(a).localeCompare(String(b)));
}

async function scanned(sink: Sink, table: Table): Promise<(string | null)[]> {
  const amounts: (string | null)[] = [];
  for await (const rows of sink.scan!(table, new AbortController().signal)) {
    for (const row of new RowCursor(rows)) amounts.push(row.after.text(table.columns.length - 1));
  }
  return sorted(amounts);
}

describe('a NaN or an infinity in a DECIMAL column', () => {
  it('makes the column VARCHAR from there on, with all digits that were there, in the same transaction', async () => {
    await using database = await TemporaryDatabase.make();
    const sink = database.sink();
    const small = ordersTable({
      columns: [...orders.columns.slice(0, 2), column('amount', { kind: 'decimal', precision: 3, scale: 3 })],
    });
    await using session = await withOrders(sink, small, [order(1, '0.100'), order(2, '-0.005'), order(3, null)]);
    await session.write(batch(2, (rows) => rows.insert(small, order(4, '0.000')).insert(small, order(5, 'NaN'))));
    expect(await ask(sink, types)).toEqual([['DECIMAL(3,3)']]);
    await session.commit(checkpointAt(2));
    expect(await ask(sink, types)).toEqual([['VARCHAR']]);
    expect(await scanned(sink, small)).toEqual(sorted(['-0.005', '0.000', '0.100', 'NaN', null]));
  });

  it('does so among many rows, each once and in order with the changes before and after it', async () => {
    await using database = await TemporaryDatabase.make();
    const sink = database.sink();
    await using session = await withOrders(sink, orders, []);
    await session.write(
      batch(2, (rows) => {
        for (let id = 0; id < 7000; id++) rows.insert(orders, order(id, id === 5000 ? 'Infinity' : `${id}.50`));
        for (let id = 0; id < 7000; id++) rows.update(orders, order(id, id === 4999 ? '-Infinity' : `${id}.25`));
      }),
    );
    await session.commit(checkpointAt(2));
    const counts =
      "SELECT count(*), count(DISTINCT id), count(*) FILTER (WHERE amount = id || '.25'), min(amount) FROM public.orders";
    expect(await ask(sink, counts)).toEqual([['7000', '7000', '6999', '-Infinity']]);
  });

  it('does so among staged rows, where the number is the key, and where rows are told whole', async () => {
    await using database = await TemporaryDatabase.make();
    const sink = database.sink();
    for (const key of [[0], [2], []]) {
      const table = ordersTable({ key });
      await using session = await withOrders(sink, table, [order(1, '1.00'), order(2, '2.00')]);
      await session.write(
        batch(2, (rows) => {
          rows.update(table, order(1, '1.10'), order(1, '1.00')).delete(table, order(2, '2.00'));
          for (let id = 10; id < 3000; id++) rows.insert(table, order(id, `${id}.00`));
          rows.update(table, order(1, 'NaN'), order(1, '1.10')).insert(table, order(2, '2.00'));
        }),
      );
      await session.write(batch(2, (rows) => rows.delete(table, order(2, '2.00')).delete(table, order(11, '11.00'))));
      await session.commit(checkpointAt(2));
      const some = await ask(sink, `SELECT * FROM public.orders WHERE id < 13 ORDER BY id`);
      expect(some, `key ${key.join()}`).toEqual([
        ['1', 'note 1', 'NaN'],
        ['10', 'note 10', '10.00'],
        ['12', 'note 12', '12.00'],
      ]);
      expect(await ask(sink, 'SELECT count(*) FROM public.orders')).toEqual([['2990']]);
    }
  });

  it('stays so after a restart, though the source says decimal(12, 2)', async () => {
    await using database = await TemporaryDatabase.make();
    const sink = database.sink();
    await (await withOrders(sink, orders, [order(1, 'NaN'), order(2, '2.00')]))[Symbol.asyncDispose]();
    await using session = await openSession(database.sink());
    await session.write(batch(2, (rows) => rows.update(orders, order(1, '1.00')).insert(orders, order(3, '-Infinity'))));
    await session.commit(checkpointAt(2));
    expect((await ask(sink, all)).map((row) => row[2])).toEqual(['1.00', '2.00', '-Infinity']);
    const plan = await sink.plan!([orders], new AbortController().signal);
    expect(plan).toMatchObject([
      { action: 'use', findings: [], columns: [{}, {}, { column: 'amount', sinkType: 'VARCHAR' }] },
    ]);
  });

  it('does so as the value of an added column, and in a history', async () => {
    await using database = await TemporaryDatabase.make();
    const sink = database.sink();
    await using session = await withOrders(sink, orders, [order(1, '1.00')]);
    const wider = ordersTable({ columns: [...orders.columns, column('rate', { kind: 'decimal', precision: 4, scale: 2 })] });
    const change = { table: wider, change: 'add', column: 'rate', value: 'NaN' } as const;
    await session.write(batch(2, (rows) => rows.schemaChange(change).insert(wider, { ...order(2, '2.00'), rate: '0.50' })));
    await session.commit(checkpointAt(2));
    expect(await ask(sink, all)).toEqual([
      ['1', 'note 1', '1.00', 'NaN'],
      ['2', 'note 2', '2.00', '0.50'],
    ]);
    const history = database.sink({ mode: 'append', target: { schema: 'history', table: '{table}' } });
    await using appended = await withOrders(history, orders, [order(1, '1.00')]);
    await appended.write(batch(2, (rows) => rows.insert(orders, order(2, '2.00')).update(orders, order(1, 'NaN'))));
    await appended.commit(checkpointAt(2));
    expect(await ask(sink, 'SELECT amount, _weir_op FROM history.orders')).toEqual([
      ['1.00', 'insert'],
      ['2.00', 'insert'],
      ['NaN', 'update'],
    ]);
  });

  it('is refused where `decimals` is not varchar, in a way that stops one table only', async () => {
    const others: Decimals[] = ['double', 'error', { precision: 38, scale: 4 }];
    for (const decimals of others) {
      await using database = await TemporaryDatabase.make();
      await using session = await withOrders(database.sink({}, { decimals }), orders, [order(1, '1.00')]);
      for (const op of [Op.insert, Op.update] as const) {
        const write = session.write(
          batch(2, (rows) =>
            op === Op.insert ? rows.insert(orders, order(2, 'NaN')) : rows.update(orders, order(1, 'NaN')),
          ),
        );
        await expect(write).rejects.toMatchObject({ code: 'WEIR_DUCKDB_VALUE', table: 'public.orders' });
      }
    }
  });
});

describe('a decimal that DECIMAL cannot hold', () => {
  const digits = '1234567890123456789012345678901234567890.5';

  it('is text by default, digit for digit', async () => {
    await using database = await TemporaryDatabase.make();
    const sink = database.sink();
    await using _ = await withOrders(sink, unbounded, [
      { id: 1, amount: digits },
      { id: 2, amount: '1.50' },
    ]);
    expect(await ask(sink, types)).toEqual([['VARCHAR']]);
    expect(await scanned(sink, unbounded)).toEqual(['1.50', digits]);
  });

  it('is rounded to a DOUBLE if that is asked for; what is beyond one is refused', async () => {
    await using database = await TemporaryDatabase.make();
    const sink = database.sink({}, { decimals: 'double' });
    const rows = ['1.50', '0.00000012', '-120000000000000000000000', 'NaN', digits];
    await using session = await withOrders(
      sink,
      unbounded,
      rows.map((amount, id) => ({ id, amount })),
    );
    expect(await ask(sink, types)).toEqual([['DOUBLE']]);
    const read = ['1.5', '0.00000012', '-120000000000000000000000', 'NaN', '1234567890123456800000000000000000000000'];
    expect(await scanned(sink, unbounded)).toEqual(sorted(read));
    const write = session.write(batch(2, (added) => added.insert(unbounded, { id: 9, amount: '9'.repeat(400) })));
    await expect(write).rejects.toMatchObject({ code: 'WEIR_DUCKDB_VALUE', table: 'public.orders' });
  });

  it('is refused with the table if that is asked for', async () => {
    await using database = await TemporaryDatabase.make();
    const sink = database.sink({}, { decimals: 'error' });
    const refused = { code: 'WEIR_SINK_TYPE', path: 'decimals' };
    await expect(withOrders(sink, unbounded, [])).rejects.toMatchObject({ ...refused, table: 'public.orders' });
    const [plan] = await sink.plan!([unbounded], new AbortController().signal);
    expect(plan).toMatchObject({ action: 'refuse', findings: [{ ...refused, level: 'error' }] });
    expect(plan!.columns[1]).toMatchObject({ column: 'amount', sinkType: null });
  });

  it('is a DECIMAL of the size that is asked for; what does not fit is refused, zeros at the end do', async () => {
    await using database = await TemporaryDatabase.make();
    const sink = database.sink({}, { decimals: { precision: 10, scale: 2 } });
    await using _ = await withOrders(sink, unbounded, [{ id: 1, amount: '12345678.5000' }]);
    expect(await ask(sink, 'SELECT amount FROM public.orders')).toEqual([['12345678.50']]);
    for (const amount of ['123456789', '0.001', 'NaN']) {
      await using session = await openSession(sink);
      const write = session.write(batch(2, (rows) => rows.insert(unbounded, { id: 2, amount })));
      await expect(write, amount).rejects.toMatchObject({ code: 'WEIR_DUCKDB_VALUE', table: 'public.orders' });
    }
  });

  it('does not fit a column that an earlier `decimals` made a DOUBLE', async () => {
    await using database = await TemporaryDatabase.make();
    await (await withOrders(database.sink({}, { decimals: 'double' }), unbounded, []))[Symbol.asyncDispose]();
    const sink = database.sink();
    const refused = { code: 'WEIR_SINK_COLUMN_TYPE', path: 'decimals' };
    const [plan] = await sink.plan!([unbounded], new AbortController().signal);
    expect(plan).toMatchObject({ action: 'refuse', findings: [refused] });
    await using session = await openSession(sink);
    const write = session.write(batch(2, (rows) => rows.insert(unbounded, { id: 1, amount: '1' })));
    await expect(write).rejects.toMatchObject({ ...refused, table: 'public.orders' });
  });
});
