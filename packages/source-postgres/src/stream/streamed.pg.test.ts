import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { temporaryPostgres } from '@weir/services';
import type { WeirError } from '@weir/sdk';
import { describe, expect, test } from 'vitest';
import { newestProtocol, type StreamProtocol } from './stream-protocol.ts';
import { StreamReading, publishAll } from '../testing/stream-reading.ts';
import { TestDatabase } from '../testing/test-database.ts';
import { useTestServer } from '../testing/test-server.ts';

const server = useTestServer();
const streaming: StreamProtocol = { version: 2, streaming: true };
const whole: StreamProtocol = { version: 1, streaming: false };

const large = (first: number, count = 3000): string =>
  `INSERT INTO items SELECT i, repeat('x', 90) || i FROM generate_series(${first}, ${first + count - 1}) AS i`;

interface Shop extends AsyncDisposable {
  readonly database: TestDatabase;
  readonly from: bigint;
}

async function shop(serverUrl = server.url): Promise<Shop> {
  const database = await TestDatabase.create(serverUrl);
  await database.sql('CREATE TABLE items (id int PRIMARY KEY, label text)');
  return { database, from: await publishAll(database), [Symbol.asyncDispose]: async () => await database[Symbol.asyncDispose]() };
}

/** What the log holds from there on. */
async function rowsFrom(database: TestDatabase, from: bigint, protocol: StreamProtocol): Promise<StreamReading['rows']> {
  await using reading = await StreamReading.open(database, from, { protocol });
  await reading.untilHead();
  return reading.rows;
}

/** Waits until the stream, which somebody else pulls, holds this many open transactions. */
async function untilStreamed(reading: StreamReading, transactions: number): Promise<void> {
  await expect.poll(() => reading.stream.streamed.transactions).toBe(transactions);
}

const ids = (rows: StreamReading['rows']): number[] =>
  rows.filter(({ table }) => table !== '').map(({ after }) => Number(after![0]));
const range = (first: number, count = 3000): number[] => Array.from({ length: count }, (_, i) => first + i);

describe('an open transaction that the server has streamed', () => {
  test('does not hold back what others commit, nor its confirmation, and comes whole after that (invariant 1)', async () => {
    await using shopped = await shop();
    const { database, from } = shopped;
    const writer = await database.connect();
    let boundary: bigint;
    {
      await using reading = await StreamReading.open(database, from, { protocol: streaming });
      const other = reading.until(({ rows }) => ids([...rows]).includes(-1));
      await writer.query(`BEGIN; ${large(1)}`);
      await untilStreamed(reading, 1);
      await database.sql('INSERT INTO items VALUES (-1)');
      await other;
      expect(reading.stream.streamed.transactions).toBe(1);
      await reading.finishAtHead();
      await reading.untilEnd();
      expect(ids(reading.rows), 'a boundary behind the keepalives').toEqual([-1]);
      boundary = reading.boundary;
      reading.stream.confirm(boundary);
    }
    await writer.query(`${large(4001)}; COMMIT`);
    await writer.end();
    await using rest = await StreamReading.open(database, boundary, { protocol: streaming });
    await rest.untilHead();
    expect(ids(rest.rows)).toEqual([...range(1), ...range(4001)]);
    expect(rest.rows.slice(0, 6000).map(({ ordinal }) => ordinal)).toEqual(range(1, 6000));
  });

  test('comes once when the connection is cut in the middle of it', async () => {
    await using shopped = await shop();
    const { database, from } = shopped;
    const writer = await database.connect();
    await using first = await StreamReading.open(database, from, { protocol: streaming });
    const failed = first.untilEnd();
    await database.sql('INSERT INTO items VALUES (-1)');
    await writer.query(`BEGIN; ${large(1)}`);
    await untilStreamed(first, 1);
    await Promise.all([expect(failed).rejects.toMatchObject({ code: 'WEIR_PG_CONNECTION_LOST' }), first.cut()]);
    expect(first.stream.streamed.transactions, 'nothing of it is kept').toBe(0);
    await writer.query(`SAVEPOINT a; ${large(8001)}; ROLLBACK TO a; ${large(4001)}; COMMIT`);
    await writer.end();
    const all = await rowsFrom(database, from, whole);
    const rest = await rowsFrom(database, first.boundary, streaming);
    expect(ids(all)).toEqual([-1, ...range(1), ...range(4001)]);
    expect([...first.rows, ...rest]).toEqual(all);
  });

  test('comes once when the connection is cut during its replay: again from its first row', async () => {
    await using shopped = await shop();
    const { database, from } = shopped;
    await database.sql('INSERT INTO items VALUES (-1)');
    // Rows of one COPY have one LSN; they are told apart by their numbers.
    await database.sql(`COPY items FROM PROGRAM 'seq -f "%.0f$(printf "\\t")some text of an item" 1 100000'`);
    await using first = await StreamReading.open(database, from, { protocol: streaming, spoolBytes: 100_000 });
    await first.until(({ checkpoint, rows }) => checkpoint === null && rows.length > 1);
    await first.next();
    await first.cut();
    expect(ids(first.rows).length).toBeGreaterThan(8_000);
    const boundary = first.seen.some(({ checkpoint }) => checkpoint !== null) ? first.boundary : from;
    await using second = await StreamReading.open(database, boundary, { protocol: streaming });
    await second.untilHead();
    const before = boundary === from ? 0 : 1;
    expect(ids(second.rows)).toEqual([-1, ...range(1, 100_000)].slice(before));
    expect(second.rows.slice(1 - before, 100_001 - before).map(({ ordinal }) => ordinal)).toEqual(range(1, 100_000));
    expect(second.seen.filter(({ rows }) => rows.length > 0).length).toBeGreaterThan(5);
  });

  test('is dropped when it is rolled back, or its connection ends', async () => {
    await using shopped = await shop();
    const { database, from } = shopped;
    const [one, two] = [await database.connect(), await database.connect()];
    await using reading = await StreamReading.open(database, from, { protocol: streaming });
    const end = reading.until(({ rows }) => ids([...rows]).includes(-1));
    await one.query(`BEGIN; ${large(1)}`);
    await two.query(`BEGIN; ${large(10_001)}`);
    await untilStreamed(reading, 2);
    await one.query('ROLLBACK');
    await two.end();
    await untilStreamed(reading, 0);
    await database.sql('INSERT INTO items VALUES (-1)');
    await end;
    await one.end();
    expect(ids(reading.rows)).toEqual([-1]);
  });
});

describe('what does not fit in memory', () => {
  test('lies in a file that has no name, and the file is gone with the transaction (invariant 8)', async () => {
    await using shopped = await shop();
    const { database, from } = shopped;
    const directory = await mkdtemp(join(tmpdir(), 'weir-spool-test-'));
    const [one, two] = [await database.connect(), await database.connect()];
    await using reading = await StreamReading.open(database, from, {
      protocol: streaming,
      spoolDirectory: directory,
      spoolBytes: 200_000,
    });
    const rows = reading.until((batch) => ids([...batch.rows]).includes(5000));
    await one.query(`BEGIN; ${large(1, 4000)}`);
    await two.query(`BEGIN; ${large(10_001, 4000)}; SAVEPOINT a; ${large(20_001)}; ROLLBACK TO a`);
    await untilStreamed(reading, 2);
    await expect.poll(() => reading.stream.streamed.disk).toBeGreaterThan(1_000_000);
    expect(reading.stream.streamed.memory).toBeLessThanOrEqual(200_000);
    expect(await readdir(directory)).toEqual([]);
    await two.query('ROLLBACK');
    await untilStreamed(reading, 1);
    await expect.poll(() => reading.stream.streamed.disk).toBeLessThan(600_000);
    await one.query(`${large(4001, 1000)}; COMMIT`);
    await rows;
    await Promise.all([one.end(), two.end()]);
    expect(ids(reading.rows)).toEqual(range(1, 5000));
    expect(reading.stream.streamed).toEqual({ transactions: 0, memory: 0, disk: 0 });
    await rm(directory, { recursive: true });
  });

  test('and has no folder to go to: a coded error, and the server sends it again', async () => {
    await using shopped = await shop();
    const { database, from } = shopped;
    await database.sql(`INSERT INTO items VALUES (-1)`);
    await database.sql(large(1));
    await using reading = await StreamReading.open(database, from, {
      protocol: streaming,
      spoolDirectory: '/nowhere/at/all',
      spoolBytes: 100_000,
    });
    await expect(reading.untilEnd()).rejects.toMatchObject({
      code: 'WEIR_PG_SPOOL',
      message: expect.stringContaining('/nowhere/at/all: ENOENT') as string,
    });
    expect(ids(reading.rows)).toEqual([-1]);
    await reading[Symbol.asyncDispose]();
    await using again = await StreamReading.open(database, reading.boundary, { protocol: streaming, spoolBytes: 100_000 });
    await again.untilHead();
    expect(ids(again.rows)).toEqual(range(1));
  });
});

describe('a table that changes inside a streamed transaction', () => {
  test('changes for the rows behind it, in a batch that begins with the change and names the transaction', async () => {
    await using shopped = await shop();
    const { database, from } = shopped;
    await database.sql(`INSERT INTO items VALUES (-1)`);
    await database.sql(`BEGIN; ${large(1)}; ALTER TABLE items ADD COLUMN more int DEFAULT 7;
      INSERT INTO items SELECT i, repeat('y', 90), i FROM generate_series(4001, 7000) AS i;
      SAVEPOINT a; ALTER TABLE items ADD COLUMN lost int; UPDATE items SET lost = 1; ROLLBACK TO a;
      UPDATE items SET more = 8 WHERE id > 6990; COMMIT`);
    await database.sql(`INSERT INTO items VALUES (-2)`);
    const readings = [];
    for (const protocol of [streaming, whole]) {
      await using reading = await StreamReading.open(database, from, { protocol });
      await reading.untilHead();
      expect(reading.host.learned).toEqual(['items(id, label)', 'items(id, label, more)']);
      const changed = reading.seen.findIndex(({ schemaChanges }) => schemaChanges.length > 0);
      const batch = reading.seen[changed]!;
      expect(reading.seen[changed - 1]!.checkpoint).toBeNull();
      expect(batch.schemaChanges.map(({ change, table }) => [change, table.columns.length])).toEqual([['key', 3]]);
      expect(batch.commits[0]!.position).toBe(batch.rows[0]!.position);
      expect(batch.rows[0]).toMatchObject({ ordinal: 3001, after: ['4001', 'y'.repeat(90), '4001'] });
      readings.push(reading.rows);
    }
    expect(readings[0]).toEqual(readings[1]);
    expect(ids(readings[0]!)).toEqual([-1, ...range(1), ...range(4001), ...range(6991, 10), -2]);
  });
});

describe('prepared transactions', () => {
  // Each starts a server of its own.
  const patient = { timeout: 90_000 };

  test('come when they are committed, whatever was confirmed since their PREPARE, or never (invariant 1)', patient, async () => {
    await using own = await temporaryPostgres({ max_prepared_transactions: '5' });
    await using shopped = await shop(own.url);
    const { database, from } = shopped;
    let boundary: bigint;
    {
      await using reading = await StreamReading.open(database, from, { protocol: streaming });
      const others = reading.until(({ rows }) => ids([...rows]).includes(-1));
      await database.sql(`BEGIN; ${large(1)}; PREPARE TRANSACTION 'large'`);
      await database.sql(`BEGIN; ${large(10_001)}; PREPARE TRANSACTION 'lost'`);
      await database.sql(`BEGIN; INSERT INTO items VALUES (-5); PREPARE TRANSACTION 'small'`);
      await untilStreamed(reading, 2);
      await database.sql('INSERT INTO items VALUES (-1)');
      await others;
      expect(ids(reading.rows)).toEqual([-1]);
      const committed = reading.until(({ rows }) => ids([...rows]).includes(-5));
      await database.sql(`ROLLBACK PREPARED 'lost'`);
      await untilStreamed(reading, 1);
      await database.sql(`COMMIT PREPARED 'small'`);
      await committed;
      boundary = reading.boundary;
      reading.stream.confirm(boundary);
    }
    await using rest = await StreamReading.open(database, boundary, { protocol: streaming });
    const done = rest.until(({ rows }) => ids([...rows]).includes(3000));
    await database.sql('INSERT INTO items VALUES (-2)');
    await database.sql(`COMMIT PREPARED 'large'`);
    await done;
    expect(ids(rest.rows)).toEqual([-2, ...range(1)]);
  });

  test('of a slot with two_phase would come early and never again: refused', patient, async () => {
    await using own = await temporaryPostgres({ max_prepared_transactions: '5' });
    await using shopped = await shop(own.url);
    const { database } = shopped;
    await database.sql(`SELECT pg_drop_replication_slot('${database.slot}')`);
    await database.sql(`SELECT pg_create_logical_replication_slot('${database.slot}', 'pgoutput', false, true)`);
    await database.sql(`BEGIN; INSERT INTO items VALUES (1); PREPARE TRANSACTION 'one'`);
    // PostgreSQL 14 has no such messages: there the option makes no difference.
    const refused = own.version >= 15 ? 'WEIR_PGOUTPUT_UNSUPPORTED' : null;
    await using reading = await StreamReading.open(database, shopped.from, { protocol: newestProtocol(own.version * 10_000) });
    const outcome = await reading.untilHead().then(
      () => null,
      (error: unknown) => (error as WeirError).code,
    );
    expect(outcome).toBe(refused);
    expect(reading.rows).toEqual([]);
    await database.sql(`ROLLBACK PREPARED 'one'`);
  });
});
