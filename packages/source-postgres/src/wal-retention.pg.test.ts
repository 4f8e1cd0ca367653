import type { Logger } from '@weir/sdk';
import { Reading, failure } from '@weir/testkit';
import { describe, expect, test } from 'vitest';
import { copiedCheckpoint, refusal } from './testing/open-source.ts';
import { TestDatabase } from './testing/test-database.ts';
import { useTestServer } from './testing/test-server.ts';

const server = useTestServer();

async function shop(): Promise<TestDatabase> {
  const database = await TestDatabase.create(server.url);
  await database.sql('CREATE TABLE orders (id int PRIMARY KEY, note text)');
  return database;
}

/** Writes some 4 MB of log that no sink confirms. */
async function fill(database: TestDatabase): Promise<void> {
  await database.sql("INSERT INTO orders SELECT i, repeat(md5(i::text), 10) FROM generate_series(1, 10000) i");
}

async function slotExists(database: TestDatabase): Promise<boolean> {
  const sql = 'SELECT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = $1)';
  return (await database.value(sql, [database.slot])) === true;
}

const limited = (on_exceed: string): object => ({ max_retained_wal: '1MB', on_exceed });

describe('more log than max_retained_wal', () => {
  test('alert: is warned of once a minute, and is in the status; the stream goes on', async () => {
    await using database = await shop();
    const from = await copiedCheckpoint(database.source());
    const warned: Record<string, unknown>[] = [];
    const log: Logger = { debug() {}, info() {}, warn: (fields) => void warned.push({ ...fields }), error() {} };
    await using reading = await Reading.open(database.source(limited('alert'), database.url, log), from);
    const pending = reading.untilStreamed(10_001);
    await fill(database);
    await expect.poll(() => warned).toMatchObject([{ code: 'WEIR_PG_RETAINED_WAL', slot: database.slot }]);
    expect(reading.session.status()).toMatchObject({ retainedLimitBytes: 1_000_000 });
    expect(reading.session.status().retainedBytes).toBeGreaterThan(1_000_000);
    const kept = reading.session.status().retainedBytes;
    await database.sql('INSERT INTO orders VALUES (0)');
    await pending;
    await expect.poll(() => reading.session.status().retainedBytes).toBeGreaterThan(kept!);
    expect(warned, 'the second look has nothing to say').toHaveLength(1);
  });

  test('stop: ends the stream with a code; with a higher bound it goes on where it was', async () => {
    await using database = await shop();
    const from = await copiedCheckpoint(database.source());
    await fill(database);
    {
      await using reading = await Reading.open(database.source(limited('stop')), from);
      const error = await reading.untilFailure();
      expect(error).toMatchObject({ code: 'WEIR_PG_RETAINED_WAL', path: 'max_retained_wal', policy: { policy: 'stop' } });
      expect(error.fix).toContain('max_retained_wal');
    }
    expect(await slotExists(database)).toBe(true);
    await using reading = await Reading.open(database.source({ max_retained_wal: '1GB', on_exceed: 'stop' }), from);
    await reading.untilHead();
    expect(reading.streamed).toHaveLength(10_000);
  });

  // A sink that hangs is when the log grows: then nobody pulls.
  test('drop_slot: drops the slot though nobody pulls, and says how to begin anew', async () => {
    await using database = await shop();
    const from = await copiedCheckpoint(database.source());
    await using reading = await Reading.open(database.source(limited('drop_slot')), from);
    await database.sql('INSERT INTO orders VALUES (0)');
    await reading.untilStreamed(1);
    await fill(database);
    await expect.poll(async () => await slotExists(database)).toBe(false);
    const error = await reading.untilFailure();
    expect(error).toMatchObject({ code: 'WEIR_PG_SLOT_DROPPED', policy: { exit: 4, policy: 'stop' } });
    expect(error.fix).toContain('on_lost_position: resnapshot');
    await reading[Symbol.asyncDispose]();
    expect(await refusal(database.source(), from)).toBe('WEIR_PG_SLOT_LOST');
    await using again = await Reading.open(database.source({ on_lost_position: 'resnapshot' }), from);
    await again.untilHead();
    expect(again.copied).toHaveLength(10_001);
  });

  test('drop_slot, while tables are copied: ends the copy', async () => {
    await using database = await shop();
    await fill(database);
    await using reading = await Reading.open(database.source(limited('drop_slot')), null);
    await reading.next();
    await database.sql("INSERT INTO orders SELECT i, repeat(md5(i::text), 10) FROM generate_series(20001, 30000) i");
    await expect.poll(async () => await slotExists(database)).toBe(false);
    expect((await failure(reading.untilEnd())).code).toBe('WEIR_PG_SLOT_DROPPED');
  });
});

test('without a bound the log that the slot keeps is in the status all the same', async () => {
  await using database = await shop();
  await using reading = await Reading.open(database.source(), null);
  await reading.untilCopied();
  await expect.poll(() => reading.session.status().retainedBytes).toBeGreaterThanOrEqual(0);
  expect(reading.session.status().retainedLimitBytes).toBeNull();
});
