import { Reading, failure } from '@weir/testkit';
import { describe, expect, test } from 'vitest';
import { copiedCheckpoint, refusal } from './testing/open-source.ts';
import { TestDatabase } from './testing/test-database.ts';
import { useTestServer } from './testing/test-server.ts';

const server = useTestServer();
const { signal } = new AbortController();

async function shop(): Promise<TestDatabase> {
  const database = await TestDatabase.create(server.url);
  await database.sql('CREATE TABLE orders (id int PRIMARY KEY); INSERT INTO orders VALUES (1); CREATE TABLE log (line text)');
  return database;
}

describe('reset', () => {
  test('drops slot and publications of the pipeline, and says so; after it a start from nothing works', async () => {
    await using database = await shop();
    const source = database.source({ without_key: 'insert_only' });
    const from = await copiedCheckpoint(source);
    const { slot } = database;
    expect((await source.reset(signal)).toSorted()).toEqual([
      `dropped publication ${slot}`,
      `dropped publication ${slot}_inserts`,
      `dropped replication slot ${slot}`,
    ]);
    expect(await database.traces()).toEqual([]);
    await expect.poll(async () => await database.connections()).toBe(0);
    const nothing = [`there was no replication slot ${slot}`, `there was no publication ${slot}`];
    expect(await source.reset(signal)).toEqual(nothing);
    expect(await refusal(source, from)).toBe('WEIR_PG_SLOT_LOST');
    await using reading = await Reading.open(source, null);
    await reading.untilHead();
    expect(reading.copied).toHaveLength(1);
  });

  test('is refused while the slot is read, and changes nothing', async () => {
    await using database = await shop();
    const source = database.source({ tables: ['public.orders'] });
    await using reading = await Reading.open(source, null);
    await reading.untilCopied();
    const pending = reading.next();
    const active = 'SELECT active FROM pg_replication_slots WHERE slot_name = $1';
    await expect.poll(async () => await database.value(active, [database.slot])).toBe(true);
    expect(await failure(source.reset(signal))).toMatchObject({ code: 'WEIR_PG_SLOT_IN_USE', path: 'slot' });
    expect(await database.traces()).toHaveLength(2);
    await database.sql('INSERT INTO orders VALUES (2)');
    await pending;
  });

  test('leaves what is somebody else’s: a publication that Weir did not make, a slot of another plugin', async () => {
    await using database = await shop();
    await database.sql('CREATE PUBLICATION theirs FOR TABLE orders');
    await database.sql("SELECT pg_create_logical_replication_slot($1, 'test_decoding')", [database.slot]);
    const done = await database.source({ publication: 'theirs' }).reset(signal);
    expect(done).toEqual([
      expect.stringContaining(`${database.slot} is of plugin test_decoding`),
      'publication theirs was not made by Weir, and stays',
    ]);
    expect(await database.traces()).toEqual([`slot ${database.slot}`, 'publication theirs']);
  });
});
