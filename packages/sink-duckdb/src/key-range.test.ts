import { describe, expect, it } from 'vitest';
import { schemaPolicies, type Batch, type Column, type Key, type RowValues, type Sink, type Table } from '@weir/sdk';
import { ask, batch, checkpointAt, column, openSession, ordersTable, withOrders } from '@weir/testkit/orders';
import { TemporaryDatabase } from './testing/temporary-database.ts';

const orders = ordersTable();
const rows = [1, 2, 3].map((id): RowValues => ({ id, note: `note ${id}`, amount: '1.00' }));
const ids = 'SELECT id FROM public.orders ORDER BY id';

function keyed(type: Column['type']): Table {
  return ordersTable({ columns: [column('id', type), column('note', { kind: 'string' })] });
}

/** An empty range. */
function emptied(table: Table, after: Key | null, upTo: Key | null): Batch {
  return batch(2, (chunk) => chunk.chunk(table, { range: { after, upTo }, last: upTo === null }), null, 0);
}

/** Copies a range without rows in a new session. */
async function empty(sink: Sink, table: Table, after: Key | null, upTo: Key | null): Promise<void> {
  await using session = await openSession(sink);
  await session.write(emptied(table, after, upTo));
  await session.commit(checkpointAt(2));
}

describe('a range', () => {
  it('may end behind DuckDB’s last timestamp, where no row can be (invariant 7)', async () => {
    const table = keyed({ kind: 'timestamptz' });
    const last = '294247-01-10T04:00:54.775806Z';
    const keys = ['infinity', '2026-01-02T03:04:05Z', last].map((id): RowValues => ({ id }));
    const beyond = ['294247-01-10T04:00:54.775807Z', '294300-01-01T00:00:00Z'];
    for (const end of beyond) {
      await using database = await TemporaryDatabase.make();
      const sink = database.sink();
      await (await withOrders(sink, table, keys))[Symbol.asyncDispose]();
      await empty(sink, table, [end], null);
      expect(await ask(sink, ids)).toHaveLength(2);
      await empty(sink, table, null, [end]);
      expect(await ask(sink, ids)).toEqual([]);
    }
  });

  it('may end at a text with a NUL', async () => {
    await using database = await TemporaryDatabase.make();
    const sink = database.sink();
    const table = keyed({ kind: 'string' });
    const keys = ['a', 'a\0', 'a\0b', "a\0b'", 'b'].map((id): RowValues => ({ id }));
    await (await withOrders(sink, table, keys))[Symbol.asyncDispose]();
    await empty(sink, table, ['a\0'], ["a\0b'"]);
    expect(await ask(sink, 'SELECT hex(id) FROM public.orders ORDER BY id')).toEqual([['61'], ['6100'], ['62']]);
  });

  it('may end at a number that the column is too narrow for, where it was not widened', async () => {
    await using database = await TemporaryDatabase.make();
    const sink = database.sink({ schemaChanges: { ...schemaPolicies('stop'), widen: 'ignore' } });
    await (await withOrders(sink, keyed({ kind: 'int', bits: 16 }), [{ id: 1 }, { id: 32_767 }]))[Symbol.asyncDispose]();
    const wide = { ...keyed({ kind: 'int', bits: 64 }), version: 2 };
    await empty(sink, wide, ['32766'], ['9223372036854775807']);
    expect(await ask(sink, ids)).toEqual([['1']]);
  });

  it('that removed rows may be followed by a change of the table in the same commit', async () => {
    await using database = await TemporaryDatabase.make();
    const sink = database.sink({ schemaChanges: schemaPolicies('apply') });
    await (await withOrders(sink, orders, rows))[Symbol.asyncDispose]();
    const withCity = ordersTable({ version: 2, columns: [...orders.columns, column('city', { kind: 'string' })] });
    {
      await using session = await openSession(sink);
      await session.write(emptied(orders, ['1'], ['2']));
      const change = { table: withCity, change: 'add', column: 'city', value: 'Bonn' } as const;
      await session.write(batch(3, (more) => more.schemaChange(change)));
      await session.commit(checkpointAt(3));
    }
    expect(await ask(sink, 'SELECT id, city FROM public.orders ORDER BY id')).toEqual([['1', 'Bonn'], ['3', 'Bonn']]);
  });

  it('marks rows with the time at which the sink found them gone, if the source gives none', async () => {
    await using database = await TemporaryDatabase.make();
    const sink = database.sink({ deletes: 'soft' });
    await using session = await withOrders(sink, orders, rows);
    await session.write(emptied(orders, ['1'], ['2']));
    await session.commit(checkpointAt(2));
    const gone = 'FROM public.orders WHERE _weir_deleted_at IS NOT NULL';
    const found = await ask(sink, `SELECT id, now() - _weir_deleted_at < INTERVAL 1 HOUR ${gone}`);
    expect(found).toEqual([['2', 'true']]);
  });
});
