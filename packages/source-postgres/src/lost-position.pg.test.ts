// Only with the oldest and the newest server: it takes long.
import type { Checkpoint, Logger } from '@weir/sdk';
import { temporaryPostgres } from '@weir/services';
import { Reading, failure, foldItems, scanTable } from '@weir/testkit';
import { describe, expect, test } from 'vitest';
import { boundaryPosition, nextEpoch, positionEpoch, positionLsn } from './position.ts';
import { discontinuities } from './testing/discontinuities.ts';
import { mirroredItems } from './testing/mirrored-items.ts';
import { copiedCheckpoint, refusal } from './testing/open-source.ts';
import { PostgresEnvironment } from './testing/postgres-environment.ts';
import { TestDatabase, databaseUrl } from './testing/test-database.ts';
import { useTestServer } from './testing/test-server.ts';

const server = useTestServer();
const { signal } = new AbortController();
const resnapshot = { on_lost_position: 'resnapshot' };

async function shop(): Promise<TestDatabase> {
  const database = await TestDatabase.create(server.url);
  await database.sql('CREATE TABLE orders (id int PRIMARY KEY); INSERT INTO orders VALUES (1), (2)');
  return database;
}

async function dropSlot(database: TestDatabase): Promise<void> {
  await database.sql('SELECT pg_drop_replication_slot($1)', [database.slot]);
}

const ids = (reading: Reading): string[] => reading.rows.map(({ after }) => String(after![0]));

/** The codes of the warnings that are logged. */
function warnings(): { log: Logger; codes: string[] } {
  const codes: string[] = [];
  const warn = (fields: object): void => void codes.push(String((fields as { code?: string }).code));
  return { log: { debug() {}, info() {}, warn, error() {} }, codes };
}

const stopped = discontinuities.filter(({ when }) => when === 'stopped');
const isNever = ({ code }: { code: string }): boolean => ['WEIR_PG_CHECKPOINT', 'WEIR_PG_DATABASE_CHANGED'].includes(code);
const patterns = { tables: ['public.*', '!public.other_*'] };

/** A copied table with a row that was deleted since, and then what cuts the checkpoint off. */
async function cutOff(environment: PostgresEnvironment, discontinuity: (typeof stopped)[number]): Promise<Checkpoint> {
  const { database } = environment;
  await database.sql("INSERT INTO items VALUES (1, 'a', NULL), (2, 'b', NULL)");
  const before = await copiedCheckpoint(database.source(patterns));
  await database.sql('DELETE FROM items WHERE id = 1');
  return (await discontinuity.cause(environment, before)) ?? before;
}

describe('with on_lost_position: resnapshot (invariant 6)', () => {
  test.each(stopped.filter(isNever))('$name: refused all the same', async (discontinuity) => {
    await using environment = await PostgresEnvironment.start(server);
    const from = await cutOff(environment, discontinuity);
    expect(await refusal(environment.database.source({ ...patterns, ...resnapshot }), from)).toBe(discontinuity.code);
  });

  for (const discontinuity of stopped.filter((each) => !isNever(each))) {
    const { name, code } = discontinuity;
    test(`${name}: everything is copied again, and said so`, async () => {
      await using environment = await PostgresEnvironment.start(server);
      const { database } = environment;
      const from = await cutOff(environment, discontinuity);
      const { log, codes } = warnings();
      const source = database.source({ ...patterns, ...resnapshot }, database.url, log);
      await using reading = await Reading.open(source, from);
      expect(codes).toEqual([code]);
      expect(reading.session.status().begunAnew).toMatchObject({ code });
      await reading.untilCopied();
      await database.sql("INSERT INTO items VALUES (3, 'c', NULL)");
      await reading.untilHead();
      const here = (await database.sql('SELECT id FROM items ORDER BY id')).map(({ id }) => String(id));
      expect(ids(reading).toSorted((a, b) => Number(a) - Number(b))).toEqual(here);
      const changes = reading.seen.flatMap(({ schemaChanges }) => schemaChanges);
      expect(changes).toMatchObject([{ change: 'create', reason: 'again' }]);
      expect(positionEpoch(reading.checkpoint.position)).toBe(1);
      await reading.session.confirm(reading.checkpoint);
      await reading[Symbol.asyncDispose]();

      await database.sql("INSERT INTO items VALUES (4, 'd', NULL)");
      await using next = await Reading.open(source, reading.checkpoint);
      await next.untilHead();
      expect([next.copied, ids(next)]).toEqual([[], ['4']]);
      expect(next.session.status().begunAnew, 'it stays known').toMatchObject({ code });
    });
  }

  test.each(stopped.filter((each) => !isNever(each)))(
    'repair, and $name: rows are read over those that the sinks have, and what was deleted goes',
    async (discontinuity) => {
      await using environment = await PostgresEnvironment.start(server);
      const { database } = environment;
      await database.sql("INSERT INTO items VALUES (1, 'a', NULL), (2, 'b', NULL)");
      const before = await Reading.open(database.source(patterns), null);
      await before.untilCopied();
      await before[Symbol.asyncDispose]();
      await database.sql("DELETE FROM items WHERE id = 1; UPDATE items SET label = 'changed' WHERE id = 2");
      const from = (await discontinuity.cause(environment, before.checkpoint)) ?? before.checkpoint;
      await database.sql("INSERT INTO items VALUES (7, 'in the gap', repeat('x', 5000))");
      const source = database.source({ ...patterns, on_lost_position: 'repair' });
      await using reading = await Reading.open(source, from);
      await database.sql("UPDATE items SET label = 'later' WHERE id = 7; INSERT INTO items VALUES (8, 'new', NULL)");
      await reading.untilHead();
      const seen = [...before.seen, ...reading.seen];
      expect(mirroredItems(seen)).toEqual(foldItems(await scanTable(source, 'items')));
      const created = reading.seen.flatMap(({ schemaChanges }) => schemaChanges.filter(({ change }) => change === 'create'));
      expect(created, 'no table starts over').toEqual([]);
      expect(reading.seen.flatMap(({ chunk }) => chunk?.compare ?? []), 'sinks may leave what they have').toContain(true);
      expect(positionEpoch(reading.checkpoint.position)).toBe(1);
    },
  );

  test('a position that is fine goes on, and nothing is said', async () => {
    await using database = await shop();
    const from = await copiedCheckpoint(database.source());
    await database.sql('INSERT INTO orders VALUES (3)');
    const { log, codes } = warnings();
    await using reading = await Reading.open(database.source(resnapshot, database.url, log), from);
    await reading.untilHead();
    expect([ids(reading), codes, reading.session.status().begunAnew]).toEqual([['3'], [], null]);
  });

  test.each([
    ['of another plugin', "SELECT pg_create_logical_replication_slot($1, 'test_decoding')", 'WEIR_PG_SLOT_FOREIGN'],
    ['physical', 'SELECT pg_create_physical_replication_slot($1)', 'WEIR_PG_SLOT_FOREIGN'],
    ['with two_phase', "SELECT pg_create_logical_replication_slot($1, 'pgoutput', false, true)", 'WEIR_PG_SLOT_FOREIGN'],
  ])('a slot %s is somebody else’s, and is never dropped', async (_, sql, code) => {
    await using database = await shop();
    const from = await copiedCheckpoint(database.source());
    await dropSlot(database);
    await database.sql(sql, [database.slot]);
    expect(await refusal(database.source(resnapshot), from)).toBe(code);
    const found = 'SELECT count(*)::int FROM pg_replication_slots WHERE slot_name = $1';
    expect(await database.value(found, [database.slot])).toBe(1);
    await dropSlot(database);
  });

  test('a slot that somebody reads is in use, also when the position is lost for another reason', async () => {
    await using database = await shop();
    const from = await copiedCheckpoint(database.source());
    await using reading = await Reading.open(database.source(), from);
    const pending = reading.next();
    const active = async (): Promise<unknown> =>
      await database.value('SELECT active FROM pg_replication_slots WHERE slot_name = $1', [database.slot]);
    await expect.poll(active).toBe(true);
    expect(await refusal(database.source(resnapshot), from)).toBe('WEIR_PG_SLOT_IN_USE');
    const elsewhere = { ...from, state: { ...(from.state as object), timeline: 7 } };
    expect(await refusal(database.source(resnapshot), elsewhere)).toBe('WEIR_PG_SLOT_IN_USE');
    await database.sql('INSERT INTO orders VALUES (3)');
    expect((await pending)?.rows).toHaveLength(1);
  });

  test('a table that went in the gap is dropped, one that came is new, the others come again', async () => {
    await using database = await shop();
    await database.sql('CREATE TABLE old (id int PRIMARY KEY); CREATE TABLE renamed (id int PRIMARY KEY)');
    const from = await copiedCheckpoint(database.source());
    await dropSlot(database);
    await database.sql('DROP TABLE old; ALTER TABLE renamed RENAME TO other; ALTER TABLE orders ADD note text');
    await using reading = await Reading.open(database.source(resnapshot), from);
    await reading.untilHead();
    const changes = reading.seen.flatMap(({ schemaChanges }) => schemaChanges);
    const reasonOf = (change: object): string => ('reason' in change ? ` ${String(change.reason)}` : '');
    const told = changes.map((change) => `${change.change} ${change.table.name}${reasonOf(change)}`);
    expect(told.toSorted((a, b) => (a < b ? -1 : 1))).toEqual([
      'create orders again',
      'create other new',
      'drop-table old',
      'drop-table renamed',
    ]);
  });

  test('another server under the same URL is copied from, with tables of other oids', { timeout: 60_000 }, async () => {
    await using database = await shop();
    const from = await copiedCheckpoint(database.source());
    await using temporary = await temporaryPostgres();
    await using other = await TestDatabase.create(temporary.url);
    await other.sql('CREATE TABLE first (id int PRIMARY KEY); CREATE TABLE orders (id int PRIMARY KEY)');
    await other.sql('INSERT INTO orders VALUES (9)');
    const url = databaseUrl(temporary.url, other.name);
    expect(await refusal(database.source({}, url), from)).toBe('WEIR_PG_SYSTEM_CHANGED');
    await using reading = await Reading.open(database.source(resnapshot, url), from);
    await reading.untilHead();
    expect(ids(reading)).toEqual(['9']);
    expect(reading.checkpoint.position > from.position).toBe(true);
  });

  test('the publication dropped under a stream is a failure that is tried again, and begins anew', async () => {
    await using database = await shop();
    const source = database.source(resnapshot);
    const from = await copiedCheckpoint(source);
    await using reading = await Reading.open(source, from);
    const pending = reading.untilFailure();
    await database.sql(`DROP PUBLICATION ${database.slot}; INSERT INTO orders VALUES (3)`);
    const error = await pending;
    expect(error).toMatchObject({ code: 'WEIR_PG_RESNAPSHOT', policy: { policy: 'retry' } });
    expect(error.message).toContain('WEIR_PG_PUBLICATION_MISSING');
    await reading[Symbol.asyncDispose]();
    await using again = await Reading.open(source, from);
    await again.untilHead();
    expect(ids(again)).toEqual(['1', '2', '3']);
  });

  test('an interrupted beginning is begun once more', async () => {
    await using database = await shop();
    const source = database.source(resnapshot);
    const from = await copiedCheckpoint(source);
    await dropSlot(database);
    // Its slot is made, and no sink knows of it.
    await (await source.open(from, signal))[Symbol.asyncDispose]();
    await database.sql('INSERT INTO orders VALUES (3)');
    await using reading = await Reading.open(source, from);
    await reading.untilHead();
    expect(ids(reading)).toEqual(['1', '2', '3']);
  });
});

describe('a sink that is in a later epoch than the checkpoint', () => {
  /** A checkpoint of before, which is still good, and where another sink began anew. */
  async function inBetween(database: TestDatabase): Promise<{ from: Checkpoint; reach: string }> {
    const from = await copiedCheckpoint(database.source());
    return { from, reach: boundaryPosition(1, positionLsn(from.position)) };
  }

  test('is no place to go on from: it would take all that follows for replays', async () => {
    await using database = await shop();
    const { from, reach } = await inBetween(database);
    const error = await failure(database.source().open(from, signal, reach));
    expect(error).toMatchObject({ code: 'WEIR_PG_EPOCH', policy: { exit: 4, policy: 'stop' } });
    expect(error.fix).toContain('on_lost_position: resnapshot');
  });

  test('is passed when the pipeline begins anew', async () => {
    await using database = await shop();
    const { from, reach } = await inBetween(database);
    await using reading = await Reading.open(database.source(resnapshot), from, reach);
    const first = await reading.next();
    expect(first, 'every sink has the epoch before anything of it').toMatchObject({ rows: [], schemaChanges: [] });
    expect(first!.checkpoint!.position > reach).toBe(true);
  });

  test('an epoch is as low as it can be: beyond the checkpoint’s, and beyond every sink’s position', () => {
    const at = (epoch: number, lsn: bigint): string => boundaryPosition(epoch, lsn);
    expect(nextEpoch(null, null, 5n)).toBe(0);
    expect(nextEpoch(null, at(3, 4n), 5n)).toBe(3);
    expect(nextEpoch(null, at(3, 5n), 5n)).toBe(4);
    expect(nextEpoch(at(0, 4n), at(0, 9n), 5n)).toBe(1);
    expect(nextEpoch(at(0, 4n), at(1, 4n), 5n)).toBe(1);
    expect(nextEpoch(at(0, 4n), at(1, 5n), 5n)).toBe(2);
  });
});
