import { silentLogger, systemClock } from '@weir/sdk';
import { Reading, failure } from '@weir/testkit';
import { describe, expect, test } from 'vitest';
import { readCapture } from './capture.ts';
import { postgresConfig } from '../config.ts';
import { alterPublications } from './publication.ts';
import { PostgresSource } from '../source.ts';
import { briefly } from '../testing/brief-row.ts';
import { copiedCheckpoint, errorsOf, refusal } from '../testing/open-source.ts';
import { TestDatabase } from '../testing/test-database.ts';
import { useTestServer } from '../testing/test-server.ts';

const server = useTestServer();
const { signal } = new AbortController();

async function shop(sql = ''): Promise<TestDatabase> {
  const database = await TestDatabase.create(server.url);
  await database.sql(`CREATE TABLE orders (id int PRIMARY KEY, note text); ${sql}`);
  return database;
}

describe('a publication of Weir’s own', () => {
  test('says in its comment who made it, and is known again by that, whatever its name', async () => {
    await using database = await shop();
    const source = database.source({ publication: 'chosen' });
    await (await source.open(null, signal))[Symbol.asyncDispose]();
    await database.sql('CREATE TABLE lines (id int PRIMARY KEY)');
    expect(await errorsOf(source)).toEqual([]);
    // The process before died without a checkpoint; this one adds the new table.
    const from = await copiedCheckpoint(source);
    expect(from.state).toMatchObject({ publication: { name: 'chosen', owned: true } });
    expect(await database.value("SELECT obj_description(oid, 'pg_publication') FROM pg_publication")).toBe('Made by Weir.');
    expect(await database.value('SELECT count(*) FROM pg_publication_rel')).toBe('2');
  });

  test('is made in one transaction: what the server refuses leaves nothing', async () => {
    await using database = await shop('CREATE TABLE log (note text)');
    await using client = await connected(database);
    const config = postgresConfig.parse({ url: database.url, without_key: 'insert_only' });
    const capture = await readCapture(client.client, config, 'weir_test');
    await database.sql('DROP TABLE log');
    expect((await failure(alterPublications(client.client, capture))).code).toBe('WEIR_PG_QUERY');
    expect(await database.traces()).toEqual([]);
  });

  // The rules of identity.ts are our reading of the server's; whatever they miss must not break the application.
  test.each([
    ['a table that lost its key', 'ALTER TABLE orders DROP CONSTRAINT orders_pkey'],
    ['a table whose identity became NOTHING', 'ALTER TABLE orders REPLICA IDENTITY NOTHING'],
    [
      'a partition with another identity',
      `DROP TABLE orders; CREATE TABLE orders (id int PRIMARY KEY, note text) PARTITION BY RANGE (id);
       CREATE TABLE orders_1 PARTITION OF orders FOR VALUES FROM (0) TO (9); ALTER TABLE orders_1 REPLICA IDENTITY NOTHING`,
    ],
  ])('is not made when the server itself says that it would refuse updates: %s', async (_, sql) => {
    await using database = await shop();
    await using client = await connected(database);
    const config = postgresConfig.parse({ url: database.url });
    const later = sql.startsWith('DROP TABLE');
    if (later) await database.sql(sql);
    const capture = await readCapture(client.client, config, 'weir_test');
    if (!later) await database.sql(sql);
    const error = await failure(alterPublications(client.client, capture));
    expect(error).toMatchObject({ code: 'WEIR_PG_REPLICA_IDENTITY', path: 'tables', table: 'public.orders' });
    expect(error.message).toContain('does not have a replica identity');
    expect(await database.traces()).toEqual([]);
    await database.sql("UPDATE orders SET note = 'x'");
  });

  test('is published by a role that may not change the rows itself', async () => {
    await using database = await shop();
    const role = await database.role('REPLICATION');
    await database.sql(
      `ALTER TABLE orders OWNER TO ${role.name}; REVOKE DELETE, UPDATE ON orders FROM ${role.name};
       GRANT CREATE ON DATABASE ${database.name} TO ${role.name}`,
    );
    const from = await copiedCheckpoint(database.source({}, role.url));
    expect(from.state).toMatchObject({ publication: { owned: true } });
  });

  test('has every captured table, and none that a start before left in it', async () => {
    await using database = await shop('CREATE TABLE lines (id int PRIMARY KEY)');
    await (await database.source().open(null, signal))[Symbol.asyncDispose]();
    await copiedCheckpoint(database.source({ tables: ['public.orders'] }));
    expect(await database.sql('SELECT tablename FROM pg_publication_tables')).toEqual([{ tablename: 'orders' }]);
  });
});

describe('an existing publication', () => {
  test.each([
    ['leaves out deletes', "FOR TABLE orders WITH (publish = 'insert, update')"],
    ['has inserts alone', "FOR TABLE orders WITH (publish = 'insert')"],
  ])('that %s is refused', async (_, options) => {
    await using database = await shop(`CREATE PUBLICATION of_the_dba ${options}`);
    const source = database.source({ publication: 'of_the_dba' });
    const [error, ...others] = await errorsOf(source);
    expect(others).toEqual([]);
    expect(error).toMatchObject({ code: 'WEIR_PG_PUBLICATION_OPTIONS', path: 'publication' });
    expect(await refusal(source)).toBe('WEIR_PG_PUBLICATION_OPTIONS');
    expect(await database.traces()).toEqual(['publication of_the_dba']);
    await database.sql(error!.fix!);
    expect(await errorsOf(source)).toEqual([]);
  });

  test('that lacks a table is refused, with the SQL, and not changed', async () => {
    await using database = await shop(
      'CREATE TABLE visits (id int PRIMARY KEY); CREATE PUBLICATION of_the_dba FOR TABLE orders',
    );
    const source = database.source({ publication: 'of_the_dba' });
    const fix = 'ALTER PUBLICATION "of_the_dba" ADD TABLE ONLY "public"."visits";';
    expect(await errorsOf(source)).toMatchObject([{ code: 'WEIR_PG_GRANT_PUBLICATION', path: 'publication', fix }]);
    await expect(source.open(null, signal)).rejects.toMatchObject({ code: 'WEIR_PG_GRANT_PUBLICATION', fix });
    expect(await database.traces()).toEqual(['publication of_the_dba']);
    await database.sql(fix);
    expect(await errorsOf(source)).toEqual([]);
  });

  test('that lacks a table which the application made while the stream runs leaves the others alone', async () => {
    await using database = await shop('CREATE PUBLICATION of_the_dba FOR TABLE orders');
    const warnings: string[] = [];
    const log = { ...silentLogger, warn: (_: object, message: string) => void warnings.push(message) };
    const config = postgresConfig.parse({ url: database.url, publication: 'of_the_dba' });
    const source = new PostgresSource(config, { pipeline: database.name, name: 'test', log, clock: systemClock });
    await using reading = await Reading.open(source, null);
    await reading.untilCopied();
    await database.sql('CREATE TABLE lines (id int PRIMARY KEY)');
    const pending = reading.next();
    await expect.poll(() => warnings).toEqual([
      'a new table is not captured yet: publication of_the_dba does not have public.lines',
    ]);
    await database.sql("INSERT INTO orders VALUES (1, 'a'); INSERT INTO lines VALUES (1)");
    await pending;
    await reading.untilHead();
    expect(reading.rows.map(briefly)).toEqual(['insert orders 1,a']);
  });

  test('whose options changed since the checkpoint is a gap: no change of them brings the rows back', async () => {
    await using database = await shop();
    const from = await copiedCheckpoint(database.source());
    await database.sql(`ALTER PUBLICATION ${database.slot} SET (publish = 'insert')`);
    expect(await refusal(database.source(), from)).toBe('WEIR_PG_PUBLICATION_CHANGED');
    expect((await errorsOf(database.source())).map(({ code }) => code)).toEqual(['WEIR_PG_PUBLICATION_OPTIONS']);
  });
});

async function connected(
  database: TestDatabase,
): Promise<AsyncDisposable & { client: Awaited<ReturnType<TestDatabase['connect']>> }> {
  const client = await database.connect();
  return { client, [Symbol.asyncDispose]: async () => await client.end() };
}
