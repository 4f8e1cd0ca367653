import { Op } from '@weir/sdk';
import { Reading } from '@weir/testkit';
import { expect, test } from 'vitest';
import { newestProtocol, type StreamProtocol } from './stream-protocol.ts';
import { interleavedTables, interleavedWrites } from '../testing/interleaved-writers.ts';
import { copiedCheckpoint } from '../testing/open-source.ts';
import { StreamReading, publishAll } from '../testing/stream-reading.ts';
import { TestDatabase } from '../testing/test-database.ts';
import { useTestServer } from '../testing/test-server.ts';

const server = useTestServer();

/** What this server speaks. */
const protocols = (): StreamProtocol[] => {
  const { version: newest } = newestProtocol(server.version * 10_000);
  const versions = ([1, 2, 3, 4] as const).filter((version) => version <= (server.version === 15 ? 3 : newest));
  return versions.flatMap((version) => [false, true].map((streaming) => ({ version, streaming: streaming && version > 1 })));
};

/** How often the server has sent something of a transaction before its end. */
const blocks = async (database: TestDatabase): Promise<number> =>
  Number(await database.value('SELECT stream_count FROM pg_stat_replication_slots WHERE slot_name = $1', [database.slot]));

test('every version of the protocol, streaming or not, gives the same rows in the same places (invariant 2)', async () => {
  await using database = await TestDatabase.create(server.url);
  await database.sql(interleavedTables);
  const from = await publishAll(database);
  await using live = await StreamReading.open(database, from, { protocol: newestProtocol(server.version * 10_000) });
  const reading = live.until(({ rows }) => rows.some(({ position, after }) => position !== '' && after?.[0] === 'end'));
  await interleavedWrites(database);
  await database.sql(`SELECT pg_logical_emit_message(true, 'end', '')`);
  await reading;
  await live[Symbol.asyncDispose]();
  await expect.poll(async () => await blocks(database)).toBeGreaterThan(10);

  const wanted = live.rows;
  expect(wanted.filter(({ op }) => op === Op.insert).length).toBe(1200 + 700 + 1200 + 3 + 800 + 1500);
  expect(wanted.filter(({ op }) => op === Op.delete).length).toBe(600 + 2);
  expect(wanted.filter(({ op }) => op === Op.update).length).toBe(700);
  expect(wanted.filter(({ op }) => op === Op.truncate).length).toBe(1);
  expect(wanted.some(({ after }) => after?.[1] === 'taken back')).toBe(false);
  const all = protocols();
  expect(all.length).toBeGreaterThanOrEqual(4);
  for (const protocol of all) {
    await using again = await StreamReading.open(database, from, { protocol });
    await again.until(({ rows }) => rows.some(({ after }) => after?.[0] === 'end'));
    expect(again.rows, JSON.stringify(protocol)).toEqual(wanted);
    // A transaction's rows stand together and are numbered from 1.
    expectNumbered(again.rows);
  }
});

function expectNumbered(rows: StreamReading['rows']): void {
  let [position, ordinal] = ['', 0];
  for (const row of rows) {
    ordinal = row.position === position ? ordinal + 1 : 1;
    expect(row.ordinal).toBe(ordinal);
    expect(row.position >= position).toBe(true);
    position = row.position;
  }
}

test('a logical message of a savepoint that was taken back does not arrive, though the server streams it', async () => {
  await using database = await TestDatabase.create(server.url);
  await database.sql(interleavedTables);
  const from = await publishAll(database);
  const message = (text: string): string => `SELECT pg_logical_emit_message(true, '${text}', '')`;
  const large = (first: number): string =>
    `INSERT INTO items SELECT i, repeat('x', 90) FROM generate_series(${first}, ${first + 999}) AS i`;
  await database.sql(`INSERT INTO items VALUES (-1, 'before')`);
  await database.sql(`BEGIN; ${large(1)}; ${message('kept')}; SAVEPOINT a; ${message('lost')}; ${large(2001)}; ROLLBACK TO a;
                      ${message('later')}; ${large(5001)}; COMMIT`);
  await database.sql(`INSERT INTO items VALUES (-2, 'behind')`);
  const readings = [];
  for (const streaming of [true, false]) {
    await using reading = await StreamReading.open(database, from, { protocol: { version: 2, streaming } });
    await reading.until(({ rows }) => rows.some(({ after }) => after?.[1] === 'behind'));
    readings.push(reading.rows);
  }
  expect(readings[0]).toEqual(readings[1]);
  const [rows] = readings;
  expect(rows!.filter(({ op }) => op === Op.message).map(({ after }) => after![0])).toEqual(['kept', 'later']);
  expect(rows!.length).toBe(2 + 2000 + 2);
});

test('rows from another server, under a replication origin, and a type of somebody’s own', async () => {
  await using database = await TestDatabase.create(server.url);
  await database.sql(interleavedTables);
  const from = await publishAll(database);
  const origin = `${database.name}_origin`;
  const writer = await database.connect();
  await writer.query(`SELECT pg_replication_origin_create('${origin}'), pg_replication_origin_session_setup('${origin}')`);
  for (const count of [2, 2000]) {
    await writer.query(`BEGIN; SELECT pg_replication_origin_xact_setup('0/ABCD', now());
                        INSERT INTO moods SELECT i, 'bad' FROM generate_series(${count + 1}, ${2 * count}) AS i; COMMIT`);
  }
  await writer.query(`SELECT pg_replication_origin_session_reset(), pg_replication_origin_drop('${origin}')`);
  await writer.end();
  await using reading = await StreamReading.open(database, from, { protocol: newestProtocol(server.version * 10_000) });
  await reading.untilHead();
  expect(reading.rows.filter(({ table }) => table === 'public.moods').map(({ after }) => after![1])).toEqual(
    Array(2002).fill('bad'),
  );
});

test('through the source: an altered table, a rolled back savepoint and a doubtful message in streamed transactions', async () => {
  await using database = await TestDatabase.create(server.url);
  await database.sql(interleavedTables);
  await database.sql(`ALTER DATABASE ${database.name} SET logical_decoding_work_mem = '64kB'`);
  const checkpoint = await copiedCheckpoint(database.source());
  const large = (first: number): string =>
    `INSERT INTO items SELECT i, repeat('x', 90) FROM generate_series(${first}, ${first + 999}) AS i`;
  const message = `SELECT pg_logical_emit_message(true, 'm', '')`;
  await database.sql(`BEGIN; ${large(1)}; ALTER TABLE items ADD COLUMN more int DEFAULT 7; ${large(1001)};
                      SAVEPOINT a; ${large(2001)}; ROLLBACK TO a; COMMIT`);
  await database.sql(`BEGIN; ${large(3001)}; SAVEPOINT a; ${message}; ${large(4001)}; ROLLBACK TO a; ${large(5001)}; COMMIT`);
  await database.sql(`INSERT INTO items VALUES (-1, 'last')`);
  await using reading = await Reading.open(database.source(), checkpoint);
  await reading.untilHead();
  const ids = reading.streamed.map(({ after }) => Number(after![0]));
  const range = (first: number): number[] => Array.from({ length: 1000 }, (_, i) => first + i);
  expect(ids).toEqual([1, 1001, 3001, 5001].flatMap(range).concat(-1));
  expect(reading.streamed.slice(0, 2000).map(({ ordinal }) => ordinal)).toEqual([1, 1001].flatMap(range));
  const changed = reading.seen.filter(({ schemaChanges }) => schemaChanges.length > 0);
  expect(changed.flatMap(({ schemaChanges }) => schemaChanges)).toMatchObject([{ change: 'add', column: 'more', value: Buffer.from('7') }]);
  expect(changed[0]!.rows[0]).toMatchObject({ ordinal: 1001, after: ['1001', 'x'.repeat(90), '7'] });
});
