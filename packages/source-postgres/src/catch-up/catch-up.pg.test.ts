import { setTimeout as sleep } from 'node:timers/promises';
import { parseLsn } from '@weir/pgoutput';
import { Wire, connect } from '@weir/postgres';
import { secret, silentLogger, systemClock, type Checkpoint, type Logger } from '@weir/sdk';
import { Reading, failure } from '@weir/testkit';
import { describe, expect, test } from 'vitest';
import { SharedConnection } from '../shared-connection.ts';
import { copyName } from '../slot.ts';
import { copiedCheckpoint } from '../testing/open-source.ts';
import { TestDatabase } from '../testing/test-database.ts';
import { useTestServer } from '../testing/test-server.ts';
import { CatchUpReader, type Ending } from './catch-up-reader.ts';
import { SlotCopy } from './slot-copy.ts';

const server = useTestServer();
const { signal } = new AbortController();
const MIB = 1 << 20;

async function shop(): Promise<TestDatabase> {
  const database = await TestDatabase.create(server.url);
  await database.sql('CREATE TABLE orders (id int PRIMARY KEY, note text)');
  return database;
}

/** Rows with about 1 MiB of log, committed. */
async function write(database: TestDatabase, first: number, rows = 1_000): Promise<void> {
  await database.sql("INSERT INTO orders SELECT i, repeat(md5(i::text), 25) FROM generate_series($1::int, $2::int) i", [
    first,
    first + rows - 1,
  ]);
}

const slotPlace = async (database: TestDatabase, slot = database.slot): Promise<bigint> =>
  parseLsn(String(await database.value('SELECT confirmed_flush_lsn FROM pg_replication_slots WHERE slot_name = $1', [slot])));

const positions = async (database: TestDatabase): Promise<string[]> =>
  (await database.sql('SELECT slot_name AS name FROM pg_replication_slots WHERE database = $1', [database.name])).map(({ name }) =>
    String(name),
  );

/** Notes what is logged. */
function logTo(lines: string[]): Logger {
  return { ...silentLogger, info: (_fields: object, message: string) => void lines.push(message) };
}

/** The ids that came, and whether they were read past the WAL sender. */
async function readToHead(database: TestDatabase, from: Checkpoint, options: object): Promise<{ ids: number[]; lines: string[] }> {
  const lines: string[] = [];
  await using reading = await Reading.open(database.source(options, database.url, logTo(lines)), from);
  await reading.untilHead();
  return { ids: reading.streamed.map(({ after }) => Number(after![0])), lines };
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);

/** What comes first of a slot's copy that stands at `from`, when not more than so much log may be read once more. */
async function firstPiece(database: TestDatabase, from: bigint, maxRepeated: number): Promise<Ending | 'rows'> {
  const config = { url: secret.parse(database.url) };
  const client = await connect(config, signal);
  const control = new SharedConnection(await connect(config, signal));
  const slot = await SlotCopy.make(client, control, database.slot, from);
  const first = Promise.withResolvers<Ending | 'rows'>();
  {
    await using reader = new CatchUpReader({
      wire: new Wire(client),
      slot,
      clock: systemClock,
      publications: [database.slot],
      version: 2,
      near: 0n,
      from: await slotPlace(database),
      maxRepeated: BigInt(maxRepeated),
      ended: first.resolve,
    });
    const [change, keepalive] = [() => {}, () => {}];
    reader.start(from, { arrived: () => first.resolve('rows'), failed: first.reject, change, keepalive });
    await first.promise;
  }
  await control.end();
  return await first.promise;
}

describe('a source that is far behind', () => {
  test('reads past the WAL sender until it is near the end, and streams from there', async () => {
    await using database = await shop();
    const from = await copiedCheckpoint(database.source());
    for (let first = 1; first <= 4_000; first += 1_000) await write(database, first);
    const lines: string[] = [];
    await using reading = await Reading.open(database.source({ catch_up_at: 2 * MIB }, database.url, logTo(lines)), from);
    await reading.untilStreamed(1);
    expect(reading.session.status()).toMatchObject({ phase: 'stream', isCatchingUp: true });
    await reading.untilStreamed(3_999 - reading.streamed.length + 1);
    await write(database, 4_001, 1);
    await reading.untilStreamed(1);
    expect(reading.session.status()).toMatchObject({ isCatchingUp: false });
    expect(reading.streamed.map(({ after }) => Number(after![0]))).toEqual(upTo(4_001));
    expect(lines).toEqual([
      expect.stringMatching(/^reading \d+ bytes of log past the WAL sender$/),
      'caught up: the WAL sender goes on',
    ]);
    expect(await positions(database)).toEqual([database.slot]);
  });

  test('streams where catch_up_at is null, or farther', async () => {
    await using database = await shop();
    const from = await copiedCheckpoint(database.source());
    await write(database, 1);
    for (const catch_up_at of [null, 64 * MIB]) {
      const { ids, lines } = await readToHead(database, from, { catch_up_at });
      expect([ids.length, lines]).toEqual([1_000, []]);
    }
  });

  test('falls behind while it streams, and reads past the WAL sender then', async () => {
    await using database = await shop();
    const from = await copiedCheckpoint(database.source());
    const lines: string[] = [];
    await using reading = await Reading.open(database.source({ catch_up_at: 8 * MIB }, database.url, logTo(lines)), from);
    await write(database, 1, 1);
    await reading.untilStreamed(1);
    // Nobody pulls: what waits is bounded, so the stream stays behind.
    for (let first = 2; first < 40_000; first += 4_000) await write(database, first, 4_000);
    await sleep(3_000);
    await reading.untilStreamed(40_000);
    expect(reading.streamed.map(({ after }) => Number(after![0]))).toEqual(upTo(40_001));
    expect(lines[0]).toMatch(/past the WAL sender/);
  });

  test('moves the slot when rows are durable, not when they are read (invariant 1)', async () => {
    await using database = await shop();
    const from = await copiedCheckpoint(database.source());
    await using reading = await Reading.open(database.source({ catch_up_at: 0 }), from);
    const before = await slotPlace(database);
    await write(database, 1);
    await reading.untilStreamed(1_000);
    await sleep(6_000);
    expect(await slotPlace(database)).toBe(before);
    expect(await slotPlace(database, copyName(database.slot))).toBeGreaterThan(before);
    await reading.session.confirm(reading.checkpoint);
    await expect.poll(async () => await slotPlace(database)).toBeGreaterThan(before);
  });

  test('moves it when it is closed, and leaves no copy of it', async () => {
    await using database = await shop();
    const from = await copiedCheckpoint(database.source());
    await write(database, 1);
    const before = await slotPlace(database);
    {
      await using reading = await Reading.open(database.source({ catch_up_at: 0 }), from);
      await reading.untilStreamed(1_000);
      await reading.session.confirm(reading.checkpoint);
    }
    expect(await slotPlace(database)).toBeGreaterThan(before);
    expect(await positions(database)).toEqual([database.slot]);
  });

  test('has the slot in use: another session is refused, and takes it when the first is gone', async () => {
    await using database = await shop();
    const from = await copiedCheckpoint(database.source());
    const source = database.source({ catch_up_at: 0 });
    await using reading = await Reading.open(source, from);
    await write(database, 1);
    await reading.untilStreamed(1);
    for (const checkpoint of [from, null]) {
      const error = await failure(Reading.open(source, checkpoint));
      expect(error).toMatchObject({ code: 'WEIR_PG_SLOT_IN_USE', policy: { policy: 'retry' } });
    }
    await database.disconnect();
    expect((await readToHead(database, from, { catch_up_at: 0 })).ids).toEqual(upTo(1_000));
  });

  test('notices a slot that somebody moves under it (invariant 6)', async () => {
    await using database = await shop();
    const from = await copiedCheckpoint(database.source());
    await using reading = await Reading.open(database.source({ catch_up_at: 0 }), from);
    await write(database, 1);
    await reading.untilStreamed(1_000);
    await database.sql('SELECT pg_replication_slot_advance($1, pg_current_wal_flush_lsn())', [database.slot]);
    expect((await reading.untilFailure()).code).toBe('WEIR_PG_SLOT_ADVANCED');
  });
});

describe('the WAL sender takes over', () => {
  test('where there is no room for a copy of the slot', async () => {
    await using database = await shop();
    const from = await copiedCheckpoint(database.source());
    await write(database, 1);
    const free = Number(
      await database.value(
        "SELECT current_setting('max_replication_slots')::int - count(*)::int AS free FROM pg_replication_slots",
      ),
    );
    const slots = upTo(free).map((index) => `${database.name}_${index}`);
    for (const slot of slots) await database.sql('SELECT pg_create_physical_replication_slot($1)', [slot]);
    try {
      const { ids, lines } = await readToHead(database, from, { catch_up_at: 0 });
      expect(ids).toEqual(upTo(1_000));
      expect(lines).toEqual([expect.stringMatching(/the WAL sender goes on .*all replication slots are in use/)]);
    } finally {
      for (const slot of slots) await database.sql('SELECT pg_drop_replication_slot($1)', [slot]);
    }
  });

  test('where there is no connection left for it', async () => {
    await using database = await shop();
    const { url, name } = await database.role('SUPERUSER');
    const from = await copiedCheckpoint(database.source());
    await write(database, 1);
    const other = await connect({ url: secret.parse(url) }, signal);
    // Superusers are not counted.
    await database.sql(`ALTER ROLE ${name} NOSUPERUSER REPLICATION CONNECTION LIMIT 2; GRANT SELECT ON ALL TABLES IN SCHEMA public TO ${name}`);
    const lines: string[] = [];
    await using reading = await Reading.open(database.source({ catch_up_at: 0 }, url, logTo(lines)), from);
    await reading.untilStreamed(1_000);
    expect(lines[0]).toMatch(/the WAL sender goes on .*too many connections/);
    await other.end();
  });

  test('where the server may not keep a piece', async () => {
    await using database = await shop();
    const { url, name } = await database.role('SUPERUSER');
    await database.sql(`ALTER ROLE ${name} SET temp_file_limit = '1MB'`);
    const from = await copiedCheckpoint(database.source());
    await database.sql("INSERT INTO orders SELECT i, repeat('x', 1000000) FROM generate_series(1, 100) i");
    const lines: string[] = [];
    await using reading = await Reading.open(database.source({ catch_up_at: 0 }, url, logTo(lines)), from);
    await reading.untilHead();
    expect(reading.streamed).toHaveLength(100);
    expect(lines.at(-1)).toMatch(/the WAL sender goes on .*temp_file_limit/);
  });

  test('where a transaction has been open for so much log that pieces would repeat most of it', async () => {
    await using database = await shop();
    await copiedCheckpoint(database.source());
    const other = await database.connect();
    await other.query('BEGIN; SELECT pg_current_xact_id()');
    await write(database, 1, 20_000);
    const from = parseLsn(String(await database.value('SELECT pg_current_wal_flush_lsn()')));
    await write(database, 20_001);
    const why = expect.stringMatching(/^a transaction is open since \d{8} bytes of log$/) as unknown;
    expect(await firstPiece(database, from, 10 * MIB)).toMatchObject({ why });
    expect(await firstPiece(database, from, 100 * MIB)).toBe('rows');
    await other.end();
  });

  test('where standbys have to have rows first: a copy of the slot would not wait for them', async () => {
    const { version } = server;
    // Before there are no failover slots.
    if (version < 17) return;
    await using database = await shop();
    const from = await copiedCheckpoint(database.source({ failover: true }));
    await write(database, 1);
    await database.sql("ALTER SYSTEM SET synchronized_standby_slots = 'none_such'");
    await database.sql('SELECT pg_reload_conf()');
    try {
      const lines: string[] = [];
      await using reading = await Reading.open(database.source({ failover: true, catch_up_at: 0 }, database.url, logTo(lines)), from);
      const pending = reading.next().catch(() => null);
      const isRead = 'SELECT active FROM pg_replication_slots WHERE slot_name = $1';
      await expect.poll(async () => await database.value(isRead, [database.slot])).toBe(true);
      expect(reading.session.status().isCatchingUp).toBe(false);
      await reading[Symbol.asyncDispose]();
      await pending;
      expect(lines).toEqual([]);
    } finally {
      await database.sql('ALTER SYSTEM RESET synchronized_standby_slots');
      await database.sql('SELECT pg_reload_conf()');
    }
  });
});
