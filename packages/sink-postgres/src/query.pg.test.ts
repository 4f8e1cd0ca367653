import { describe, expect, it } from 'vitest';
import { TestDatabase } from './testing/test-database.ts';
import { useTestServer } from './testing/test-server.ts';

const server = useTestServer();
const signal = new AbortController().signal;

describe('a query', () => {
  it('is answered with columns and values as the server’s own text, up to a limit', async () => {
    await using database = await TestDatabase.create(server.url);
    const ask = async (sql: string, limit = 10) => await database.sink().query!(sql, limit, signal);
    const values = "SELECT 1 AS id, NULL AS nothing, 1.10::numeric AS amount, '\\x00ff'::bytea AS b, true AS yes;";
    expect(await ask(values)).toEqual({
      columns: ['id', 'nothing', 'amount', 'b', 'yes'],
      rows: [['1', null, '1.10', '\\x00ff', 't']],
      truncated: false,
    });
    const three = [['1'], ['2'], ['3']];
    expect(await ask('SELECT n FROM generate_series(1, 3) n', 3)).toMatchObject({ rows: three, truncated: false });
    expect(await ask('SELECT n FROM generate_series(1, 4) n', 3)).toMatchObject({ rows: three, truncated: true });
    expect(await ask('SELECT 1 AS a, 2 AS a')).toMatchObject({ columns: ['a', 'a'], rows: [['1', '2']] });
    expect(await ask('-- a comment\nWITH w AS (VALUES (1)) TABLE w')).toMatchObject({ rows: [['1']] });
    expect(await ask('show server_encoding')).toMatchObject({ rows: [['UTF8']] });
    expect((await ask('EXPLAIN SELECT 1')).rows.length).toBeGreaterThan(0);
    expect(await ask('SELECT FROM pg_class WHERE false')).toEqual({ columns: [], rows: [], truncated: false });
  });

  it('reads no more rows than it may answer', async () => {
    await using database = await TestDatabase.create(server.url);
    const endless = 'WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n) SELECT i FROM n';
    expect((await database.sink().query!(endless, 5, signal)).rows).toHaveLength(5);
  });

  it('is refused, with the server’s message, when it does not only read', async () => {
    await using database = await TestDatabase.create(server.url);
    await database.sql('CREATE TABLE t (id int)');
    const refused = [
      'INSERT INTO t VALUES (1)',
      'DROP TABLE t',
      'SELECT 1; DROP TABLE t',
      'WITH gone AS (DELETE FROM t RETURNING 1) SELECT * FROM gone',
      'EXPLAIN ANALYZE DELETE FROM t',
      "COPY t TO '/tmp/t'",
      'COMMIT',
      'SELECT nothing',
      'SELECT 1 \0',
      '',
    ];
    for (const sql of refused) {
      await expect(database.sink().query!(sql, 10, signal), sql).rejects.toMatchObject({ code: 'WEIR_API_REQUEST' });
    }
    expect(await database.sql('SELECT count(*) FROM t')).toEqual([['0']]);
  });

  it('ends when it is told to', async () => {
    await using database = await TestDatabase.create(server.url);
    const abort = new AbortController();
    const asked = database.sink().query!('SELECT pg_sleep(60)', 1, abort.signal);
    const failed = asked.then(() => null, (error: unknown) => error);
    setTimeout(() => abort.abort(new Error('enough')), 100);
    expect(await failed).toMatchObject({ message: 'enough' });
  });
});
