import { setTimeout as sleep } from 'node:timers/promises';
import { EmbeddedPostgres, temporaryPostgres } from '@weir/services';
import type { Checkpoint, WeirError } from '@weir/sdk';
import { Reading, failure } from '@weir/testkit';
import { formatLsn } from '@weir/pgoutput';
import pg from 'pg';
import { describe, expect, test } from 'vitest';
import { positionLsn } from './position.ts';
import { copiedCheckpoint, refusal } from './testing/open-source.ts';
import { TestDatabase, databaseUrl } from './testing/test-database.ts';

/** A server that waits for its replication readers would wait for `wal_sender_timeout`, a minute. */
const PROMPT_STOP_MS = 30_000;

async function shop(serverUrl: string): Promise<TestDatabase> {
  const database = await TestDatabase.create(serverUrl);
  await database.sql('CREATE TABLE orders (id int PRIMARY KEY)');
  return database;
}

/** Streams and confirms every checkpoint, as a pipeline with a quick sink does, until it fails; then it lets go at once. */
async function pump(reading: Reading): Promise<WeirError> {
  const pumping = (async () => {
    for (let batch = await reading.next(); batch !== null; batch = await reading.next()) {
      if (batch.checkpoint !== null) await reading.session.confirm(batch.checkpoint);
    }
  })();
  const error = await failure(pumping);
  await reading[Symbol.asyncDispose]();
  return error;
}

/** Whether a slot has been told of an LSN. */
const AT_LEAST = 'SELECT confirmed_flush_lsn >= $2::pg_lsn FROM pg_replication_slots WHERE slot_name = $1';

function lsnOf({ position }: Checkpoint): string {
  return formatLsn(positionLsn(position));
}

const ids = (reading: Reading): number[] => reading.rows.map(({ after }) => Number(after![0]));

/** Starts a server that was stopped, on a new port. @returns the same database there */
async function restarted(directory: string, name: string): Promise<{ server: EmbeddedPostgres; url: string }> {
  const server = await EmbeddedPostgres.start({ directory, settings: {} });
  return { server, url: databaseUrl(server.url, name) };
}

describe('a server that is stopped', { timeout: 90_000 }, () => {
  test('while a session streams is not held up by it; a retry gives exactly the rest (invariant 1)', async () => {
    await using temporary = await temporaryPostgres();
    const database = await shop(temporary.url);
    const from = await copiedCheckpoint(database.source());
    await using reading = await Reading.open(database.source(), from);
    const pumping = pump(reading);
    const streams = "SELECT 1 FROM pg_stat_replication WHERE state = 'streaming'";
    while ((await database.sql(streams)).length === 0) await sleep(20);
    for (let id = 1; id <= 20; id++) await database.sql('INSERT INTO orders VALUES ($1)', [id]);
    await database.sql('SELECT pg_logical_emit_message(true, $1, $1)', ['not for this pipeline']);
    const asked = Date.now();
    await temporary.stop('fast');
    expect(Date.now() - asked).toBeLessThan(PROMPT_STOP_MS);
    const error = await pumping;
    expect(error).toMatchObject({ code: 'WEIR_PG_CONNECTION_LOST', policy: { policy: 'retry' } });

    const { server, url } = await restarted(temporary.directory, database.name);
    await using _ = server;
    await using rest = await Reading.open(database.source({}, url), reading.checkpoint);
    await rest.untilHead();
    expect([...ids(reading).filter(Number.isInteger), ...ids(rest)]).toEqual(
      Array.from({ length: 20 }, (_none, i) => i + 1),
    );
  });

  test('while a session copies is not held up by it', async () => {
    await using temporary = await temporaryPostgres();
    const database = await shop(temporary.url);
    await database.sql(
      "ALTER TABLE orders ADD note text; INSERT INTO orders SELECT i, repeat('x', 1000) FROM generate_series(1, 60000) i",
    );
    await using reading = await Reading.open(database.source(), null);
    await reading.until(({ chunk }) => chunk !== null);
    const asked = Date.now();
    await temporary.stop('fast');
    expect(Date.now() - asked).toBeLessThan(PROMPT_STOP_MS);
    expect(await reading.untilFailure()).toMatchObject({ policy: { policy: 'retry' } });
  });

  test('by a crash loses nothing, though its slot falls back behind what was confirmed (invariants 1 and 2)', async () => {
    await using temporary = await temporaryPostgres();
    const database = await shop(temporary.url);
    let checkpoint: Checkpoint;
    {
      await using reading = await Reading.open(database.source(), null);
      await reading.untilCopied();
      for (let id = 1; id <= 5; id++) await database.sql('INSERT INTO orders VALUES ($1)', [id]);
      await reading.untilStreamed(5);
      checkpoint = reading.checkpoint;
      await reading.session.confirm(checkpoint);
      const confirmed = async (): Promise<unknown> => await database.value(AT_LEAST, [database.slot, lsnOf(checkpoint)]);
      await expect.poll(confirmed).toBe(true);
      await database.sql('INSERT INTO orders VALUES (6), (7)');
      await temporary.stop('immediate');
      expect(await reading.untilFailure()).toMatchObject({ policy: { policy: 'retry' } });
    }
    const { server, url } = await restarted(temporary.directory, database.name);
    await using _ = server;
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    const values = [database.slot, lsnOf(checkpoint)];
    const { rows } = await client.query<unknown[]>({ text: AT_LEAST, values, rowMode: 'array' });
    await client.end();
    expect(rows[0], 'the server has forgotten what it was told').toEqual([false]);
    await using rest = await Reading.open(database.source({}, url), checkpoint);
    await rest.untilHead();
    expect(ids(rest)).toEqual([6, 7]);
  });
});

test(
  'a slot whose log the server gave up is refused, with or without a checkpoint, and goes on as the fix says (invariant 6)',
  { timeout: 60_000 },
  async () => {
    await using temporary = await temporaryPostgres({
      max_slot_wal_keep_size: '1MB',
      min_wal_size: '32MB',
      max_wal_size: '32MB',
    });
    await using database = await shop(temporary.url);
    const from = await copiedCheckpoint(database.source());
    for (let segment = 0; segment < 4; segment++) {
      await database.sql('INSERT INTO orders VALUES ($1)', [segment]);
      await database.sql('SELECT pg_switch_wal()');
    }
    await database.sql('CHECKPOINT');
    expect(await refusal(database.source(), from)).toBe('WEIR_PG_SLOT_INVALIDATED');
    const error = await failure(Reading.open(database.source(), null));
    expect(error).toMatchObject({ code: 'WEIR_PG_SLOT_INVALIDATED', policy: { exit: 4, policy: 'stop' } });
    expect(error.message).toContain('the server removed log that it needs');
    expect(error.fix).toContain('max_slot_wal_keep_size');
    expect(error.fix).toContain('`on_lost_position: resnapshot`');
    {
      await using reading = await Reading.open(database.source({ on_lost_position: 'resnapshot' }), from);
      expect(reading.session.status().begunAnew).toMatchObject({ code: 'WEIR_PG_SLOT_INVALIDATED' });
      await reading.untilHead();
      expect(ids(reading).toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3]);
    }
    await database.sql('SELECT pg_drop_replication_slot($1)', [database.slot]);
    await using anew = await Reading.open(database.source(), null);
    await anew.untilHead();
    expect(ids(anew).toSorted((a, b) => a - b), 'by the SQL of the fix, from nothing').toEqual([0, 1, 2, 3]);
  },
);

test('a slot that nobody read for as long as PostgreSQL 18 allows says so, and what to raise (invariant 6)', { timeout: 60_000 }, async () => {
  await using temporary = await temporaryPostgres({ idle_replication_slot_timeout: '1s' }, { version: 18 });
  await using database = await shop(temporary.url);
  const from = await copiedCheckpoint(database.source());
  const reason = async (): Promise<unknown> => {
    await database.sql('CHECKPOINT');
    return await database.value('SELECT invalidation_reason FROM pg_replication_slots WHERE slot_name = $1', [database.slot]);
  };
  await expect.poll(reason, { timeout: 30_000, interval: 500 }).toBe('idle_timeout');
  const error = await failure(Reading.open(database.source(), from));
  expect(error).toMatchObject({ code: 'WEIR_PG_SLOT_INVALIDATED', fix: expect.stringContaining('idle_replication_slot_timeout') as string });
});
