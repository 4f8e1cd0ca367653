import { RowCursor, type Table, type TableReader } from '@weir/sdk';
import { expect, test } from 'vitest';
import { TestDatabase } from './testing/test-database.ts';
import { useTestServer } from './testing/test-server.ts';

const server = useTestServer();
const { signal } = new AbortController();

async function idsOf(reader: TableReader, table: Table): Promise<(string | null)[]> {
  const ids: (string | null)[] = [];
  for await (const batch of reader.scan(table, signal)) {
    for (const row of new RowCursor(batch)) ids.push(row.after.text(0));
    batch.release();
  }
  return ids;
}

test('a reader reads the catalog once and all tables over one connection, and over a new one where it was lost', async () => {
  await using database = await TestDatabase.create(server.url);
  await database.sql(`
    CREATE TABLE a (id int PRIMARY KEY); INSERT INTO a VALUES (1), (2);
    CREATE TABLE b (id int PRIMARY KEY); INSERT INTO b VALUES (3)`);
  const source = database.source();
  const [a, b] = await source.discover(signal);
  await using reader = source.reader();
  const backends = async (): Promise<unknown[]> =>
    await database.sql("SELECT pid FROM pg_stat_activity WHERE application_name = 'weir' AND datname = $1", [database.name]);
  expect(await idsOf(reader, a!)).toEqual(['1', '2']);
  const before = await backends();
  expect(before).toHaveLength(1);
  expect(await idsOf(reader, b!)).toEqual(['3']);
  expect(await backends()).toEqual(before);
  // Who looked at the catalog again would know before.
  await database.sql('ALTER TABLE b RENAME TO c');
  const code = expect.not.stringMatching('WEIR_PG_TABLES_NONE') as string;
  await expect(idsOf(reader, b!)).rejects.toMatchObject({ code, message: expect.stringContaining('does not exist') as string });
  expect(await idsOf(reader, a!)).toEqual(['1', '2']);
  await database.disconnect();
  expect(await idsOf(reader, a!)).toEqual(['1', '2']);
  expect(await backends()).toHaveLength(1);
  await reader[Symbol.asyncDispose]();
  await expect.poll(() => database.connections()).toBe(0);
});
