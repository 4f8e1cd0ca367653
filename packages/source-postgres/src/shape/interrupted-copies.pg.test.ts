import type { Checkpoint } from '@weir/sdk';
import { Reading, type SeenBatch } from '@weir/testkit';
import { expect, test } from 'vitest';
import { expectEqual } from '../testing/schema-story.ts';
import { TestDatabase } from '../testing/test-database.ts';
import { useTestServer } from '../testing/test-server.ts';

const server = useTestServer();

/** Rewrites, new names and new tables, so that tables are copied again and again. */
const statements = [
  "INSERT INTO orders VALUES (3, 'c')",
  'ALTER TABLE orders ALTER id TYPE int USING id + 100',
  "UPDATE orders SET note = 'x' WHERE id = 101; INSERT INTO lines VALUES (2)",
  'ALTER TABLE orders RENAME TO old_orders; CREATE TABLE orders (id int PRIMARY KEY); INSERT INTO orders VALUES (1)',
  'ALTER TABLE lines ADD token uuid DEFAULT gen_random_uuid(); DELETE FROM lines WHERE id = 1',
  'CREATE TABLE more (id int PRIMARY KEY); INSERT INTO more VALUES (1); DROP TABLE old_orders',
];

test('a session that is cut at any place, also while it copies again, ends the same (invariant 4)', { timeout: 300_000 }, async () => {
  await using database = await TestDatabase.create(server.url);
  await database.sql(`CREATE TABLE orders (id int PRIMARY KEY, note text); INSERT INTO orders VALUES (1, 'a'), (2, 'b');
                      CREATE TABLE lines (id int PRIMARY KEY); INSERT INTO lines VALUES (1)`);
  const committed: SeenBatch[] = [];
  const source = database.source();
  {
    await using reading = await Reading.open(source, null);
    await reading.untilCopied();
    committed.push(...reading.seen);
  }
  let ended = false;
  for (let pulls = 1; !ended; pulls = (pulls % 7) + 1) {
    const statement = statements.shift();
    if (statement !== undefined) await database.sql(statement);
    const from: Checkpoint = committed.findLast(({ checkpoint }) => checkpoint !== null)!.checkpoint!;
    await using reading = await Reading.open(source, from);
    reading.session.finishAt(await reading.head());
    for (let pull = 0; pull < pulls && !ended; pull++) ended = (await reading.next()) === null;
    await database.disconnect();
    const last = reading.seen.findLastIndex(({ checkpoint }) => checkpoint !== null);
    committed.push(...reading.seen.slice(0, last + 1));
    ended &&= statements.length === 0;
  }
  await expectEqual(source, committed);
});

test('rows that share one LSN come once to whoever resumes, wherever the stream is cut (invariant 2)', { timeout: 120_000 }, async () => {
  await using database = await TestDatabase.create(server.url);
  await database.sql('CREATE TABLE orders (id int PRIMARY KEY)');
  const source = database.source();
  const first = await Reading.open(source, null);
  await first.untilCopied();
  // COPY writes many rows with one record of the log.
  for (const [from, to] of [
    [1, 20_000],
    [20_001, 20_010],
    [20_011, 45_000],
  ])
    await database.sql(`COPY orders FROM PROGRAM 'seq ${from} ${to}'`);
  await first.untilHead();
  await first[Symbol.asyncDispose]();
  const ends = first.seen.flatMap(({ checkpoint }, i) => (checkpoint === null ? [] : [i + 1]));
  expect(first.seen.length, 'transactions span batches').toBeGreaterThan(ends.length);
  for (const end of ends) {
    const before = first.seen.slice(0, end);
    await using rest = await Reading.open(source, before.at(-1)!.checkpoint);
    await rest.untilHead();
    await expectEqual(source, [...before, ...rest.seen]);
  }
});

test('tables of the same name in two databases are two tables', async () => {
  await using one = await TestDatabase.create(server.url);
  await using two = await TestDatabase.create(server.url);
  for (const [i, database] of [one, two].entries()) {
    await database.sql(`CREATE TABLE orders (id int PRIMARY KEY, n int DEFAULT ${i}); INSERT INTO orders VALUES (1)`);
  }
  await using first = await Reading.open(one.source(), null);
  await using second = await Reading.open(two.source(), null);
  await first.untilCopied();
  await second.untilCopied();
  await one.sql('ALTER TABLE orders ADD only_here int DEFAULT 5; UPDATE orders SET n = 10');
  await two.sql('INSERT INTO orders VALUES (2)');
  await first.untilHead();
  await second.untilHead();
  await expectEqual(one.source(), first.seen);
  await expectEqual(two.source(), second.seen);
  expect(second.seen.flatMap(({ schemaChanges }) => schemaChanges.map(({ change }) => change))).toEqual(['create']);
});
