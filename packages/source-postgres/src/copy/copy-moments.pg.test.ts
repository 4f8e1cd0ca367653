// Only with the oldest and the newest server: it takes long.
import { setTimeout as sleep } from 'node:timers/promises';
import { EmbeddedPostgres, temporaryPostgres } from '@weir/services';
import type { Checkpoint } from '@weir/sdk';
import { Reading, foldItems, scanTable, testSeed, type SeenBatch } from '@weir/testkit';
import { describe, expect, test } from 'vitest';
import { CuttingRelay } from '../testing/cutting-relay.ts';
import { HoldingRelay } from '../testing/holding-relay.ts';
import { mirroredItems } from '../testing/mirrored-items.ts';
import { TestDatabase, databaseUrl } from '../testing/test-database.ts';
import { useTestServer } from '../testing/test-server.ts';
import { holdCommits, letCommitsGo } from '../testing/waiting-commits.ts';

const server = useTestServer();
const ROWS = 30;

async function itemsOn(url: string): Promise<TestDatabase> {
  const database = await TestDatabase.create(url);
  await database.sql(`
    CREATE TABLE items (id int PRIMARY KEY, label text, large text);
    ALTER TABLE items ALTER large SET STORAGE EXTERNAL;
    INSERT INTO items SELECT i, 'old', repeat(i::text, 3000) FROM generate_series(1, ${ROWS}) i`);
  return database;
}

const oneByOne = { snapshot: { chunk_rows: 10, max_connections: 1 } };
const slowly = { snapshot: { ...oneByOne.snapshot, max_rows_per_second: 10 } };

/** Statements of a round, in their order. */
const SNAPSHOT = 'pg_current_snapshot()::text AS snapshot, pg_current_wal_insert_lsn()';
const MARK = 'pg_logical_emit_message';
const CHUNK = 'COPY (SELECT';

async function expectMirrored(seen: readonly SeenBatch[], database: TestDatabase): Promise<void> {
  expect(mirroredItems(seen)).toEqual(foldItems(await scanTable(database.source(), 'items')));
}

describe('changes of rows whose chunk is being copied', () => {
  /** Four transactions with seven events, among them all that is difficult. */
  const changes = [
    'DELETE FROM items WHERE id = 3',
    "INSERT INTO items VALUES (0, 'new', 'x')",
    'UPDATE items SET id = -6 WHERE id = 6',
    'BEGIN; UPDATE items SET id = 100 WHERE id = 4; UPDATE items SET id = 4 WHERE id = 5; UPDATE items SET id = 5 WHERE id = 100; COMMIT',
    "BEGIN; SAVEPOINT a; UPDATE items SET label = 'new' WHERE id = 7; RELEASE a; COMMIT",
  ];

  test.each([
    ['before its snapshot, and behind the place where the stream waits: the chunk has them', SNAPSHOT, 0],
    ['behind its snapshot, and before the mark that ends the round: the stream has them', MARK, 7],
    ['while it is read', CHUNK, 7],
  ])('%s', async (_when, statement, streamed) => {
    await using database = await itemsOn(server.url);
    await using relay = await HoldingRelay.listen(server.url);
    await using reading = await Reading.open(database.source(oneByOne, relay.through(database.url)), null);
    relay.before(statement, async () => {
      for (const change of changes) await database.sql(change);
    });
    await reading.untilCopied();
    await reading.untilHead();
    expect(relay.isWaiting).toBe(false);
    expect(reading.streamed).toHaveLength(streamed);
    await expectMirrored(reading.seen, database);
  });

  // The ids of its subtransactions are not among those that a snapshot calls open.
  test('by subtransactions of a transaction that is open at the snapshot, and streamed before it ends', async () => {
    await using database = await itemsOn(server.url);
    await using relay = await HoldingRelay.listen(server.url);
    await database.sql(`ALTER DATABASE ${database.name} SET logical_decoding_work_mem = '64kB'`);
    await using reading = await Reading.open(database.source(slowly, relay.through(database.url)), null);
    await reading.until(({ chunk }) => chunk !== null);
    const writer = await database.connect();
    await writer.query("BEGIN; SAVEPOINT a; UPDATE items SET label = 'new', large = repeat('y', 90000) WHERE id IN (2, 12, 22)");
    await writer.query("RELEASE a; SAVEPOINT b; UPDATE items SET label = 'newer' WHERE id IN (3, 13, 23)");
    // Others may begin meanwhile: then the ids are below the end of the snapshot.
    await database.sql("UPDATE items SET label = 'other' WHERE id = 30");
    relay.before(MARK, async () => await writer.query('COMMIT'));
    await reading.until(({ chunk }) => chunk !== null);
    await writer.end();
    await reading.untilCopied();
    await reading.untilHead();
    // The third chunk has what is left.
    expect(reading.streamed.map(({ after }) => after![0])).toEqual(['2', '12', '3', '13']);
    await expectMirrored(reading.seen, database);
  });
});

test('a round that is given up for a lock lets go of those that its readers have', async () => {
  await using database = await itemsOn(server.url);
  await using relay = await HoldingRelay.listen(server.url);
  const locker = await database.connect();
  await using reading = await Reading.open(database.source(oneByOne, relay.through(database.url)), null);
  await reading.until(({ schemaChanges }) => schemaChanges.length > 0);
  let isLocked = false;
  let wasLocked: boolean | null = null;
  // The leader's lock comes behind somebody who waits for those of the readers.
  relay.before('LOCK TABLE', async () => {
    while ((await locksOnItems(database, true)) === 0) await sleep(5);
    void locker.query('BEGIN; LOCK TABLE items').then(() => (isLocked = true));
    while ((await locksOnItems(database, false)) === 0) await sleep(5);
    relay.before('BEGIN ISOLATION LEVEL', async () => {
      wasLocked = isLocked;
      await locker.query('ROLLBACK');
    });
  });
  await reading.untilCopied();
  await reading.untilHead();
  await locker.end();
  expect(wasLocked, 'by the time the next round begins').toBe(true);
  await expectMirrored(reading.seen, database);
});

/** How many locks others have on the table, or wait for. */
async function locksOnItems(database: TestDatabase, granted: boolean): Promise<number> {
  const sql = "SELECT count(*)::int FROM pg_locks WHERE relation = 'items'::regclass AND pid <> pg_backend_pid() AND granted = $1";
  return Number(await database.value(sql, [granted]));
}

describe('a table that is copied in an exported snapshot', () => {
  test.each([
    ['a type that rewrites', 'ALTER TABLE log ALTER line TYPE bigint'],
    ['a rewrite behind changes', 'UPDATE log SET line = line + 1; VACUUM FULL log'],
    ['another table under its name', 'ALTER TABLE log RENAME TO old; CREATE TABLE log (line int); INSERT INTO log SELECT 7 FROM old'],
  ])('and rewritten before a reader has it is copied from another snapshot: %s', async (_what, statements) => {
    await using database = await TestDatabase.create(server.url);
    await database.sql('CREATE TABLE log (line int); INSERT INTO log SELECT i FROM generate_series(1, 5000) i');
    await using relay = await HoldingRelay.listen(server.url);
    const source = database.source({ tables: ['public.log'], without_key: 'insert_only' }, relay.through(database.url));
    await using reading = await Reading.open(source, null);
    relay.before('SET TRANSACTION SNAPSHOT', async () => {
      for (const statement of statements.split('; ')) await database.sql(statement);
    });
    await reading.untilCopied();
    expect(relay.isWaiting).toBe(false);
    const lines = await database.sql("SELECT string_agg(line::text, ' ' ORDER BY line) AS all FROM log");
    const copied = reading.rows.map(({ after }) => String(after![0])).toSorted((a, b) => Number(a) - Number(b));
    expect(copied.join(" ")).toBe(lines[0]!["all"]);
  });
});

test.each([
  ['replaced', 'ALTER TABLE items RENAME TO old; CREATE TABLE items (id int PRIMARY KEY, label text, large text)', [9, 7]],
  ['replaced by one without a key', 'DROP TABLE items; CREATE TABLE items (id int, label text, large text)', [9, 7]],
  ['dropped', 'DROP TABLE items', [9]],
])('a table that is %s while its copy by key begins is left as it is then', async (_what, statements, ids) => {
  await using database = await itemsOn(server.url);
  await database.sql('CREATE TABLE others (id int PRIMARY KEY); INSERT INTO others VALUES (9)');
  await using relay = await HoldingRelay.listen(server.url);
  const config = { tables: ['public.items', 'public.others'], without_key: 'insert_only' };
  await using reading = await Reading.open(database.source(config, relay.through(database.url)), null);
  relay.before('LOCK TABLE', async () => {
    for (const statement of statements.split('; ')) await database.sql(statement);
    if (ids.length > 1) await database.sql("INSERT INTO items VALUES (7, 'another', NULL)");
  });
  await reading.next();
  expect(relay.isWaiting).toBe(false);
  await reading.untilHead();
  expect(reading.rows.map(({ after }) => Number(after![0]))).toEqual(ids);
});

test('more keys than are remembered come without a value: the table is read once more', async () => {
  await using database = await itemsOn(server.url);
  await database.sql("INSERT INTO items SELECT i, 'more', repeat(i::text, 800) FROM generate_series(1000, 2100) i");
  await using reading = await Reading.open(database.source(slowly), null);
  await reading.until(({ chunk }) => chunk !== null);
  await database.sql("UPDATE items SET id = -id WHERE id >= 1000; UPDATE items SET label = 'later' WHERE id IN (-1001, 5)");
  await reading[Symbol.asyncDispose]();
  await using rest = await Reading.open(database.source({ snapshot: { chunk_rows: 500 } }), reading.checkpoint);
  await rest.untilCopied();
  await rest.untilHead();
  await expectMirrored([...reading.seen, ...rest.seen], database);
  expect(rest.seen.filter(({ chunk }) => chunk !== null).length, 'not one by one').toBeLessThan(100);
});

describe('with a server of its own', { timeout: 90_000 }, () => {
  test('an asynchronous commit that a chunk has is on disk: a crash of the server takes nothing back', async () => {
    await using temporary = await temporaryPostgres({ wal_writer_delay: '10s', autovacuum: 'off' });
    const database = await itemsOn(temporary.url);
    await using relay = await HoldingRelay.listen(temporary.url);
    let read: number[];
    {
      await using reading = await Reading.open(database.source(oneByOne, relay.through(database.url)), null);
      relay.before(SNAPSHOT, async () => {
        await database.sql("BEGIN; SET LOCAL synchronous_commit = off; INSERT INTO items VALUES (8000, 'asynchronous', NULL); COMMIT");
      });
      await reading.until(({ rows }) => rows.some(({ after }) => after?.[0] === '8000'));
      read = reading.rows.map(({ after }) => Number(after![0]));
      await temporary.stop('immediate');
    }
    await using again = await EmbeddedPostgres.start({ directory: temporary.directory, settings: {} });
    const after = await TestDatabase.create(again.url);
    const source = after.source({}, databaseUrl(again.url, database.name));
    const there = [...foldItems(await scanTable(source, 'items')).keys()];
    expect(there.toSorted((a, b) => a - b)).toEqual(read.toSorted((a, b) => a - b));
  });

  test('what waits for a standby, and a session before this one has given, is in every chunk', async () => {
    await using temporary = await temporaryPostgres();
    await using database = await itemsOn(temporary.url);
    await using first = await Reading.open(database.source(slowly), null);
    await first.until(({ chunk }) => chunk !== null);
    // Announces the table: nobody has to look at the catalog behind what waits.
    await database.sql("UPDATE items SET label = 'new' WHERE id = 1");
    await first.untilStreamed(1);
    await holdCommits(database);
    const waiting = database.sql("UPDATE items SET label = 'new' WHERE id IN (5, 15, 25)");
    await first.untilStreamed(1);
    await first[Symbol.asyncDispose]();
    await using second = await Reading.open(database.source(slowly), first.checkpoint);
    const copied = second.until(({ chunk }) => chunk !== null);
    const early = await Promise.race([copied, sleep(1_500, 'still waiting')]);
    await letCommitsGo(database);
    expect(early).toBe('still waiting');
    await waiting;
    await copied;
    await second.untilHead();
    await expectMirrored([...first.seen, ...second.seen], database);
  });

  // It is in the log before the place where the stream begins, so nothing but a chunk can have it.
  test('what waits for a standby, and committed while a slot was moved to the present, is in every chunk', async () => {
    await using temporary = await temporaryPostgres();
    await using database = await itemsOn(temporary.url);
    // Made, and left behind without a checkpoint.
    await using first = await Reading.open(database.source(oneByOne), null);
    await first[Symbol.asyncDispose]();
    await using relay = await HoldingRelay.listen(temporary.url);
    let waiting: Promise<unknown> = Promise.resolve();
    relay.before('pg_replication_slot_advance', async () => {
      await holdCommits(database);
      waiting = database.sql("UPDATE items SET label = 'new' WHERE id IN (5, 15, 25)");
      const held = "SELECT count(*)::int FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'SyncRep'";
      while (Number(await database.value(held)) === 0) await sleep(20);
    });
    await using second = await Reading.open(database.source(oneByOne, relay.through(database.url)), null);
    expect(relay.isWaiting).toBe(false);
    const copied = second.until(({ chunk }) => chunk !== null);
    const early = await Promise.race([copied, sleep(1_500, 'still waiting')]);
    await letCommitsGo(database);
    expect(early).toBe('still waiting');
    await waiting;
    await copied;
    await second.untilHead();
    await expectMirrored(second.seen, database);
  });
});

/** What a sink has of a session that was killed: everything up to its last checkpoint. */
function kept({ seen }: Reading): SeenBatch[] {
  return seen.slice(0, seen.findLastIndex(({ checkpoint }) => checkpoint !== null) + 1);
}

test('a copy that is killed behind any of its statements goes on, and ends the same (invariants 4 and 7)', { timeout: 120_000 }, async () => {
  await using database = await itemsOn(server.url);
  await database.sql("INSERT INTO items SELECT i, 'more', NULL FROM generate_series(1000, 1400) i");
  const config = { snapshot: { chunk_rows: 4, max_connections: 1 } };
  const seen: SeenBatch[] = [];
  let from: Checkpoint | null = null;
  let killed = 0;
  // Each of its statements in one of so many runs.
  const step = server.version >= 18 ? 3 : 12;
  for (let [isCut, statements] = [true, 1 + (testSeed % step)]; isCut; statements += step) {
    await using relay = await CuttingRelay.listen(Number(new URL(server.url).port), statements);
    try {
      await using reading = await Reading.open(database.source(config, relay.through(database.url)), from);
      await reading.untilHead().catch(() => {});
      const given = kept(reading);
      if (given.length > 0) from = reading.checkpoint;
      if (given.some(({ chunk }) => chunk !== null)) killed++;
      seen.push(...given);
    } catch {
      // Killed while it was opened.
    }
    isCut = relay.isCut;
    await database.disconnect();
    await database.sql(`UPDATE items SET label = 'r${statements}' WHERE id % 40 = ${statements % 40};
      DELETE FROM items WHERE id = ${1000 + 7 * statements}; UPDATE items SET id = -id WHERE id = ${1001 + 7 * statements}`);
  }
  expect(killed).toBeGreaterThan(server.version >= 18 ? 5 : 0);
  await using rest = await Reading.open(database.source(config), from);
  await rest.untilHead();
  await expectMirrored([...seen, ...rest.seen], database);
});
