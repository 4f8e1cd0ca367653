import { temporaryPostgres, type TemporaryPostgres } from '@weir/services';
import type { CheckResult } from '@weir/sdk';
import { poolingRelay } from '@weir/testkit';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { PostgresSource } from '../source.ts';
import { errorsOf, refusal } from '../testing/open-source.ts';
import { TestDatabase, databaseUrl } from '../testing/test-database.ts';
import { useTestServer } from '../testing/test-server.ts';

const server = useTestServer();
const { signal } = new AbortController();

async function shop(sql = ''): Promise<TestDatabase> {
  const database = await TestDatabase.create(server.url);
  await database.sql(`CREATE TABLE orders (id int PRIMARY KEY, note text); ${sql}`);
  return database;
}

/** The one error of a source; opening it is refused with the same code and leaves no trace. */
async function expectRefused(database: TestDatabase, source: PostgresSource): Promise<CheckResult> {
  const errors = await errorsOf(source);
  expect(errors, JSON.stringify(errors)).toHaveLength(1);
  const [error] = errors;
  expect(error!.fix, 'every error says what mends it').toBeTruthy();
  expect(await refusal(source)).toBe(error!.code);
  expect(await database.traces()).toEqual([]);
  // A server, or a pooler before it, notices the end of a connection a moment later.
  await expect.poll(async () => await database.connections()).toBe(0);
  return error!;
}

/** Runs the SQL of a fix as an administrator, and looks again. */
async function expectMended(database: TestDatabase, source: PostgresSource, { fix }: CheckResult): Promise<void> {
  await database.sql(fix!.split('; ')[0]!);
  expect(await errorsOf(source)).toEqual([]);
}

test('a server that is ready: every result is fine, the message says what was looked at, nothing is changed', async () => {
  await using database = await shop();
  const results = await database.source().check(signal);
  // A server as it comes out of the box keeps log for a stopped pipeline until its disk is full.
  expect(results.filter(({ level }) => level !== 'ok')).toMatchObject([{ code: 'WEIR_PG_RETAINED_WAL', level: 'warning' }]);
  expect(results.map(({ code }) => code).toSorted()).toEqual([
    'PG_TLS',
    'WEIR_PG_GRANT_PUBLICATION',
    'WEIR_PG_GRANT_REPLICATION',
    'WEIR_PG_RETAINED_WAL',
    'WEIR_PG_SENDERS_FULL',
    'WEIR_PG_SLOTS_FULL',
    'WEIR_PG_STANDBY',
    'WEIR_PG_TABLES_NONE',
    'WEIR_PG_VERSION',
    'WEIR_PG_WAL_LEVEL',
  ]);
  expect(await database.traces()).toEqual([]);
});

describe('connecting', () => {
  test.each([
    ['an unknown host', 'postgres://postgres@nosuchhost.invalid/shop', 'WEIR_PG_HOST', 'stop-at-start'],
    ['a port where nobody listens', 'postgres://postgres@127.0.0.1:1/shop', 'WEIR_PG_CONNECT', 'retry'],
  ])('%s', async (_, url, code, policy) => {
    await using database = await shop();
    const source = database.source({}, url);
    const results = await source.check(signal);
    expect(results).toMatchObject([{ code, level: 'error', path: 'url' }]);
    expect(results[0]!.fix).toBeTruthy();
    await expect(source.open(null, signal)).rejects.toMatchObject({ code, policy: { exit: 3, policy } });
  });

  test('a database that does not exist', async () => {
    await using database = await shop();
    const error = await expectRefused(database, database.source({}, databaseUrl(server.url, 'no_such_database')));
    expect(error).toMatchObject({ code: 'WEIR_PG_DATABASE', path: 'url' });
  });

  test('TLS, where the server has none', async () => {
    await using database = await shop();
    const error = await expectRefused(database, database.source({ tls: 'verify-full' }));
    expect(error).toMatchObject({ code: 'WEIR_PG_TLS', path: 'tls' });
  });

  test('the port of a pooler', async () => {
    await using database = await shop();
    await using pooler = await poolingRelay(database.url);
    const error = await expectRefused(database, database.source({}, pooler.url));
    expect(error).toMatchObject({ code: 'WEIR_PG_POOLER', path: 'url', fix: expect.stringContaining('direct address') as string });
  });

  test('an authority whose file is not there', async () => {
    await using database = await shop();
    const error = await expectRefused(database, database.source({ tls: { ca: '/nowhere/ca.pem' } }));
    expect(error).toMatchObject({ code: 'WEIR_PG_TLS_FILE', path: 'tls' });
  });
});

describe('rights', () => {
  test('a role without REPLICATION', async () => {
    await using database = await shop();
    const role = await database.role();
    await database.sql(
      `ALTER TABLE orders OWNER TO ${role.name}; GRANT CREATE ON DATABASE ${database.name} TO ${role.name}`,
    );
    const source = database.source({}, role.url);
    const error = await expectRefused(database, source);
    expect(error).toMatchObject({
      code: 'WEIR_PG_GRANT_REPLICATION',
      path: 'url',
      fix: `ALTER ROLE "${role.name}" REPLICATION;`,
    });
    await expectMended(database, source, error);
  });

  test('a role without SELECT', async () => {
    await using database = await shop();
    const role = await database.role('REPLICATION');
    await database.sql(`CREATE PUBLICATION ${database.slot} FOR TABLE orders WITH (publish_via_partition_root = true)`);
    const source = database.source({}, role.url);
    const [error] = await errorsOf(source);
    expect(error).toMatchObject({ code: 'WEIR_PG_GRANT_SELECT', fix: `GRANT SELECT ON public.orders TO "${role.name}";` });
    expect(await refusal(source)).toBe('WEIR_PG_GRANT_SELECT');
    await expectMended(database, source, error!);
  });

  test('a role that may read the root of a partitioned table and not each partition', async () => {
    await using database = await shop(`
      CREATE TABLE visits (id int PRIMARY KEY) PARTITION BY RANGE (id);
      CREATE TABLE "Visits 1" PARTITION OF visits FOR VALUES FROM (0) TO (10);
      CREATE PUBLICATION all_of_it FOR ALL TABLES WITH (publish_via_partition_root = true)`);
    const role = await database.role('REPLICATION');
    await database.sql(`GRANT SELECT ON orders, visits TO ${role.name}`);
    const source = database.source({ publication: 'all_of_it' }, role.url);
    const [error] = await errorsOf(source);
    expect(error).toMatchObject({
      code: 'WEIR_PG_GRANT_SELECT',
      fix: `GRANT SELECT ON public."Visits 1" TO "${role.name}";`,
    });
    await expectMended(database, source, error!);
  });

  test('a role that is not the owner, and one that may not create a publication', async () => {
    await using database = await shop();
    const role = await database.role('REPLICATION');
    await database.sql(`GRANT SELECT ON orders TO ${role.name}`);
    const source = database.source({}, role.url);
    const stranger = await expectRefused(database, source);
    expect(stranger).toMatchObject({
      code: 'WEIR_PG_GRANT_PUBLICATION',
      message: expect.stringContaining('does not own public.orders') as string,
    });
    await database.sql(`ALTER TABLE orders OWNER TO ${role.name}`);
    const owner = await expectRefused(database, source);
    expect(owner).toMatchObject({
      code: 'WEIR_PG_GRANT_PUBLICATION',
      message: expect.stringContaining('may not create a publication') as string,
    });
    for (const { fix } of [owner, stranger]) {
      await database.sql(fix!);
      expect(await errorsOf(source)).toEqual([]);
    }
  });

  test('a role from which row security hides rows: a copy would lack them without a word', async () => {
    await using database = await shop(
      'ALTER TABLE orders ENABLE ROW LEVEL SECURITY; CREATE POLICY none ON orders USING (false)',
    );
    const role = await database.role('REPLICATION');
    await database.sql(
      `GRANT SELECT ON orders TO ${role.name};
       CREATE PUBLICATION ${database.slot} FOR TABLE orders WITH (publish_via_partition_root = true)`,
    );
    const source = database.source({}, role.url);
    const [error] = await errorsOf(source);
    expect(error).toMatchObject({ code: 'WEIR_PG_GRANT_SELECT', fix: `ALTER ROLE "${role.name}" BYPASSRLS;` });
    await expectMended(database, source, error!);
  });
});

describe('tables', () => {
  test('none that matches', async () => {
    await using database = await shop();
    const error = await expectRefused(database, database.source({ tables: ['shop.*', 'public.order?_*'] }));
    expect(error).toMatchObject({
      code: 'WEIR_PG_TABLES_NONE',
      path: 'tables',
      message: expect.stringContaining('shop.*, public.order?_*') as string,
    });
  });

  // Publishing any of these would make the application's own UPDATE fail.
  test.each([
    ['no key', 'CREATE TABLE "Keyless" (id int)', 'ADD PRIMARY KEY (…);'],
    ['a key that is checked at commit', 'CREATE TABLE "Keyless" (id int PRIMARY KEY DEFERRABLE)', 'REPLICA IDENTITY FULL;'],
    [
      'a key with a generated column',
      'CREATE TABLE "Keyless" (id int, twice int GENERATED ALWAYS AS (id * 2) STORED, PRIMARY KEY (id, twice))',
      'REPLICA IDENTITY FULL;',
    ],
    [
      'the replica identity NOTHING',
      'CREATE TABLE "Keyless" (id int PRIMARY KEY); ALTER TABLE "Keyless" REPLICA IDENTITY NOTHING',
      'REPLICA IDENTITY DEFAULT;',
    ],
    [
      'only a unique index',
      'CREATE TABLE "Keyless" (id int UNIQUE NOT NULL)',
      'REPLICA IDENTITY USING INDEX "Keyless_id_key";',
    ],
  ])('one with %s', async (_, sql, fix) => {
    await using database = await shop(sql);
    const error = await expectRefused(database, database.source());
    expect(error).toMatchObject({ code: 'WEIR_PG_REPLICA_IDENTITY', path: 'tables' });
    expect(error.fix).toContain(`ALTER TABLE "public"."Keyless" ${fix}`);
    expect(error.fix).toContain('`without_key: insert_only`');
    expect(error.fix).toContain('"!public.Keyless"');
    expect(await errorsOf(database.source({ tables: ['public.*', '!public.Keyless'] }))).toEqual([]);
  });

  test('an index as the replica identity is a key', async () => {
    await using database = await shop(`
      CREATE TABLE visits (page text NOT NULL, day date NOT NULL, hits int);
      CREATE UNIQUE INDEX by_day ON visits (day, page);
      ALTER TABLE visits REPLICA IDENTITY USING INDEX by_day`);
    const source = database.source();
    expect(await errorsOf(source)).toEqual([]);
    const visits = (await source.discover(signal)).find(({ name }) => name === 'visits')!;
    expect(visits.key.map((index) => visits.columns[index]!.name)).toEqual(['day', 'page']);
  });
});

describe('servers set up otherwise', () => {
  let replica: TemporaryPostgres;
  let full: TemporaryPostgres;
  beforeAll(async () => {
    replica = await temporaryPostgres({ wal_level: 'replica' });
    full = await temporaryPostgres({ max_replication_slots: '3', max_wal_senders: '1' });
  });
  afterAll(async () => {
    await replica[Symbol.asyncDispose]();
    await full[Symbol.asyncDispose]();
  });

  test('a wrong password, which is not repeated (invariant 10)', async () => {
    await using database = await TestDatabase.create(replica.url);
    const url = databaseUrl(database.url, database.name, { user: 'postgres', password: 'not-the-password' });
    const error = await expectRefused(database, database.source({}, url));
    expect(error).toMatchObject({ code: 'WEIR_PG_AUTH', path: 'url' });
    expect(JSON.stringify(error)).not.toContain('not-the-password');
  });

  test('no password, where one is asked for', async () => {
    await using database = await TestDatabase.create(replica.url);
    const url = databaseUrl(database.url, database.name, { user: 'postgres', password: '' });
    expect(await expectRefused(database, database.source({}, url))).toMatchObject({ code: 'WEIR_PG_AUTH' });
  });

  test('wal_level replica', async () => {
    await using database = await TestDatabase.create(replica.url);
    await database.sql('CREATE TABLE orders (id int PRIMARY KEY)');
    const error = await expectRefused(database, database.source());
    expect(error).toMatchObject({
      code: 'WEIR_PG_WAL_LEVEL',
      fix: expect.stringContaining("SET wal_level = 'logical'") as string,
    });
  });

  test('too few slots for a first copy, while a pipeline that has its slot goes on', async () => {
    await using database = await TestDatabase.create(full.url);
    await database.sql('CREATE TABLE orders (id int PRIMARY KEY)');
    await database.sql(
      "SELECT pg_create_physical_replication_slot('standby_1'), pg_create_physical_replication_slot('standby_2')",
    );
    const error = await expectRefused(database, database.source());
    expect(error).toMatchObject({
      code: 'WEIR_PG_SLOTS_FULL',
      fix: expect.stringContaining('max_replication_slots') as string,
    });
    await database.sql("SELECT pg_create_logical_replication_slot($1, 'pgoutput')", [database.slot]);
    expect(await errorsOf(database.source())).toEqual([]);
    const results = await database.source().check(signal);
    expect(results.find(({ code }) => code === 'WEIR_PG_SLOTS_FULL')).toMatchObject({ level: 'warning' });
    await database.sql(
      "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name LIKE 'standby%'",
    );
    await database.sql('SELECT pg_drop_replication_slot($1)', [database.slot]);
    expect(await errorsOf(database.source()), 'once there is room').toEqual([]);
    await (await database.source().open(null, signal))[Symbol.asyncDispose]();
  });

  test('no WAL sender left, until one is', async () => {
    await using database = await TestDatabase.create(full.url);
    await database.sql('CREATE TABLE orders (id int PRIMARY KEY)');
    const other = new pg.Client({ connectionString: database.url, replication: 'database' } as pg.ClientConfig);
    await other.connect();
    const error = await expectRefused(database, database.source());
    expect(error).toMatchObject({ code: 'WEIR_PG_SENDERS_FULL', fix: expect.stringContaining('SET max_wal_senders = 6') as string });
    await other.end();
    await expect.poll(async () => await errorsOf(database.source())).toEqual([]);
  });

  test('a vendor’s server: its own parameter and grant are the fix, and a line says what it limits', async () => {
    await using database = await TestDatabase.create(replica.url);
    await database.sql('CREATE TABLE orders (id int PRIMARY KEY)');
    const reader = await database.role();
    await database.sql('CREATE ROLE rds_superuser');
    const results = await database.source({}, reader.url).check(signal);
    await database.sql('DROP ROLE rds_superuser');
    const found = (wanted: string): CheckResult => results.find(({ code }) => code === wanted)!;
    expect(found('WEIR_PG_WAL_LEVEL').fix).toMatch(/^Amazon RDS: rds\.logical_replication = 1/);
    expect(found('WEIR_PG_GRANT_REPLICATION').fix).toBe(`GRANT rds_replication TO "${reader.name}";`);
    expect(found('PG_VENDOR')).toMatchObject({ level: 'ok', message: expect.stringContaining('limit: ') as string });
  });
});
