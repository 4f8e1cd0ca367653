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

/** Writes into the log until a record ends where a page does: the place of the next one is then behind the page's header. */
async function endAtPage(database: TestDatabase): Promise<void> {
  const writer = await database.connect();
  const emit = async (bytes: number): Promise<number> => {
    const sql = "SELECT pg_logical_emit_message(false, '', repeat('x', $1::int))";
    await writer.query(sql, [bytes]);
    const { rows } = await writer.query<{ at: string }>("SELECT (pg_current_wal_insert_lsn() - '0/0')::text AS at");
    return Number(rows[0]!.at) % PAGE;
  };
  // So much more than its content a record of this size takes.
  const overhead = 64;
  let at = await emit(300);
  for (let tries = 0; at !== PAGE_HEADER && tries < 100; tries++) {
    const left = PAGE - at;
    at = await emit(left > 2 * overhead + 300 ? left - overhead - (tries % 5) * 8 + 16 : 300);
  }
  await writer.end();
  expect(at, 'the case must have come up').toBe(PAGE_HEADER);
}

const PAGE = 8192;
const PAGE_HEADER = 24;

test('where the log of an idle server ends with a page, neither head nor copy waits for more of it', { timeout: 60_000 }, async () => {
  await using database = await shop();
  await database.sql("INSERT INTO orders VALUES (1, 'copied')");
  for (const mode of ['initial', 'never']) {
    await database.sql('SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = $1', [database.slot]);
    const source = database.source({ snapshot: { mode } });
    await endAtPage(database);
    await using reading = await Reading.open(source, null);
    await endAtPage(database);
    await reading.next();
    await endAtPage(database);
    const asked = Date.now();
    await reading.untilHead();
    // Every 15 s the server writes something of its own.
    expect(Date.now() - asked).toBeLessThan(10_000);
    expect(reading.rows).toHaveLength(mode === 'initial' ? 1 : 0);
  }
});
