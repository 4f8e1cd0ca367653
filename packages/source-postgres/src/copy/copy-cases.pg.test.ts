import { setTimeout as sleep } from 'node:timers/promises';
import { temporaryPostgres } from '@weir/services';
import { Op } from '@weir/sdk';
import { Reading, failure, foldItems, scanTable } from '@weir/testkit';
import { describe, expect, test } from 'vitest';
import { mirroredItems } from '../testing/mirrored-items.ts';
import { copiedCheckpoint } from '../testing/open-source.ts';
import { TestDatabase } from '../testing/test-database.ts';
import { useTestServer } from '../testing/test-server.ts';
import { holdCommits, letCommitsGo } from '../testing/waiting-commits.ts';

const server = useTestServer();
const ROWS = 30;

/** One chunk of ten rows, then a second of stream. */
const slowly = { snapshot: { chunk_rows: 10, max_rows_per_second: 10, max_connections: 1 } };

async function itemsOn(url: string): Promise<TestDatabase> {
  const database = await TestDatabase.create(url);
  await database.sql(`
    CREATE TABLE items (id int PRIMARY KEY, label text, large text);
    ALTER TABLE items ALTER large SET STORAGE EXTERNAL;
    INSERT INTO items SELECT i, 'old', repeat(i::text, 3000) FROM generate_series(1, ${ROWS}) i`);
  return database;
}

/** Reads until the first chunk of ten rows has come. */
async function firstChunk(database: TestDatabase): Promise<Reading> {
  const reading = await Reading.open(database.source(slowly), null);
  const { rows } = await reading.until(({ chunk }) => chunk !== null);
  expect(rows).toHaveLength(10);
  return reading;
}

/** Reads all that there is, and holds it against the table. */
async function expectMirrored(reading: Reading, database: TestDatabase): Promise<void> {
  await reading.untilHead();
  expect(mirroredItems(reading.seen)).toEqual(foldItems(await scanTable(database.source(), 'items')));
}

const reads = ({ seen }: Reading): number => seen.flatMap(({ rows }) => rows).filter(({ op }) => op === Op.read).length;

describe('between two chunks of a copy', () => {
  test('a key that comes among the copied ones without its unchanged TOAST value is read once more', async () => {
    await using database = await itemsOn(server.url);
    await using reading = await firstChunk(database);
    await database.sql('UPDATE items SET id = -25 WHERE id = 25');
    await database.sql("UPDATE items SET label = 'later' WHERE id = -25");
    await database.sql('UPDATE items SET id = -26 WHERE id = 26; DELETE FROM items WHERE id = -26');
    await expectMirrored(reading, database);
    expect(reads(reading)).toBe(ROWS - 1);
  });

  test('what happens to the keys around those that are read once more is in the stream, all of it', { timeout: 60_000 }, async () => {
    await using database = await itemsOn(server.url);
    await using reading = await firstChunk(database);
    await database.sql('DELETE FROM items WHERE id < 9');
    const around = [1, 3, 5, 7];
    let turns = 0;
    let isOver = false;
    const changing = (async () => {
      for (; !isOver; turns++) {
        for (const id of around) {
          await database.sql(`INSERT INTO items VALUES (${id}, '${turns}', NULL)`);
          await database.sql(`DELETE FROM items WHERE id = ${id}`);
        }
      }
    })();
    await database.sql('UPDATE items SET id = id - 20 WHERE id IN (22, 24, 26, 28)');
    await reading.untilCopied();
    isOver = true;
    await changing;
    await expectMirrored(reading, database);
    for (const id of around) {
      const inserted = reading.streamed.filter(({ op, after }) => op === Op.insert && Number(after![0]) === id);
      expect(inserted.map(({ after }) => Number(after![1])), `the turns of ${id}`).toEqual(Array.from({ length: turns }, (_, i) => i));
    }
  });

  test('a key that leaves the copied ones is deleted, and read where it is now', async () => {
    await using database = await itemsOn(server.url);
    await using reading = await firstChunk(database);
    await database.sql("UPDATE items SET id = 125 WHERE id = 5; UPDATE items SET label = 'new' WHERE id IN (125, 6)");
    await expectMirrored(reading, database);
    expect(reading.streamed.filter(({ op }) => op === Op.delete)).toHaveLength(1);
  });

  test('keys that are swapped in one transaction end where they should', async () => {
    await using database = await itemsOn(server.url);
    await using reading = await firstChunk(database);
    await database.sql(`BEGIN; UPDATE items SET id = 0 WHERE id = 1; UPDATE items SET id = 1 WHERE id = 29;
                        UPDATE items SET id = 29 WHERE id = 0; COMMIT`);
    await expectMirrored(reading, database);
  });

  test.each([
    ['TRUNCATE', 'TRUNCATE items'],
    ['TRUNCATE with inserts behind it', "BEGIN; TRUNCATE items; INSERT INTO items VALUES (3, 'a', 'b'), (40, 'c', 'd'); COMMIT"],
    ['an added column', "ALTER TABLE items ADD extra text DEFAULT 'x'; UPDATE items SET label = 'new' WHERE id IN (2, 22)"],
    ['another type', "ALTER TABLE items ALTER label TYPE varchar(9); UPDATE items SET label = 'new' WHERE id IN (2, 22)"],
    ['a rewrite', "UPDATE items SET label = 'new' WHERE id IN (2, 22); VACUUM FULL items; DELETE FROM items WHERE id = 3"],
    ['a type that rewrites', "ALTER TABLE items ALTER id TYPE bigint; UPDATE items SET label = 'new' WHERE id IN (2, 22)"],
    ['another key', 'ALTER TABLE items DROP CONSTRAINT items_pkey, ADD PRIMARY KEY (id, label); DELETE FROM items WHERE id IN (2, 22)'],
  ])('%s', async (_what, statements) => {
    await using database = await itemsOn(server.url);
    await using reading = await firstChunk(database);
    for (const statement of statements.startsWith('BEGIN') ? [statements] : statements.split('; ')) await database.sql(statement);
    await expectMirrored(reading, database);
  });
});

describe('no chunk is read', () => {
  test(
    'before a transaction that the stream has passed is visible: one that waits for a standby',
    { timeout: 60_000 },
    async () => {
      await using temporary = await temporaryPostgres();
      await using database = await itemsOn(temporary.url);
      await using reading = await firstChunk(database);
      await holdCommits(database);
      const waiting = database.sql("UPDATE items SET label = 'new' WHERE id IN (5, 15, 25)");
      await reading.until(({ chunk, rows }) => chunk === null && rows.length > 0);
      await sleep(2_000);
      await letCommitsGo(database);
      await waiting;
      await expectMirrored(reading, database);
      expect(reading.streamed.map(({ after }) => after![0])).toEqual(['5']);
    },
  );

  test('before a transaction has ended that wrote to a table when it was published', async () => {
    await using database = await itemsOn(server.url);
    await database.sql('CREATE TABLE others (id int PRIMARY KEY)');
    const from = await copiedCheckpoint(database.source({ tables: ['public.others'] }));
    const writer = await database.connect();
    await writer.query("BEGIN; INSERT INTO items VALUES (77, 'early', 'x'); UPDATE items SET label = 'new' WHERE id = 7");
    await using reading = await Reading.open(database.source(), from);
    const copied = reading.until(({ chunk }) => chunk !== null);
    await database.sql('INSERT INTO others VALUES (1)');
    await sleep(700);
    expect(reads(reading)).toBe(0);
    await writer.query('COMMIT');
    await writer.end();
    await copied;
    await expectMirrored(reading, database);
    expect(mirroredItems(reading.seen).get(77)).toMatchObject({ label: 'early' });
  });
});

describe('a copy that is asked for', () => {
  test.each(['in-place', 'anew', 'repair'] as const)('%s, while the stream goes on', async (how) => {
    await using database = await itemsOn(server.url);
    await using reading = await Reading.open(database.source({ snapshot: { chunk_rows: 7 } }), null);
    await reading.untilCopied();
    await database.sql("UPDATE items SET label = 'old' WHERE id = 1");
    await reading.untilStreamed(1);
    const before = reads(reading);
    const asked = reading.session.copyAgain!(['public.items'], how);
    await database.sql("UPDATE items SET label = 'new' WHERE id % 3 = 0; DELETE FROM items WHERE id = 9");
    await reading.until(({ chunk }) => chunk?.last === true);
    await asked;
    await database.sql("INSERT INTO items VALUES (100, 'last', NULL)");
    await expectMirrored(reading, database);
    expect(reads(reading) - before).toBeGreaterThanOrEqual(ROWS - 1);
    const created = reading.seen.filter(({ schemaChanges }) => schemaChanges.some(({ change }) => change === 'create'));
    expect(created).toHaveLength(how === 'anew' ? 2 : 1);
  });

  test('to repair a mirror says so, and leaves out what the stream says of keys that were not compared yet', async () => {
    await using database = await itemsOn(server.url);
    const from = await copiedCheckpoint(database.source());
    await using reading = await Reading.open(database.source(slowly), from);
    const asked = reading.session.copyAgain!(['public.items'], 'repair');
    const copied = reading.until(({ chunk }) => chunk !== null);
    await asked;
    await copied;
    await database.sql("UPDATE items SET label = 'compared' WHERE id = 5; UPDATE items SET label = 'not yet' WHERE id = 25");
    await database.sql('DELETE FROM items WHERE id = 26; UPDATE items SET id = -27 WHERE id = 27');
    await expectMirrored(reading, database);
    expect(reading.streamed.map(({ op, after }) => [op, after?.[0]])).toEqual([[Op.update, '5']]);
    const chunks = reading.seen.flatMap(({ chunk }) => (chunk === null ? [] : [chunk]));
    expect(chunks.length).toBeGreaterThanOrEqual(3);
    expect(chunks.every(({ compare }) => compare)).toBe(true);
  });

  test('of a table that is not captured is refused', async () => {
    await using database = await itemsOn(server.url);
    await using reading = await Reading.open(database.source(), null);
    await reading.untilCopied();
    const asked = reading.session.copyAgain!(['public.nothing'], 'anew');
    const refused = failure(asked);
    await database.sql("INSERT INTO items VALUES (100, 'last', NULL)");
    await reading.untilHead();
    expect(await refused).toMatchObject({ code: 'WEIR_TABLE_UNKNOWN' });
  });
});

describe('snapshot.mode', () => {
  test('never: only what changes from now on', async () => {
    await using database = await itemsOn(server.url);
    await using reading = await Reading.open(database.source({ snapshot: { mode: 'never' } }), null);
    await reading.next();
    await database.sql("INSERT INTO items VALUES (100, 'new', NULL); DELETE FROM items WHERE id = 3");
    await reading.untilHead();
    expect(reading.rows.map(({ op }) => op)).toEqual([Op.insert, Op.delete]);
  });

  test('only: what is there, then the end', async () => {
    await using database = await itemsOn(server.url);
    await database.sql('CREATE TABLE others (content text); INSERT INTO others VALUES (1), (2)');
    const source = database.source({ snapshot: { mode: 'only' }, without_key: 'insert_only' });
    await using reading = await Reading.open(source, null);
    await reading.untilEnd();
    expect(reads(reading)).toBe(ROWS + 2);
  });

  test('where: only these rows are copied, and all are streamed', async () => {
    await using database = await itemsOn(server.url);
    const source = database.source({ snapshot: { where: { 'public.items': 'id > 20' }, chunk_rows: 3 } });
    await using reading = await Reading.open(source, null);
    await reading.untilCopied();
    await database.sql('DELETE FROM items WHERE id < 3');
    await reading.untilHead();
    expect([reads(reading), reading.streamed.length]).toEqual([10, 2]);
  });
});

test('a hole whose rows are too large for one batch is filled alone, and nothing else is touched', { timeout: 60_000 }, async () => {
  await using database = await itemsOn(server.url);
  await database.sql("UPDATE items SET large = repeat('x', 1500000) WHERE id IN (24, 25)");
  await using reading = await firstChunk(database);
  await database.sql('UPDATE items SET id = -25 WHERE id = 24; UPDATE items SET id = -24 WHERE id = 25');
  await database.sql('UPDATE items SET id = 0 WHERE id = 23; DELETE FROM items WHERE id = 0');
  await expectMirrored(reading, database);
});

test('a consumer that takes long holds no lock on a table', { timeout: 60_000 }, async () => {
  await using database = await itemsOn(server.url);
  await database.sql("INSERT INTO items SELECT i, 'more', repeat(i::text, 1000) FROM generate_series(1000, 12000) i");
  await using reading = await Reading.open(database.source({ snapshot: { max_connections: 1 } }), null);
  await reading.until(({ chunk }) => chunk !== null);
  const locks = "SELECT count(*)::int FROM pg_locks WHERE relation = 'items'::regclass";
  expect(await database.value(locks)).toBeGreaterThan(0);
  await expect.poll(async () => await database.value(locks)).toBe(0);
  await database.sql("ALTER TABLE items ADD extra int; UPDATE items SET label = 'new' WHERE id IN (1, 11000)");
  await expectMirrored(reading, database);
});

test('whoever waits to lock a table while it is copied gets the lock, and the copy gets on', { timeout: 60_000 }, async () => {
  await using database = await itemsOn(server.url);
  await database.sql("INSERT INTO items SELECT i, 'more', NULL FROM generate_series(1000, 6000) i");
  let isOver = false;
  const locking = (async () => {
    for (; !isOver; await sleep(50)) await database.sql('BEGIN; LOCK TABLE items; COMMIT');
  })();
  await using reading = await Reading.open(database.source({ snapshot: { chunk_rows: 40, max_connections: 3 } }), null);
  await reading.untilCopied();
  isOver = true;
  await locking;
  await expectMirrored(reading, database);
});

test('a table that is locked holds up no other', { timeout: 60_000 }, async () => {
  await using database = await itemsOn(server.url);
  await database.sql('CREATE TABLE others (id int PRIMARY KEY); INSERT INTO others VALUES (1)');
  const source = database.source({ snapshot: { chunk_rows: 10, max_rows_per_second: 10, max_connections: 1 } });
  await using reading = await Reading.open(source, null);
  await reading.next();
  const locker = await database.connect();
  await locker.query('BEGIN; LOCK TABLE items');
  await reading.until(({ chunk }) => chunk?.table === 'public.others');
  await locker.query('COMMIT');
  await locker.end();
  await expectMirrored(reading, database);
});

test('a round ends behind 64 chunks: what the stream has to know of it, and waits for, stays small (invariant 8)', async () => {
  await using database = await itemsOn(server.url);
  await database.sql(`INSERT INTO items SELECT i, 'old' FROM generate_series(${ROWS + 1}, 100) i`);
  await using reading = await Reading.open(database.source({ snapshot: { chunk_rows: 1 } }), null);
  await reading.untilCopied();
  const rounds = new Map<string, number>();
  for (const { chunk, checkpoint } of reading.seen) {
    if (chunk === null || checkpoint === null) continue;
    const round = checkpoint.position.split('.')[3]!;
    rounds.set(round, (rounds.get(round) ?? 0) + 1);
  }
  const chunks = [...rounds.values()];
  expect(Math.max(...chunks)).toBeLessThanOrEqual(64);
  expect(chunks.reduce((sum, count) => sum + count, 0)).toBeGreaterThanOrEqual(100);
});
