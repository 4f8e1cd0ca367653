import type { Checkpoint } from '@weir/sdk';
import { Reading } from '@weir/testkit';
import { describe, expect, test } from 'vitest';
import { CuttingRelay } from './testing/cutting-relay.ts';
import { copiedCheckpoint } from './testing/open-source.ts';
import { TestDatabase } from './testing/test-database.ts';
import { useTestServer } from './testing/test-server.ts';

const server = useTestServer();
const { signal } = new AbortController();
const config = { on_lost_position: 'resnapshot', without_key: 'insert_only' };
/** More than a start has. */
const MOST_STATEMENTS = 200;
/** Most statements only look. Where nothing else is left than by the one before, so many starts are gone on from. */
const SAMPLE = 5;

/** One table in each of the two publications. */
async function shop(): Promise<TestDatabase> {
  const database = await TestDatabase.create(server.url);
  await database.sql(`CREATE TABLE orders (id int PRIMARY KEY); INSERT INTO orders VALUES (1), (2);
    CREATE TABLE log (line int); INSERT INTO log VALUES (3)`);
  return database;
}

/** Opens from `from`, and is killed when the server has carried out so many statements. False when there were fewer. */
async function killedAt(database: TestDatabase, from: Checkpoint | null, statements: number): Promise<boolean> {
  await using relay = await CuttingRelay.listen(Number(new URL(server.url).port), statements);
  const opened = await database
    .source(config, relay.through(database.url))
    .open(from, signal)
    .catch(() => null);
  await opened?.[Symbol.asyncDispose]();
  const wasCut = relay.isCut;
  // Until the server has noticed it could still be at work.
  await database.disconnect();
  return wasCut;
}

/** The next start finds its way, and gives everything once. */
async function expectWhole(database: TestDatabase, from: Checkpoint | null): Promise<void> {
  await using reading = await Reading.open(database.source(config), from);
  await reading.untilHead();
  expect(reading.rows.map(({ after }) => String(after![0])).toSorted()).toEqual(['1', '2', '3']);
}

/** Nothing is left at the server that the pipeline does not know by its own name. Returns what is. */
async function knownTraces(database: TestDatabase, at: string): Promise<string> {
  const names = [`slot ${database.slot}`, `publication ${database.slot}`, `publication ${database.slot}_inserts`];
  const traces = await database.traces();
  for (const trace of traces) expect(names, at).toContain(trace);
  return traces.join();
}

describe('a start that is killed behind any of its statements', { timeout: 180_000 }, () => {
  test('without a checkpoint: the next one uses what is there, and reset finds all of it', async () => {
    await using database = await shop();
    let [statements, left] = [1, ''];
    for (; await killedAt(database, null, statements); statements++) {
      const traces = await knownTraces(database, `behind statement ${statements}`);
      if (traces !== left || statements % SAMPLE === 0) await expectWhole(database, null);
      left = traces;
      await database.source(config).reset(signal);
      expect(await database.traces(), `behind statement ${statements}`).toEqual([]);
    }
    expect(statements).toBeGreaterThan(20);
    expect(statements).toBeLessThan(MOST_STATEMENTS);
  });

  test('that begins anew: the next one begins anew as well, or knows that it has', async () => {
    await using database = await shop();
    const from = await copiedCheckpoint(database.source(config));
    let statements = 1;
    const lose = async (): Promise<void> =>
      void (await database.sql('SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = $1', [
        database.slot,
      ]));
    await lose();
    let left = '';
    for (; await killedAt(database, from, statements); statements++) {
      const traces = await knownTraces(database, `behind statement ${statements}`);
      if (traces !== left || statements % SAMPLE === 0) await expectWhole(database, from);
      left = traces;
      await lose();
    }
    expect(statements).toBeGreaterThan(20);
    expect(statements).toBeLessThan(MOST_STATEMENTS);
  });
});
