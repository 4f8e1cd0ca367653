// Only with the oldest and the newest server: it takes long.
import { parseLsn } from '@weir/pgoutput';
import { toWeirError, type Checkpoint } from '@weir/sdk';
import { EmbeddedPostgres, temporaryPostgres, type TemporaryPostgres } from '@weir/services';
import { Reading } from '@weir/testkit';
import pg from 'pg';
import { describe, expect, test } from 'vitest';
import { boundaryPosition } from './position.ts';
import { copiedCheckpoint, errorsOf, refusal } from './testing/open-source.ts';
import { standbyOf, standbySettings } from './testing/standby.ts';
import { TestDatabase, databaseUrl } from './testing/test-database.ts';

const ids = (reading: Reading): string[] => reading.rows.map(({ after }) => String(after![0]));

async function ask(url: string, sql: string, values: unknown[] = []): Promise<unknown> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<unknown[]>({ text: sql, values, rowMode: 'array' });
    return rows[0]?.[0];
  } finally {
    await client.end();
  }
}

/** A primary with a standby, and a pipeline that has copied its table from the primary. */
interface Pair extends AsyncDisposable {
  readonly primary: TemporaryPostgres;
  readonly standby: TemporaryPostgres;
  readonly database: TestDatabase;
  /** Where its sink is. */
  from: Checkpoint;
  /** The URL of the database at the standby. */
  readonly standbyUrl: string;
}

async function pair(config: object): Promise<Pair> {
  const primary = await temporaryPostgres();
  const database = await TestDatabase.create(primary.url);
  await database.sql('CREATE TABLE orders (id int PRIMARY KEY); INSERT INTO orders VALUES (1), (2)');
  const standby = await standbyOf(primary);
  const from = await copiedCheckpoint(database.source(config));
  return {
    primary,
    standby,
    database,
    from,
    standbyUrl: databaseUrl(standby.url, database.name),
    async [Symbol.asyncDispose]() {
      await standby[Symbol.asyncDispose]();
      await primary[Symbol.asyncDispose]();
    },
  };
}

/** Resolves when the standby has replayed everything that the primary has written. */
async function replayed({ primary, standby }: Pair, standbyUrl: string = standby.url): Promise<void> {
  const end = await ask(primary.url, 'SELECT pg_current_wal_flush_lsn()::text');
  const sql = 'SELECT pg_last_wal_replay_lsn() >= $1::pg_lsn';
  const reached = async (): Promise<unknown> => await ask(standbyUrl, sql, [end]);
  await expect.poll(reached).toBe(true);
}

/** Lets the slot move on: a standby takes only one that needs nothing from before its own beginning. */
async function goOn(both: Pair, lsn: bigint): Promise<void> {
  await using reading = await Reading.open(both.database.source({ failover: true }), both.from);
  // Not the head: to ask for it is a transaction, which the standby would be ahead by.
  reading.session.finishAt(boundaryPosition(0, lsn));
  await reading.untilEnd();
  both.from = reading.checkpoint;
  await reading.session.confirm(both.from);
}

/** Has the standby copy the failover slots. */
async function synchronise(both: Pair): Promise<void> {
  const sql = 'SELECT synced AND NOT temporary FROM pg_replication_slots WHERE slot_name = $1';
  const synced = async (): Promise<unknown> => {
    const lsn = await ask(both.primary.url, 'SELECT pg_log_standby_snapshot()::text');
    await goOn(both, parseLsn(String(lsn)));
    await replayed(both);
    await ask(both.standby.url, 'SELECT pg_sync_replication_slots()');
    return await ask(both.standby.url, sql, [both.database.slot]);
  };
  await expect.poll(synced).toBe(true);
}

async function promote(both: Pair, url: string = both.standby.url): Promise<void> {
  await both.primary.stop('immediate');
  expect(await ask(url, 'SELECT pg_promote(true, 60)')).toBe(true);
}

describe('a promoted standby (invariant 6)', { timeout: 120_000 }, () => {
  test('with a failover slot: the pipeline goes on there, without a copy and without a gap', async () => {
    await using both = await pair({});
    const { primary, database, standbyUrl } = both;
    const errors = await errorsOf(database.source({ failover: true }));
    const isOlder = primary.version < 17;
    expect(errors).toMatchObject(isOlder ? [{ code: 'WEIR_PG_FAILOVER', path: 'failover' }] : []);
    if (isOlder) return;
    // The slot was made without; the option gives it to one that is there.
    const source = database.source({ failover: true });
    await (await source.open(both.from, new AbortController().signal))[Symbol.asyncDispose]();
    const failover = 'SELECT failover FROM pg_replication_slots WHERE slot_name = $1';
    expect(await ask(primary.url, failover, [database.slot])).toBe(true);
    await synchronise(both);
    const { from } = both;
    await database.sql('INSERT INTO orders VALUES (3)');
    await replayed(both);
    expect(await refusal(database.source({ failover: true }, standbyUrl), from)).toBe('WEIR_PG_STANDBY');
    await promote(both);
    await ask(standbyUrl, 'INSERT INTO orders VALUES (4)');
    const there = database.source({ failover: true }, standbyUrl);
    let checkpoint: Checkpoint;
    {
      await using reading = await Reading.open(there, from);
      await reading.untilHead();
      expect([reading.copied, ids(reading)]).toEqual([[], ['3', '4']]);
      checkpoint = reading.checkpoint;
      await reading.session.confirm(checkpoint);
    }
    expect(checkpoint.state).toMatchObject({ timeline: 2 });
    await ask(standbyUrl, 'INSERT INTO orders VALUES (5)');
    await using reading = await Reading.open(there, checkpoint);
    await reading.untilHead();
    expect(ids(reading)).toEqual(['5']);
  });

  test('that lacks what a sink has is refused: the checkpoint is beyond the place where its timeline began', async () => {
    await using both = await pair({});
    const { primary, standby, database } = both;
    const isNew = primary.version >= 17;
    const source = database.source({ failover: isNew });
    await (await source.open(both.from, new AbortController().signal))[Symbol.asyncDispose]();
    if (isNew) await synchronise(both);
    const { from } = both;
    await replayed(both);
    await standby.stop('fast');
    // The standby never hears of this row, and the sink has it.
    await database.sql('INSERT INTO orders VALUES (3)');
    let checkpoint: Checkpoint;
    {
      await using reading = await Reading.open(source, from);
      await reading.untilStreamed(1);
      checkpoint = reading.checkpoint;
    }
    await primary.stop('immediate');
    await using again = await EmbeddedPostgres.start({ directory: standby.directory, settings: {} });
    await promote(both, again.url);
    const url = databaseUrl(again.url, database.name);
    // Longer than the log of before, so that only its history tells.
    await ask(url, "SELECT pg_logical_emit_message(true, 'x', repeat('x', 100000))");
    expect(await refusal(database.source({}, url), checkpoint)).toBe('WEIR_PG_TIMELINE_CHANGED');
    const older = isNew ? 'goes on' : 'WEIR_PG_SLOT_LOST';
    const beforeIt = await refusalOrNull(database, url, from);
    expect(beforeIt ?? 'goes on').toBe(older);
    const another = await refusal(database.source({}, url), from, checkpoint.position);
    expect(another, 'another sink has it').toBe('WEIR_PG_TIMELINE_CHANGED');
    await using reading = await Reading.open(database.source({ on_lost_position: 'resnapshot' }, url), checkpoint);
    await reading.untilHead();
    expect(ids(reading)).toEqual(['1', '2']);
  });

  test('has what is copied: no chunk is given before the standbys have it that the slot waits for', async () => {
    await using both = await pair({});
    const { primary, standby, database } = both;
    // Before version 17 there are no failover slots.
    if (primary.version < 17) return;
    await ask(primary.url, "ALTER SYSTEM SET synchronized_standby_slots = 'standby'");
    await ask(primary.url, 'SELECT pg_reload_conf()');
    await replayed(both);
    await standby.stop('fast');
    const names = { slot: 'weir_other', publication: 'weir_other' };
    await using reading = await Reading.open(database.source({ failover: true, ...names }), null);
    await reading.next();
    const copied = reading.until(({ chunk }) => chunk !== null);
    const early = await Promise.race([copied, new Promise((resolve) => setTimeout(resolve, 2_500))]);
    expect(early).toBeUndefined();
    await using _ = await EmbeddedPostgres.start({ directory: standby.directory, settings: standbySettings(primary) });
    expect((await copied).rows).toHaveLength(2);
  });

  test('without the slot is refused', async () => {
    await using both = await pair({});
    await replayed(both);
    await promote(both);
    expect(await refusal(both.database.source({}, both.standbyUrl), both.from)).toBe('WEIR_PG_SLOT_LOST');
  });
});

async function refusalOrNull(database: TestDatabase, url: string, from: Checkpoint): Promise<string | null> {
  return await database
    .source({}, url)
    .open(from, new AbortController().signal)
    .then(async (session) => {
      await session[Symbol.asyncDispose]();
      return null;
    })
    .catch((error: unknown) => toWeirError(error).code);
}
