import { temporaryPostgres } from '@weir/services';
import pg from 'pg';
import { expect, it } from 'vitest';
import { wideRows } from './wide-rows.ts';

it('has 60 columns, and its updates change all but the key and a text that is kept apart', async () => {
  const load = wideRows(200);
  expect(load).toMatchObject({ rows: 200, kept: 100 });
  await using server = await temporaryPostgres();
  const client = new pg.Client(server.url);
  await client.connect();
  try {
    await client.query(load.create);
    const { rows: columns } = await client.query("SELECT 1 FROM information_schema.columns WHERE table_name = 'wide'");
    expect(columns).toHaveLength(60);
    for (const transaction of load.transactions.slice(0, 50)) await client.query(transaction);
    const before = await client.query<Record<string, unknown>>('SELECT * FROM wide ORDER BY id');
    expect(before.rows).toHaveLength(load.kept);
    const { rows: apart } = await client.query<{ bytes: number }>(
      "SELECT pg_relation_size(reltoastrelid)::int AS bytes FROM pg_class WHERE relname = 'wide'",
    );
    expect(apart[0]!.bytes).toBeGreaterThan(0);
    for (const transaction of load.transactions.slice(50)) await client.query(transaction);
    const after = await client.query<Record<string, unknown>>('SELECT * FROM wide ORDER BY id');
    const texts = ({ rows }: typeof before, name: string): string => JSON.stringify(rows.map((row) => row[name]));
    const same = (name: string): boolean => texts(after, name) === texts(before, name);
    expect(Object.keys(after.rows[0]!).filter(same)).toEqual(['id', 'body']);
  } finally {
    await client.end();
  }
});
