import { systemClock, type Logger } from '@weir/sdk';
import { Reading, changesOf } from '@weir/testkit';
import { expect, test } from 'vitest';
import { postgresConfig } from '../config.ts';
import { PostgresSource } from '../source.ts';
import { copiedCheckpoint } from '../testing/open-source.ts';
import { expectEqual } from '../testing/schema-story.ts';
import { TestDatabase } from '../testing/test-database.ts';
import { useTestServer } from '../testing/test-server.ts';

const server = useTestServer();

async function shop(): Promise<TestDatabase> {
  const database = await TestDatabase.create(server.url);
  await database.sql("CREATE TABLE orders (id int PRIMARY KEY, note text); INSERT INTO orders VALUES (1, 'a')");
  return database;
}

test('a change of a table without rows behind it comes by itself, to a stream that nobody asks to end', async () => {
  await using database = await shop();
  await using reading = await Reading.open(database.source(), null);
  await reading.untilCopied();
  const copied = reading.seen.length;
  const pulled = reading.until(({ schemaChanges }) => schemaChanges.length > 0);
  await database.sql("ALTER TABLE orders ADD city text DEFAULT 'Bonn'");
  const batch = await pulled;
  expect(changesOf(reading.seen.slice(copied))).toEqual(['public.orders add city = Bonn']);
  expect(batch.checkpoint).not.toBeNull();
});

test('a table that has lost its key is captured anew without updates, where that is allowed', async () => {
  await using database = await shop();
  const from = await copiedCheckpoint(database.source());
  await database.sql("ALTER TABLE orders DROP CONSTRAINT orders_pkey; INSERT INTO orders VALUES (2, 'b')");
  await using reading = await Reading.open(database.source({ without_key: 'insert_only' }), from);
  await reading.untilHead();
  expect(changesOf(reading.seen)).toEqual(['public.orders create again']);
  expect(reading.seen[0]!.schemaChanges[0]!.table.insertsOnly).toBe(true);
});

test('a table that loses its key under a stream stops it with what to run', async () => {
  await using database = await shop();
  await using reading = await Reading.open(database.source(), null);
  await reading.untilCopied();
  const failed = reading.untilFailure();
  await database.sql("ALTER TABLE orders DROP CONSTRAINT orders_pkey; INSERT INTO orders VALUES (2, 'b')");
  const error = await failed;
  expect(error).toMatchObject({ code: 'WEIR_PG_REPLICA_IDENTITY', table: 'public.orders' });
  expect(error.fix).toContain('ALTER TABLE "public"."orders"');
});

test('a new table that lacks a key is told of, and captured as soon as it has one', async () => {
  await using database = await shop();
  const warnings: object[] = [];
  const log: Logger = { debug() {}, info() {}, warn: (fields) => void warnings.push(fields), error() {} };
  const context = { pipeline: database.name, name: 'test', log, clock: systemClock };
  const source = new PostgresSource(postgresConfig.parse({ url: database.url }), context);
  await using reading = await Reading.open(source, null);
  await reading.untilCopied();
  const created = reading.until(({ schemaChanges }) => schemaChanges.some(({ change }) => change === 'create'));
  await database.sql('CREATE TABLE lines (id int NOT NULL); INSERT INTO lines VALUES (1)');
  await expect.poll(() => warnings).toMatchObject([
    { table: 'public.lines', code: 'WEIR_PG_REPLICA_IDENTITY' },
  ]);
  await database.sql('ALTER TABLE lines ADD PRIMARY KEY (id)');
  await created;
  await database.sql('INSERT INTO lines VALUES (2)');
  await reading.untilHead();
  await expectEqual(source, reading.seen);
});

test('what rows of others are doing meanwhile is not mixed up with a copy that is made again (invariant 2)', async () => {
  await using database = await shop();
  await database.sql('CREATE TABLE lines (id int PRIMARY KEY, n int)');
  await using reading = await Reading.open(database.source(), null);
  await reading.untilCopied();
  let running = true;
  const writer = (async () => {
    for (let id = 1; running; id++) {
      await database.sql('INSERT INTO lines VALUES ($1, 0)', [id]);
      await database.sql('UPDATE lines SET n = n + 1 WHERE id = $1', [id]);
      await database.sql("INSERT INTO orders (id, note) VALUES ($1, 'c') ON CONFLICT (id) DO UPDATE SET note = 'd'", [id + 1]);
    }
  })();
  for (let round = 0; round < 3; round++) {
    const again = reading.until(({ chunk }) => chunk?.table === 'public.orders' && chunk.last);
    await database.sql('ALTER TABLE orders ALTER id TYPE int USING id + 1000');
    await again;
    await reading.untilStreamed(5);
  }
  running = false;
  await writer;
  await reading.untilHead();
  await expectEqual(database.source(), reading.seen);
});
