import { setTimeout as sleep } from 'node:timers/promises';
import { EmbeddedPostgres, temporaryPostgres } from '@weir/services';
import { describe, expect, it } from 'vitest';
import type { WeirError } from '@weir/sdk';
import { batch, checkpointAt, openSession, ordersTable, withOrders } from '@weir/testkit/orders';
import { sessionName } from './sink-connection.ts';
import { TestDatabase, makeSink } from './testing/test-database.ts';
import { useTestServer } from './testing/test-server.ts';

const server = useTestServer();
const orders = ordersTable();
const one = { id: 1, note: 'one', amount: '1.00' };
const two = { id: 2, note: 'two', amount: '2.00' };

describe('a connection that an administrator ends', () => {
  it('in the middle of a commit is told as lost, to be made again, and nothing of it is there', async () => {
    await using database = await TestDatabase.create(server.url);
    await using session = await withOrders(database.sink(), orders, [one]);
    await session.write(batch(2, (rows) => rows.insert(orders, two)));
    await database.disconnect();
    await expect(session.write(batch(2, (rows) => rows.delete(orders, one)))).rejects.toMatchObject({
      code: 'WEIR_PG_CONNECTION_LOST',
      policy: { policy: 'retry' },
      table: undefined,
    });
    await expect(session.commit(checkpointAt(2))).rejects.toMatchObject({ code: 'WEIR_PG_CONNECTION_LOST' });
    await using again = await openSession(database.sink());
    expect(await again.recover()).toEqual(checkpointAt(1));
    expect(await database.sql('SELECT id FROM orders')).toEqual([['1']]);
  });

  it('between two commits as well; the next session goes on', async () => {
    await using database = await TestDatabase.create(server.url);
    await using session = await withOrders(database.sink(), orders, [one]);
    await database.disconnect();
    await expect(session.recover()).rejects.toMatchObject({ code: 'WEIR_PG_CONNECTION_LOST' });
    await using again = await openSession(database.sink());
    await again.write(batch(2, (rows) => rows.insert(orders, two)));
    await again.commit(checkpointAt(2));
    expect(await database.sql('SELECT id FROM orders ORDER BY id')).toEqual([['1'], ['2']]);
  });

  it('while rows are copied is told the same way', async () => {
    await using database = await TestDatabase.create(server.url);
    await using session = await withOrders(database.sink(), orders, []);
    const rows = batch(2, (builder) => {
      for (let id = 0; id < 300; id++) builder.insert(orders, { id, note: 'x'.repeat(100_000), amount: null });
    });
    const writing = session.write(rows).then(() => session.commit(checkpointAt(2)));
    const failed = writing.catch((error: unknown) => error as WeirError);
    await sleep(20);
    await database.disconnect();
    expect(((await failed) as WeirError).code).toBe('WEIR_PG_CONNECTION_LOST');
    expect(await database.sql('SELECT count(*) FROM orders')).toEqual([['0']]);
  });
});

describe('a server', () => {
  it('that stops and starts again has the last commit, and takes the next', async () => {
    await using own = await temporaryPostgres();
    const session = await withOrders(makeSink(own.url), orders, [one]);
    await session.write(batch(2, (rows) => rows.insert(orders, two)));
    await own.stop('immediate');
    const error = await session.commit(checkpointAt(2)).catch((thrown: unknown) => thrown as WeirError);
    expect(error).toMatchObject({ policy: { policy: 'retry' } });
    await session[Symbol.asyncDispose]();
    await expect(openSession(makeSink(own.url))).rejects.toMatchObject({ code: 'WEIR_PG_CONNECT', path: 'url' });
    await using restarted = await EmbeddedPostgres.start({ directory: own.directory });
    await using again = await openSession(makeSink(restarted.url));
    expect(await again.recover()).toEqual(checkpointAt(1));
    await again.write(batch(2, (rows) => rows.insert(orders, two)));
    await again.commit(checkpointAt(2));
    expect(await again.recover()).toEqual(checkpointAt(2));
  }, 60_000);

  it('ends a session that stands still in the middle of a commit, after idle_timeout', async () => {
    await using database = await TestDatabase.create(server.url);
    await using session = await withOrders(database.sink({}, { idle_timeout: '1s' }), orders, [one]);
    await session.write(batch(2, (rows) => rows.insert(orders, two)));
    while ((await database.sessions()).length > 0) await sleep(50);
    await expect(session.commit(checkpointAt(2))).rejects.toMatchObject({ code: 'WEIR_PG_CONNECTION_LOST' });
    expect(await database.sql('SELECT id FROM orders')).toEqual([['1']]);
  });
});

describe('the fence (invariant 5)', () => {
  it('is taken from a session that is in the middle of a commit: its backend is ended, and it stops for good', async () => {
    await using database = await TestDatabase.create(server.url);
    await using predecessor = await withOrders(database.sink(), orders, [one]);
    await predecessor.write(batch(2, (rows) => rows.insert(orders, two)));
    const [before] = await database.sessions();
    await using successor = await openSession(database.sink());
    expect(await database.sessions()).not.toContain(before);
    expect(await successor.recover()).toEqual(checkpointAt(1));
    await expect(predecessor.commit(checkpointAt(2))).rejects.toMatchObject({
      code: 'WEIR_PG_FENCED',
      policy: { policy: 'stop' },
    });
    expect(await database.sql('SELECT fence FROM weir.checkpoint')).toEqual([['2']]);
  });

  it('is not taken from a person: their session lives, and Weir waits for it', async () => {
    await using database = await TestDatabase.create(server.url);
    await (await withOrders(database.sink(), orders, [one]))[Symbol.asyncDispose]();
    let opened = false;
    const holding = Promise.withResolvers<void>();
    const held = database.holding('SELECT * FROM weir.checkpoint FOR UPDATE', () => holding.promise);
    await sleep(200);
    const opening = openSession(database.sink()).then((session) => {
      opened = true;
      return session;
    });
    await sleep(1000);
    expect(opened).toBe(false);
    holding.resolve();
    await held;
    await using session = await opening;
    expect(await session.recover()).toEqual(checkpointAt(1));
  });

  it('of several that open at once belongs to one', async () => {
    await using database = await TestDatabase.create(server.url);
    const opened = await Promise.allSettled(Array.from({ length: 4 }, () => openSession(database.sink())));
    const sessions = opened.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    expect(sessions.length).toBeGreaterThan(0);
    const committed = await Promise.allSettled(sessions.map((session, index) => session.commit(checkpointAt(index + 1))));
    expect(committed.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const session of sessions) await session[Symbol.asyncDispose]();
  });

  it('gives up when it is told to', async () => {
    await using database = await TestDatabase.create(server.url);
    await (await withOrders(database.sink(), orders, [one]))[Symbol.asyncDispose]();
    const abort = new AbortController();
    await database.holding('SELECT * FROM weir.checkpoint FOR UPDATE', async () => {
      const opening = database.sink().open({ pipeline: 'shop', sink: 'warehouse', shard: 0 }, abort.signal);
      const failed = opening.then(() => null, (error: unknown) => error);
      await sleep(300);
      abort.abort(new Error('enough'));
      expect(await failed).toMatchObject({ message: 'enough' });
    });
    await expect.poll(() => database.sessions()).toEqual([]);
  });
});

describe('the name of a session', () => {
  it('tells shards apart, and fits into what PostgreSQL keeps', () => {
    const names = [
      { pipeline: 'shop', sink: 'warehouse', shard: 0 },
      { pipeline: 'shop', sink: 'warehouse', shard: 1 },
      { pipeline: 'shop/warehouse', sink: '0', shard: 0 },
      { pipeline: 'p'.repeat(200), sink: 'ä', shard: 0 },
      { pipeline: 'p'.repeat(200), sink: 'ö', shard: 0 },
    ].map(sessionName);
    expect(new Set(names).size).toBe(5);
    for (const name of names) expect(name).toMatch(/^weir [\x20-\x7e]{1,58}$/);
    expect(names[0]).toMatch(/^weir shop\/warehouse\/0 [0-9a-f]{12}$/);
  });
});
