import { Reading } from '@weir/testkit';
import { expect, test } from 'vitest';
import { TestDatabase } from '../testing/test-database.ts';
import { useTestServer } from '../testing/test-server.ts';

const server = useTestServer();

// An idle server writes something of its own every 15 s: whoever waits for that takes longer than all of this may.
test('a session that is asked for copies is in its snapshot until the consumer has all of them', { timeout: 60_000 }, async () => {
  await using database = await TestDatabase.create(server.url);
  await database.sql('CREATE TABLE orders (id int PRIMARY KEY); INSERT INTO orders VALUES (1), (2)');
  await using reading = await Reading.open(database.source({ tables: ['public.orders'] }), null);
  await reading.untilCopied();
  const { session } = reading;
  const pulling = (async () => {
    while ((await reading.next()) !== null) await session.confirm(reading.checkpoint);
  })();
  const poll = { timeout: 20_000, interval: 20 };
  for (const how of ['in-place', 'anew', 'repair', 'anew', 'in-place', 'repair', 'anew', 'repair'] as const) {
    await expect.poll(() => session.status().phase, poll).toBe('stream');
    const before = reading.rows.length;
    await session.copyAgain!(['public.orders'], how);
    expect(session.status().phase).toBe('snapshot');
    await expect.poll(() => session.status().phase, poll).toBe('stream');
    expect(reading.rows.slice(before).map(({ op }) => op)).toHaveLength(2);
  }
  session.finishAt(await reading.head());
  await pulling;
});
