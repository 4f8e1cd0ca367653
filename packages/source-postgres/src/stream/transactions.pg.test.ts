import type { Checkpoint } from '@weir/sdk';
import { Reading } from '@weir/testkit';
import { expect, test } from 'vitest';
import { copiedCheckpoint } from '../testing/open-source.ts';
import { positionLsn } from '../position.ts';
import { TestDatabase } from '../testing/test-database.ts';
import { useTestServer } from '../testing/test-server.ts';

const server = useTestServer();

async function shop(): Promise<TestDatabase> {
  const database = await TestDatabase.create(server.url);
  await database.sql('CREATE TABLE orders (id int PRIMARY KEY)');
  return database;
}

const ids = (reading: Reading): number[] => reading.streamed.map(({ after }) => Number(after![0]));

test('a transaction whose commit stands right where the one before ended is new, not a replay (invariant 2)', async () => {
  await using database = await shop();
  const [first, second] = [await database.connect(), await database.connect()];
  let from = await copiedCheckpoint(database.source());
  let adjacent = 0;
  for (let id = 0; id < 20; id += 2) {
    await first.query(`BEGIN; INSERT INTO orders VALUES (${id})`);
    await second.query(`BEGIN; INSERT INTO orders VALUES (${id + 1})`);
    let between: Checkpoint;
    {
      await using reading = await Reading.open(database.source(), from);
      await first.query('COMMIT');
      await reading.untilStreamed(1);
      between = reading.checkpoint;
      await second.query('COMMIT');
    }
    await using rest = await Reading.open(database.source(), between);
    await rest.untilHead();
    expect(ids(rest)).toEqual([id + 1]);
    if (positionLsn(rest.rows[0]!.position) === positionLsn(between.position)) adjacent++;
    from = rest.checkpoint;
  }
  expect(adjacent, 'the case must have come up').toBeGreaterThan(0);
  await Promise.all([first.end(), second.end()]);
});

test('what a savepoint took back does not arrive; subtransactions belong to their transaction', async () => {
  await using database = await shop();
  await using reading = await Reading.open(database.source(), null);
  await reading.untilCopied();
  await database.sql(`
    BEGIN; INSERT INTO orders VALUES (1); SAVEPOINT a; INSERT INTO orders VALUES (2); ROLLBACK TO a;
    SAVEPOINT b; INSERT INTO orders VALUES (3); RELEASE b; INSERT INTO orders VALUES (4); COMMIT`);
  await reading.untilHead();
  expect(ids(reading)).toEqual([1, 3, 4]);
  expect(reading.streamed.map(({ ordinal }) => ordinal)).toEqual([1, 2, 3]);
  expect(new Set(reading.streamed.map(({ transactionId }) => transactionId)).size).toBe(1);
});

test('a transaction that was open while the table was copied arrives whole, and only once', async () => {
  await using database = await shop();
  const application = await database.connect();
  const opened = Reading.open(database.source(), null);
  await using reading = await opened;
  const copying = reading.untilCopied();
  await application.query('BEGIN; INSERT INTO orders VALUES (1), (2)');
  await application.query('INSERT INTO orders VALUES (3)');
  await application.query('COMMIT');
  await copying;
  await application.end();
  await reading.untilHead();
  expect(reading.rows.map(({ after }) => Number(after![0]))).toEqual([1, 2, 3]);
  expect([0, 3]).toContain(reading.copied.length);
});
