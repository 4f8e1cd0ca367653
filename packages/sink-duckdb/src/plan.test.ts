import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Sink, Table, TablePlan } from '@weir/sdk';
import { batch, column, openSession, ordersTable, withOrders } from '@weir/testkit/orders';
import { behindItsBack } from './testing/behind-its-back.ts';
import { TemporaryDatabase } from './testing/temporary-database.ts';

const orders = ordersTable();

async function planOf(sink: Sink, ...tables: Table[]): Promise<TablePlan[]> {
  return sink.plan!(tables, new AbortController().signal);
}

describe('a plan', () => {
  it('makes no file, and says what each column becomes and what is different there', async () => {
    await using database = await TemporaryDatabase.make();
    const table = ordersTable({
      columns: [
        column('id', { kind: 'int', bits: 64 }),
        column('span', { kind: 'interval' }),
        column('tags', { kind: 'array', of: { kind: 'string' } }),
        column('amount', { kind: 'decimal', precision: null, scale: null }),
      ],
    });
    expect(await planOf(database.sink(), table)).toEqual([
      {
        table: 'public.orders',
        target: 'public.orders',
        action: 'create',
        columns: [
          { column: 'id', sourceType: 'id', logicalType: 'int64', sinkType: 'BIGINT' },
          {
            column: 'span',
            sourceType: 'span',
            logicalType: 'interval',
            sinkType: 'VARCHAR',
            note: expect.any(String) as string,
          },
          { column: 'tags', sourceType: 'tags', logicalType: 'array of string', sinkType: 'JSON', note: 'a JSON array' },
          {
            column: 'amount',
            sourceType: 'amount',
            logicalType: 'decimal',
            sinkType: 'VARCHAR',
            note: expect.stringContaining('text') as string,
          },
        ],
        findings: [],
      },
    ]);
    const lossy = await planOf(database.sink({}, { decimals: 'double' }), table);
    expect(lossy[0]!.columns[3]).toMatchObject({ sinkType: 'DOUBLE', note: expect.stringContaining('lossy') as string });
    expect(existsSync(database.path)).toBe(false);
  });

  it('refuses what is not Weir’s own: a table, a view, its own tables, and those of another sink', async () => {
    await using database = await TemporaryDatabase.make();
    const refused = { action: 'refuse', findings: [{ code: 'WEIR_DUCKDB_TABLE_EXISTS', level: 'error', path: 'target' }] };
    expect(await planOf(database.sink(), ordersTable({ namespace: 'weir', name: 'Checkpoint' }))).toMatchObject([refused]);
    await behindItsBack(
      database.path,
      'CREATE SCHEMA public; CREATE TABLE public.Orders (id INT); CREATE VIEW public.v AS SELECT 1',
    );
    expect(await planOf(database.sink(), orders, ordersTable({ name: 'v' }))).toMatchObject([refused, refused]);
    const other = ordersTable({ name: 'others' });
    await using session = await database
      .sink()
      .open({ pipeline: 'shop', sink: 'other', shard: 0 }, new AbortController().signal);
    await session.write(batch(1, (rows) => rows.schemaChange({ table: other, change: 'create' })));
    if (session.mode === 'transactional') await session.commit({ position: '1', state: null });
    expect(await planOf(database.sink(), other)).toMatchObject([refused]);
  });

  /** What somebody did to the table, and what both the plan and the writing say. */
  const tampered: readonly { sql: string; code: string; table?: Table }[] = [
    { sql: 'ALTER TABLE public.orders ALTER note TYPE BLOB', code: 'WEIR_SINK_COLUMN_TYPE' },
    {
      sql: 'CREATE OR REPLACE TABLE public.orders (id BIGINT, note VARCHAR, amount DECIMAL(12,2), owner VARCHAR NOT NULL)',
      code: 'WEIR_SINK_COLUMN_REQUIRED',
    },
    { sql: 'CREATE UNIQUE INDEX by_note ON public.orders (note)', code: 'WEIR_SINK_UNIQUE_INDEX' },
    { sql: 'ALTER TABLE public.orders ADD PRIMARY KEY (id)', code: 'WEIR_SINK_UNIQUE_INDEX' },
    { sql: 'ALTER TABLE public.orders ADD COLUMN _weir_deleted_at TIMESTAMPTZ', code: 'WEIR_SINK_MODE' },
  ];

  it.each(tampered)('refuses, as the writing does, a table after: $sql', async ({ sql, code }) => {
    await using database = await TemporaryDatabase.make();
    const sink = database.sink();
    await (await withOrders(sink, orders, []))[Symbol.asyncDispose]();
    await behindItsBack(database.path, sql);
    const [plan] = await planOf(sink, orders);
    expect(plan).toMatchObject({ action: 'refuse', findings: [{ code, level: 'error' }] });
    await using session = await openSession(sink);
    const write = session.write(batch(2, (rows) => rows.insert(orders, { id: 1, note: null, amount: null })));
    await expect(write).rejects.toMatchObject({ code, table: 'public.orders', message: plan!.findings[0]!.message });
  });

  it('allows columns with a default, and columns that may be NULL', async () => {
    await using database = await TemporaryDatabase.make();
    const sink = database.sink();
    await (await withOrders(sink, orders, []))[Symbol.asyncDispose]();
    await behindItsBack(
      database.path,
      'CREATE OR REPLACE TABLE public.orders ' +
        '(id BIGINT, a INT NOT NULL DEFAULT 7, note VARCHAR, amount DECIMAL(12,2), b INT)',
    );
    expect(await planOf(sink, orders)).toMatchObject([{ action: 'use', findings: [] }]);
    await using session = await openSession(sink);
    await session.write(batch(2, (rows) => rows.insert(orders, { id: 1, note: 'n', amount: '1.00' })));
    await session.commit({ position: '2', state: null });
    expect(await behindItsBack(database.path, 'SELECT * FROM public.orders')).toEqual([['1', '7', 'n', '1.00', null]]);
  });

  it('warns of a column that the table lacks: the source may still say that it was added', async () => {
    await using database = await TemporaryDatabase.make();
    const sink = database.sink();
    await using _ = await withOrders(sink, orders, []);
    const wider = ordersTable({ columns: [...orders.columns, column('city', { kind: 'string' })] });
    expect(await planOf(sink, wider)).toMatchObject([
      { action: 'use', findings: [{ code: 'WEIR_SINK_COLUMN_MISSING', level: 'warning' }] },
    ]);
  });
});
