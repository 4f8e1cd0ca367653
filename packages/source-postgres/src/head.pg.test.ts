import { Reading } from '@weir/testkit';
import { expect, test } from 'vitest';
import { copiedCheckpoint } from './testing/open-source.ts';
import { TestDatabase } from './testing/test-database.ts';
import { useTestServer } from './testing/test-server.ts';

const server = useTestServer();
const { signal } = new AbortController();

async function shop(): Promise<TestDatabase> {
  const database = await TestDatabase.create(server.url);
  await database.sql('CREATE TABLE orders (id int PRIMARY KEY, note text)');
  return database;
}

test('the head is behind every commit that was answered, also asynchronous ones that are not on disk yet', async () => {
  await using database = await shop();
  let from = await copiedCheckpoint(database.source());
  const application = await database.connect();
  await application.query('SET synchronous_commit = off');
  for (let id = 0; id < 20; id++) {
    await application.query('INSERT INTO orders VALUES ($1)', [id]);
    await using reading = await Reading.open(database.source(), from);
    await reading.untilHead();
    expect(reading.rows.map(({ after }) => Number(after![0]))).toEqual([id]);
    from = reading.checkpoint;
  }
  await application.end();
});

test('the head of an idle server is there at once, wherever its log ends', { timeout: 60_000 }, async () => {
  await using database = await shop();
  const source = database.source();
  for (let i = 0; i < 30; i++) {
    // Ends a record at another place of a page each time.
    await database.sql("SELECT pg_logical_emit_message(false, '', repeat('x', $1::int))", [i * 273]);
    const asked = Date.now();
    await source.head(signal);
    expect(Date.now() - asked).toBeLessThan(10_000);
  }
});

test('a transaction that is open and has written holds up neither the head nor the way to it', async () => {
  await using database = await shop();
  let from = await copiedCheckpoint(database.source());
  for (let i = 1; i <= 5; i++) {
    await database.sql("INSERT INTO orders VALUES ($1, 'committed')", [i]);
    await database.transaction('rollback', async (application) => {
      // Its records end, half written, on many pages.
      await application.query(
        "INSERT INTO orders SELECT n, repeat('x', 100 + n) FROM generate_series(1000, 1000 + 50 * $1::int) n",
        [i],
      );
      const asked = Date.now();
      await using reading = await Reading.open(database.source(), from);
      await reading.untilHead();
      expect(Date.now() - asked).toBeLessThan(15_000);
      expect(reading.rows.map(({ after }) => after)).toEqual([[String(i), 'committed']]);
      from = reading.checkpoint;
    });
  }
});
