import { temporaryPostgres } from '@weir/services';
import type { CheckResult } from '@weir/sdk';
import { Reading } from '@weir/testkit';
import { describe, expect, test } from 'vitest';
import { copiedCheckpoint } from './testing/open-source.ts';
import { TestDatabase } from './testing/test-database.ts';
import { useTestServer } from './testing/test-server.ts';

const server = useTestServer();
const { signal } = new AbortController();

async function shop(url = server.url): Promise<TestDatabase> {
  const database = await TestDatabase.create(url);
  await database.sql('CREATE TABLE orders (id int PRIMARY KEY)');
  return database;
}

async function resultsOf(database: TestDatabase, code: string, config: object = {}): Promise<CheckResult[]> {
  return (await database.source(config).check(signal)).filter((result) => result.code === code);
}

describe('check lists', () => {
  test('slots of Weir that nobody reads, with what they keep and the SQL that drops them', async () => {
    await using database = await shop();
    await using gone = await shop();
    await copiedCheckpoint(database.source());
    await copiedCheckpoint(gone.source());
    const [found, ...others] = await resultsOf(database, 'WEIR_PG_SLOT_ABANDONED');
    expect(others).toEqual([]);
    expect(found).toMatchObject({ level: 'warning' });
    expect(found!.message).toMatch(new RegExp(`${gone.slot} in database ${gone.name} keeps \\d+ \\w+ of log`));
    await database.sql(/SELECT .*;/.exec(found!.fix!)![0]);
    expect(await resultsOf(database, 'WEIR_PG_SLOT_ABANDONED')).toEqual([]);
  });

  test('not those that are read, nor those of others', async () => {
    await using database = await shop();
    await using other = await shop();
    await other.sql("SELECT pg_create_logical_replication_slot('theirs', 'pgoutput')");
    await using reading = await Reading.open(other.source(), null);
    await reading.untilCopied();
    const pending = reading.next();
    const active = 'SELECT active FROM pg_replication_slots WHERE slot_name = $1';
    await expect.poll(async () => await other.value(active, [other.slot])).toBe(true);
    expect(await resultsOf(database, 'WEIR_PG_SLOT_ABANDONED')).toEqual([]);
    const [own] = await resultsOf(other, 'WEIR_PG_SLOT_INVALIDATED');
    expect(own!.message).toMatch(/server process \d+ reads it/);
    await other.sql('INSERT INTO orders VALUES (1)');
    await pending;
  });

  test('the pipeline’s own slot: what it keeps and who reads it; one of somebody else as an error', async () => {
    await using database = await shop();
    expect(await resultsOf(database, 'WEIR_PG_SLOT_INVALIDATED')).toEqual([]);
    await copiedCheckpoint(database.source());
    const [own] = await resultsOf(database, 'WEIR_PG_SLOT_INVALIDATED');
    expect(own).toMatchObject({ level: 'ok' });
    expect(own!.message).toMatch(/keeps \d+ \w+ of log \(reserved\); nobody reads it now/);
    await database.sql('SELECT pg_drop_replication_slot($1)', [database.slot]);
    await database.sql("SELECT pg_create_logical_replication_slot($1, 'test_decoding')", [database.slot]);
    expect(await resultsOf(database, 'WEIR_PG_SLOT_FOREIGN')).toMatchObject([{ level: 'error', path: 'slot' }]);
  });

  test('that nothing bounds the log, unless max_retained_wal or the server does', async () => {
    await using database = await shop();
    expect(await resultsOf(database, 'WEIR_PG_RETAINED_WAL')).toMatchObject([
      { level: 'warning', path: 'max_retained_wal', fix: expect.stringContaining('max_slot_wal_keep_size') as unknown },
    ]);
    const bounded = await resultsOf(database, 'WEIR_PG_RETAINED_WAL', { max_retained_wal: '20GiB' });
    expect(bounded).toMatchObject([{ level: 'ok' }]);
  });

  test('a slot that the server gave up, with what mends it', { timeout: 60_000 }, async () => {
    const small = { max_slot_wal_keep_size: '1MB', min_wal_size: '32MB', max_wal_size: '32MB' };
    await using temporary = await temporaryPostgres(small);
    await using database = await shop(temporary.url);
    await copiedCheckpoint(database.source());
    for (let segment = 0; segment < 4; segment++) {
      await database.sql('INSERT INTO orders VALUES ($1)', [segment]);
      await database.sql('SELECT pg_switch_wal()');
    }
    await database.sql('CHECKPOINT');
    expect(await resultsOf(database, 'WEIR_PG_SLOT_INVALIDATED')).toMatchObject([
      { level: 'error', fix: expect.stringContaining('on_lost_position: resnapshot') as unknown },
    ]);
    const anew = await resultsOf(database, 'WEIR_PG_SLOT_INVALIDATED', { on_lost_position: 'resnapshot' });
    expect(anew).toMatchObject([{ level: 'warning' }]);
  });
});
