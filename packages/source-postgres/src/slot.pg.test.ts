import { setTimeout as sleep } from 'node:timers/promises';
import { Reading, failure } from '@weir/testkit';
import { describe, expect, test } from 'vitest';
import { copiedCheckpoint, refusal } from './testing/open-source.ts';
import { TestDatabase } from './testing/test-database.ts';
import { useTestServer } from './testing/test-server.ts';

const server = useTestServer();
const { signal } = new AbortController();

async function shop(): Promise<TestDatabase> {
  const database = await TestDatabase.create(server.url);
  await database.sql('CREATE TABLE orders (id int PRIMARY KEY); INSERT INTO orders VALUES (1), (2)');
  return database;
}

const ids = (reading: Reading): string[] => reading.rows.map(({ after }) => String(after![0]));

describe('a slot', () => {
  test('that another session reads is in use, which is tried again; a second pipeline cannot steal it', async () => {
    await using database = await shop();
    const from = await copiedCheckpoint(database.source());
    await using reading = await Reading.open(database.source(), from);
    const pending = reading.next();
    await expect
      .poll(
        async () => await database.value('SELECT active FROM pg_replication_slots WHERE slot_name = $1', [database.slot]),
      )
      .toBe(true);
    for (const checkpoint of [from, null]) {
      const error = await failure(Reading.open(database.source(), checkpoint));
      expect(error).toMatchObject({ code: 'WEIR_PG_SLOT_IN_USE', policy: { policy: 'retry' }, path: 'slot' });
      expect(error.fix).toMatch(/server process \d+/);
    }
    await database.sql('INSERT INTO orders VALUES (3)');
    expect((await pending)?.rows).toHaveLength(1);
  });

  test('that somebody moves between the look at it and the stream is refused, not gone on with (invariant 6)', async () => {
    await using database = await shop();
    const from = await copiedCheckpoint(database.source());
    await using reading = await Reading.open(database.source(), from);
    await database.sql('INSERT INTO orders VALUES (3)');
    await database.sql('SELECT pg_replication_slot_advance($1, pg_current_wal_flush_lsn())', [database.slot]);
    await database.sql('INSERT INTO orders VALUES (4)');
    expect((await reading.untilFailure()).code).toBe('WEIR_PG_SLOT_ADVANCED');
    expect(ids(reading)).toEqual([]);
  });

  test('that a start left behind before its first checkpoint is moved to the present, and the copy is whole', async () => {
    await using database = await shop();
    const session = await database.source().open(null, signal);
    await session[Symbol.asyncDispose]();
    expect(await database.traces()).toEqual([`slot ${database.slot}`, `publication ${database.slot}`]);
    await database.sql('INSERT INTO orders VALUES (3)');
    await using reading = await Reading.open(database.source(), null);
    await reading.untilCopied();
    await database.sql('INSERT INTO orders VALUES (4)');
    await reading.untilHead();
    expect(ids(reading)).toEqual(['1', '2', '3', '4']);
    expect(reading.streamed).toHaveLength(1);
  });

  test('and a publication of other names are used as the configuration says', async () => {
    await using database = await shop();
    const slot = `${database.name}_other`;
    const source = database.source({ slot, publication: 'Pub "ü" it\'s' });
    await using reading = await Reading.open(source, null);
    await reading.untilCopied();
    await database.sql('INSERT INTO orders VALUES (3)');
    await reading.untilHead();
    expect(ids(reading)).toEqual(['1', '2', '3']);
    expect(await database.traces()).toEqual([`slot ${slot}`, 'publication Pub "ü" it\'s']);
  });

  test.each([
    ['physical', 'SELECT pg_create_physical_replication_slot($1)'],
    ['of another plugin', "SELECT pg_create_logical_replication_slot($1, 'test_decoding')"],
  ])('that is %s is refused, with or without a checkpoint', async (_, sql) => {
    await using database = await shop();
    const from = await copiedCheckpoint(database.source());
    await database.sql('SELECT pg_drop_replication_slot($1)', [database.slot]);
    await database.sql(sql, [database.slot]);
    expect(await refusal(database.source(), from)).toBe('WEIR_PG_SLOT_FOREIGN');
    expect(await refusal(database.source(), null)).toBe('WEIR_PG_SLOT_FOREIGN');
    await database.sql('SELECT pg_drop_replication_slot($1)', [database.slot]);
  });

  // It sends what PREPARE TRANSACTION left behind, which can still be rolled back.
  test('with two_phase on is refused, with or without a checkpoint', async () => {
    await using database = await shop();
    const from = await copiedCheckpoint(database.source());
    await database.sql('SELECT pg_drop_replication_slot($1)', [database.slot]);
    await database.sql("SELECT pg_create_logical_replication_slot($1, 'pgoutput', false, true)", [database.slot]);
    for (const checkpoint of [from, null]) {
      const error = await failure(database.source().open(checkpoint, signal));
      expect(error).toMatchObject({ code: 'WEIR_PG_SLOT_FOREIGN', path: 'slot' });
      expect(error.message).toContain('two_phase');
      expect(error.fix).toContain(`SELECT pg_drop_replication_slot('${database.slot}');`);
    }
  });

  test('of another database is refused', async () => {
    await using database = await shop();
    await using other = await shop();
    await other.sql("SELECT pg_create_logical_replication_slot($1, 'pgoutput')", [database.slot]);
    expect(await refusal(database.source())).toBe('WEIR_PG_SLOT_FOREIGN');
  });
});

describe('while an open transaction holds up', () => {
  test('the slot of a first start, an abort ends the wait at once', async () => {
    await using database = await shop();
    const application = await database.connect();
    await application.query('BEGIN; INSERT INTO orders VALUES (3)');
    const abort = new AbortController();
    const opening = database.source().open(null, abort.signal);
    await sleep(500);
    abort.abort(new Error('aborted by the test'));
    // Without the abort it would wait for the COMMIT below, for ever.
    await expect(opening).rejects.toThrow('aborted by the test');
    await application.query('COMMIT');
    await application.end();
    await expect.poll(async () => await database.connections()).toBe(0);
    await using reading = await Reading.open(database.source(), null);
    await reading.untilHead();
    expect(ids(reading)).toEqual(['1', '2', '3']);
  });

  test.each(['abort', 'dispose'] as const)(
    'the snapshot of a copy, %s ends the wait at once and leaves no connection',
    async (how) => {
      await using database = await shop();
      await using reading = await Reading.open(database.source(), null);
      const application = await database.connect();
      await application.query('BEGIN; INSERT INTO orders VALUES (3)');
      const copying = reading.untilCopied().then(
        () => 'ended',
        () => 'ended',
      );
      await sleep(500);
      if (how === 'abort') reading.abort();
      else await reading.session[Symbol.asyncDispose]();
      expect(await Promise.race([copying, sleep(1_000, 'still waiting')])).toBe('ended');
      await reading[Symbol.asyncDispose]();
      await application.query('COMMIT');
      await application.end();
      await expect.poll(async () => await database.connections()).toBe(0);
    },
  );
});

test('a copy lets go of its locks when it is read, though the consumer has not come back yet', async () => {
  await using database = await shop();
  await using reading = await Reading.open(database.source(), null);
  await reading.untilCopied();
  await database.sql('TRUNCATE orders');
  await reading.untilHead();
  expect(reading.streamed).toHaveLength(1);
});

test('the status tells how much log is not confirmed yet', async () => {
  await using database = await shop();
  await using reading = await Reading.open(database.source(), null);
  await reading.untilCopied();
  await database.sql('INSERT INTO orders SELECT i FROM generate_series(10, 50000) i');
  await reading.untilStreamed(40_000);
  const lag = (): number => reading.session.status().lagBytes ?? -1;
  await expect.poll(lag).toBeGreaterThan(2_000_000);
  await reading.session.confirm(reading.checkpoint);
  await expect.poll(lag).toBeLessThan(1_000_000);
  expect(lag()).toBeGreaterThanOrEqual(0);
});

test('a session leaves no connection, however it ends', async () => {
  await using database = await shop();
  await database.sql('INSERT INTO orders SELECT i FROM generate_series(10, 50000) i');
  const ends: ((reading: Reading) => Promise<unknown>)[] = [
    async () => await Promise.resolve(),
    async (reading) => await reading.next(),
    async (reading) => await reading.until(({ chunk }) => chunk !== null),
    async (reading) => await reading.untilCopied(),
    async (reading) => await reading.untilHead(),
    async (reading) => {
      await reading.untilCopied();
      await database.sql('INSERT INTO orders VALUES (0)');
      await reading.untilStreamed(1);
      await database.disconnect();
      await reading.untilFailure();
    },
  ];
  for (const [i, end] of ends.entries()) {
    const reading = await Reading.open(database.source(), null);
    await end(reading);
    await reading[Symbol.asyncDispose]();
    await expect.poll(async () => await database.connections(), { message: `after end ${i}` }).toBe(0);
  }
});

describe('what is wrong with a slot has a code, and goes on once mended as it says', () => {
  const sqlOf = (fix: string): string => /(?:SELECT|ALTER)[^;]*;/.exec(fix)![0];

  test('gone: on_lost_position', async () => {
    await using database = await shop();
    const from = await copiedCheckpoint(database.source());
    await database.sql('SELECT pg_drop_replication_slot($1)', [database.slot]);
    const error = await failure(Reading.open(database.source(), from));
    expect(error).toMatchObject({ code: 'WEIR_PG_SLOT_LOST', message: `replication slot ${database.slot} is gone` });
    expect(error.fix).toContain('`on_lost_position: resnapshot`');
    await using reading = await Reading.open(database.source({ on_lost_position: 'resnapshot' }), from);
    await reading.untilHead();
    expect(ids(reading)).toEqual(['1', '2']);
  });

  test('foreign: a slot of its own, from nothing and from a checkpoint', async () => {
    await using database = await shop();
    const from = await copiedCheckpoint(database.source());
    await database.sql('SELECT pg_drop_replication_slot($1)', [database.slot]);
    await database.sql("SELECT pg_create_logical_replication_slot($1, 'test_decoding')", [database.slot]);
    const own = { slot: `${database.slot}_own` };
    for (const checkpoint of [null, from]) {
      const error = await failure(Reading.open(database.source(), checkpoint));
      expect(error).toMatchObject({ code: 'WEIR_PG_SLOT_FOREIGN', path: 'slot' });
      expect(error.fix).toContain('`slot`');
    }
    expect(await refusal(database.source(own), from), 'a new slot has nothing of before').toBe('WEIR_PG_SLOT_LOST');
    for (const [checkpoint, options] of [[null, own], [from, { ...own, on_lost_position: 'resnapshot' }]] as const) {
      await using reading = await Reading.open(database.source(options), checkpoint);
      await reading.untilHead();
      expect(ids(reading)).toEqual(['1', '2']);
    }
  });

  test('in use: the server process is ended', async () => {
    await using database = await shop();
    const from = await copiedCheckpoint(database.source());
    await using reading = await Reading.open(database.source(), from);
    const pending = reading.untilFailure();
    const active = 'SELECT active FROM pg_replication_slots WHERE slot_name = $1';
    await expect.poll(async () => await database.value(active, [database.slot])).toBe(true);
    const error = await failure(Reading.open(database.source(), from));
    expect(error.code).toBe('WEIR_PG_SLOT_IN_USE');
    await database.sql(sqlOf(error.fix));
    expect((await pending).policy.policy).toBe('retry');
    await expect.poll(async () => await database.value(active, [database.slot])).toBe(false);
    await using next = await Reading.open(database.source(), from);
    await next.untilHead();
  });
});
