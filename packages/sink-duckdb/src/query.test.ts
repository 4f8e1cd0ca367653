import { describe, expect, it } from 'vitest';
import { ask, column, ordersTable, withOrders } from '@weir/testkit/orders';
import { TemporaryDatabase } from './testing/temporary-database.ts';

const orders = ordersTable({
  columns: [...ordersTable().columns, column('at', { kind: 'timestamptz' }), column('raw', { kind: 'bytes' })],
});
const rows = [
  { id: 1, note: 'one', amount: '1.50', at: '2024-05-06T07:08:09Z', raw: Uint8Array.of(0, 255) },
  { id: 2, note: null, amount: null, at: null, raw: null },
  { id: 3, note: 'ü', amount: '-0.01', at: 'infinity', raw: new Uint8Array(0) },
];

async function withRows() {
  const database = await TemporaryDatabase.make();
  const sink = database.sink();
  const session = await withOrders(sink, orders, rows);
  const query = (sql: string, limit = 100, signal = new AbortController().signal) => sink.query!(sql, limit, signal);
  return {
    query,
    async [Symbol.asyncDispose]() {
      await session[Symbol.asyncDispose]();
      await database[Symbol.asyncDispose]();
    },
  };
}

describe('a query', () => {
  it('is answered with names and texts, NULL as null, in order', async () => {
    await using sink = await withRows();
    expect(await sink.query('SELECT * FROM public.orders ORDER BY id DESC; -- all of them')).toMatchObject({
      columns: ['id', 'note', 'amount', 'at', 'raw'],
      rows: [
        ['3', 'ü', '-0.01', 'infinity', ''],
        ['2', null, null, null, null],
        ['1', 'one', '1.50', '2024-05-06 07:08:09+00', '\\x00\\xFF'],
      ],
      truncated: false,
    });
    expect(await sink.query('SELECT 1 AS a, [1, NULL] AS a, {x: true} AS "b c" ;;')).toEqual({
      columns: ['a', 'a', 'b c'],
      rows: [['1', '[1, NULL]', "{'x': true}"]],
      truncated: false,
    });
  });

  it('is cut at the limit, and says so', async () => {
    await using sink = await withRows();
    const sql = 'SELECT id FROM public.orders ORDER BY id';
    expect(await sink.query(sql, 2)).toEqual({ columns: ['id'], rows: [['1'], ['2']], truncated: true });
    expect(await sink.query(sql, 3)).toMatchObject({ truncated: false });
    expect(await sink.query('FROM range(10000000)', 0)).toEqual({ columns: ['range'], rows: [], truncated: true });
  });

  it('may be anything that reads', async () => {
    await using sink = await withRows();
    for (const sql of [
      'SHOW TABLES',
      'DESCRIBE public.orders',
      'SUMMARIZE public.orders',
      'EXPLAIN SELECT 1',
      'WITH a AS (SELECT 1) FROM a',
      'VALUES (1)',
    ]) {
      expect((await sink.query(sql)).columns.length, sql).toBeGreaterThan(0);
    }
    expect((await sink.query('FROM weir.checkpoint')).rows).toHaveLength(1);
  });

  it('that writes, reaches outside or is wrong is refused with the reason', async () => {
    await using sink = await withRows();
    const refused = [
      'INSERT INTO public.orders (id) VALUES (9)',
      'DELETE FROM public.orders',
      'DROP TABLE public.orders',
      'CREATE TABLE t (a INTEGER)',
      "COPY public.orders TO '/tmp/weir-orders.csv'",
      'EXPLAIN ANALYZE DELETE FROM public.orders',
      'UPDATE weir.checkpoint SET fence = 99',
      'SET threads = 1',
      'PRAGMA enable_profiling',
      'CHECKPOINT',
      'SELECT 1; SELECT 2',
      '',
      ';',
      'SELEKT 1',
      'SELECT * FROM nothing',
      "SELECT * FROM read_csv('/etc/passwd')",
      'SELECT 1) AS a; DROP TABLE public.orders; --',
    ];
    for (const sql of refused) await expect(sink.query(sql), sql).rejects.toMatchObject({ code: 'WEIR_API_REQUEST' });
    expect((await sink.query('SELECT count(*) FROM public.orders')).rows).toEqual([['3']]);
    await expect(sink.query('SELEKT 1')).rejects.toThrow('syntax error');
  });

  it('ends when it is aborted', async () => {
    await using sink = await withRows();
    const abort = new AbortController();
    const answer = sink.query('SELECT count(*) FROM range(100000000000) a, range(1000) b', 1, abort.signal);
    setTimeout(() => abort.abort(new Error('enough')), 50);
    await expect(answer).rejects.toThrow('enough');
    expect((await sink.query('SELECT 1 AS one')).rows).toEqual([['1']]);
  });

  it('is answered when no session is open, and holds the file no longer than that', async () => {
    await using database = await TemporaryDatabase.make();
    await (await withOrders(database.sink(), orders, rows))[Symbol.asyncDispose]();
    expect(await ask(database.sink(), 'SELECT count(*) FROM public.orders')).toEqual([['3']]);
  });
});
