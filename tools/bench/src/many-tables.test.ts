import { temporaryPostgres } from '@weir/services';
import pg from 'pg';
import { expect, it } from 'vitest';
import { spread } from './many-tables.ts';

it('gives each table as many rows in each transaction', async () => {
  const load = spread(1000, 5);
  expect(load).toMatchObject({ rows: 1000, kept: 200 });
  await using server = await temporaryPostgres();
  const client = new pg.Client(server.url);
  await client.connect();
  try {
    await client.query(load.create);
    for (const transaction of load.transactions) await client.query(transaction);
    const counts = 'count(*)::int, count(DISTINCT xmin::text)::int AS transactions';
    const union = [1, 2, 3, 4, 5].map((number) => `SELECT ${counts} FROM orders_${number}`);
    const { rows } = await client.query(union.join(' UNION ALL '));
    expect(rows).toEqual(Array.from({ length: 5 }, () => ({ count: 200, transactions: 100 })));
  } finally {
    await client.end();
  }
});

it('rounds up to as many rows as every table can have alike', () => {
  expect(spread(1, 1000).rows).toBe(100_000);
});
