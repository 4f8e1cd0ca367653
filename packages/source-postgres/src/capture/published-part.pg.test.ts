import type { CheckResult } from '@weir/sdk';
import { Reading, failure } from '@weir/testkit';
import { describe, expect, test } from 'vitest';
import { briefly } from '../testing/brief-row.ts';
import { copiedCheckpoint, errorsOf, refusal } from '../testing/open-source.ts';
import { TestDatabase } from '../testing/test-database.ts';
import { useTestServer } from '../testing/test-server.ts';

const server = useTestServer();
const { signal } = new AbortController();

const users = `
  CREATE TABLE users (id int PRIMARY KEY, password text, name text, region text);
  INSERT INTO users VALUES (1, 'secret', 'ada', 'eu'), (2, 'secret', 'bob', 'us');`;
const orders = `
  CREATE TABLE orders (id int PRIMARY KEY, amount numeric, note text);
  INSERT INTO orders VALUES (1, 10, 'a'), (2, 0, 'b'), (3, NULL, 'c');`;

async function shop(sql: string): Promise<TestDatabase> {
  const database = await TestDatabase.create(server.url);
  await database.sql(sql);
  return database;
}

/** The one error of a source; opening it is refused with the same code, and nothing was changed. */
async function expectRefused(database: TestDatabase, config: object, traces: string[] = []): Promise<CheckResult> {
  const source = database.source(config);
  const errors = await errorsOf(source);
  expect(errors, JSON.stringify(errors)).toHaveLength(1);
  expect(await refusal(source)).toBe(errors[0]!.code);
  expect(await database.traces()).toEqual(traces);
  return errors[0]!;
}

async function expectRefusedAs(database: TestDatabase, config: object, code: string, message: string): Promise<void> {
  const error = await expectRefused(database, config);
  expect(error.code).toBe(code);
  expect(error.message).toContain(message);
}

/** Before PostgreSQL 15 there are no lists and filters: that they are refused is all that there is to see. */
async function expectTooOld(database: TestDatabase, config: object): Promise<boolean> {
  if (server.version >= 15) return false;
  const error = await expectRefused(database, config);
  expect(error).toMatchObject({ code: 'WEIR_PG_VERSION', path: Object.keys(config)[0] });
  return true;
}

async function told(database: TestDatabase, config: object, code: string): Promise<string[]> {
  return (await database.source(config).check(signal)).filter((each) => each.code === code).map(({ message }) => message);
}

describe('columns', () => {
  const config = { columns: { 'public.users': ['name', 'id'] } };

  test('are what is captured, by copy and by stream, in the order of the table', async () => {
    await using database = await shop(users);
    if (await expectTooOld(database, config)) return;
    const source = database.source(config);
    expect((await source.discover(signal))[0]!.columns.map(({ name }) => name)).toEqual(['id', 'name']);
    expect(await told(database, config, 'WEIR_PG_COLUMNS')).toEqual(['public.users with the columns id, name']);
    const reading = await Reading.open(source, null);
    await reading.untilCopied();
    await database.sql(`
      INSERT INTO users VALUES (3, 'secret', 'eve', 'eu'); UPDATE users SET password = 'other' WHERE id = 1;
      UPDATE users SET id = 4 WHERE id = 2; DELETE FROM users WHERE id = 3`);
    await reading.untilHead();
    expect(reading.rows.map(briefly)).toEqual([
      'read users 1,ada',
      'read users 2,bob',
      'insert users 3,eve',
      'update users 1,ada',
      'update users 4,bob was 2,-',
      'delete users  was 3,-',
    ]);
    await reading[Symbol.asyncDispose]();
    await using again = await Reading.open(source, reading.checkpoint);
    await database.sql("UPDATE users SET name = 'ann' WHERE id = 1");
    await again.untilHead();
    expect(again.rows.map(briefly)).toEqual(['update users 1,ann']);
  });

  test('of a partitioned table hold for each partition', async () => {
    await using database = await shop(`
      CREATE TABLE visits (id int PRIMARY KEY, ip text, hits int) PARTITION BY RANGE (id);
      CREATE TABLE visits_1 (hits int, ip text, id int NOT NULL);
      ALTER TABLE visits ATTACH PARTITION visits_1 FOR VALUES FROM (0) TO (10);
      INSERT INTO visits VALUES (1, '::1', 7)`);
    const visits = { columns: { 'public.visits': ['id', 'hits'] } };
    if (await expectTooOld(database, visits)) return;
    for (const [partitions, row, change] of [
      ['root', 'read visits 1,7', 'update visits 1,8'],
      ['leaves', 'read visits_1 7,1', 'update visits_1 9,1'],
    ] as const) {
      const slot = `${database.name}_${partitions}`;
      await using reading = await Reading.open(database.source({ ...visits, partitions, slot, publication: slot }), null);
      await reading.untilCopied();
      await database.sql('UPDATE visits SET hits = hits + 1');
      await reading.untilHead();
      expect(reading.rows.map(briefly)).toEqual([row.replace('7', partitions === 'root' ? '7' : '8'), change]);
    }
  });

  test.each([
    [{ columns: { 'public.user': ['id'] } }, 'WEIR_PG_TABLE_UNKNOWN', 'no table is called so', '`public.users`?'],
    [{ columns: { 'public.other': ['id'] } }, 'WEIR_PG_TABLE_UNKNOWN', 'which is not captured', 'add it to `tables`'],
    [{ columns: { 'public.users': ['id', 'nmae'] } }, 'WEIR_PG_COLUMNS', 'has no column nmae', 'Did you mean `name`?'],
  ])('that name what is not there are refused: %j', async (wrong, code, message, fix) => {
    await using database = await shop(`${users} CREATE TABLE other (id int PRIMARY KEY)`);
    const given = { ...wrong, tables: ['public.users'] };
    if (await expectTooOld(database, given)) return;
    const error = await expectRefused(database, given);
    expect(error).toMatchObject({ code, path: 'columns' });
    expect(error.message).toContain(message);
    expect(error.fix).toContain(fix);
  });

  test.each([
    ['lack a part of the key', '', { 'public.users': ['name'] }, 'lack id of its key', 'Add id to them.'],
    [
      'are a part of a table with REPLICA IDENTITY FULL',
      'ALTER TABLE users REPLICA IDENTITY FULL',
      { 'public.users': ['id', 'name'] },
      'all of its columns have to be published',
      'ALTER TABLE "public"."users" REPLICA IDENTITY DEFAULT;',
    ],
  ])('that %s would make the application’s UPDATE fail, so they are refused', async (_, sql, columns, message, fix) => {
    await using database = await shop(`${users} ${sql}`);
    if (await expectTooOld(database, { columns })) return;
    const error = await expectRefused(database, { columns });
    expect(error).toMatchObject({ code: 'WEIR_PG_REPLICA_IDENTITY', path: 'columns' });
    expect(error.message).toContain(message);
    expect(error.fix).toContain(fix);
    await database.sql('UPDATE users SET name = upper(name); DELETE FROM users');
  });

  test('that are others at the next start make that table be copied again, alone', async () => {
    await using database = await shop(`${users} ${orders}`);
    if (await expectTooOld(database, config)) return;
    const from = await copiedCheckpoint(database.source(config));
    await database.sql("UPDATE users SET region = 'asia' WHERE id = 2; INSERT INTO orders VALUES (4, 4, 'd')");
    const wider = { columns: { 'public.users': ['id', 'name', 'region'] } };
    // A process that dies before its first checkpoint leaves the publication changed; the next start knows that it was Weir.
    await using lost = await database.source(wider).open(from, signal);
    await lost[Symbol.asyncDispose]();
    await using reading = await Reading.open(database.source(wider), from);
    await reading.untilHead();
    const rows = ['insert orders 4,4,d', 'read users 1,ada,eu', 'read users 2,bob,asia'];
    expect(reading.rows.map(briefly).toSorted()).toEqual(rows);
  });
});

describe('rows', () => {
  const config = { rows: { 'public.orders': 'amount > 0' } };
  const full = `${orders} ALTER TABLE orders REPLICA IDENTITY FULL;`;

  test('are what is captured; one that leaves the filter is deleted, one that enters is inserted', async () => {
    await using database = await shop(full);
    if (await expectTooOld(database, config)) return;
    const source = database.source(config);
    expect(await told(database, config, 'WEIR_PG_ROW_FILTER')).toEqual([
      'public.orders with the rows where (amount > (0)::numeric)',
    ]);
    await using reading = await Reading.open(source, null);
    await reading.untilCopied();
    await database.sql(`
      INSERT INTO orders VALUES (4, 5, 'd'), (5, -5, 'e'); UPDATE orders SET amount = 0 WHERE id = 1;
      UPDATE orders SET amount = 7 WHERE id = 3; UPDATE orders SET note = 'x' WHERE id IN (2, 4); DELETE FROM orders`);
    await reading.untilHead();
    expect(reading.rows.map(briefly)).toEqual([
      'read orders 1,10,a',
      'insert orders 4,5,d',
      'delete orders  was 1,10,a',
      'insert orders 3,7,c',
      'update orders 4,5,x was 4,5,d',
      'delete orders  was 3,7,c',
      'delete orders  was 4,5,x',
    ]);
    const scanned: number[] = [];
    await database.sql("INSERT INTO orders VALUES (6, 6, 'f'), (7, -7, 'g')");
    for await (const batch of source.scan((await source.discover(signal))[0]!, signal)) scanned.push(batch.rows);
    expect(scanned, 'verification compares the same rows').toEqual([1]);
  });

  test('of the key alone need no REPLICA IDENTITY FULL', async () => {
    await using database = await shop(orders);
    const byKey = { rows: { 'public.orders': 'id % 2 = 1' } };
    if (await expectTooOld(database, byKey)) return;
    await using reading = await Reading.open(database.source(byKey), null);
    await reading.untilCopied();
    await database.sql('UPDATE orders SET id = 4 WHERE id = 1; DELETE FROM orders');
    await reading.untilHead();
    expect(reading.rows.map(briefly)).toEqual([
      'read orders 1,10,a',
      'read orders 3,null,c',
      'delete orders  was 1,-,-',
      'delete orders  was 3,-,-',
    ]);
  });

  test('by a column outside of the replica identity would break the application’s UPDATE: refused', async () => {
    await using database = await shop(orders);
    if (await expectTooOld(database, config)) return;
    const error = await expectRefused(database, config);
    expect(error).toMatchObject({
      code: 'WEIR_PG_REPLICA_IDENTITY',
      path: 'rows',
      message: 'the row filter of public.orders reads amount, which is not in its replica identity',
      fix: 'ALTER TABLE "public"."orders" REPLICA IDENTITY FULL; or filter on its key alone.',
    });
    await database.sql(error.fix!.split('; ')[0]!);
    expect(await errorsOf(database.source(config))).toEqual([]);
  });

  test.each([
    ['amount >', /syntax error/],
    ['amuont > 0', /column "amuont" does not exist/],
    ['random() > 0.5', /WHERE expression/],
    ['true); DROP TABLE orders; SELECT (1', /multiple commands/],
    ["true) WITH (publish = 'insert'", /syntax error/],
  ])('that the server does not take are refused in its own words: %s', async (rows, message) => {
    await using database = await shop(orders);
    const wrong = { rows: { 'public.orders': rows } };
    if (await expectTooOld(database, wrong)) return;
    const error = await expectRefused(database, wrong);
    expect(error).toMatchObject({ code: 'WEIR_PG_ROW_FILTER', path: 'rows' });
    expect(error.message).toMatch(message);
    expect(await database.value('SELECT count(*) FROM orders')).toBe('3');
  });

  test('are asked about by a role that may create publications, later too', async () => {
    await using database = await shop(orders);
    const byKey = { rows: { 'public.orders': 'id > 0' } };
    if (await expectTooOld(database, byKey)) return;
    const role = await database.role('REPLICATION');
    await database.sql(
      `ALTER TABLE orders OWNER TO ${role.name}; GRANT CREATE ON DATABASE ${database.name} TO ${role.name}`,
    );
    const source = database.source(byKey, role.url);
    const from = await copiedCheckpoint(source);
    await database.sql(`REVOKE CREATE ON DATABASE ${database.name} FROM ${role.name}`);
    const fix = `GRANT CREATE ON DATABASE "${database.name}" TO "${role.name}";`;
    expect(await errorsOf(source)).toMatchObject([{ code: 'WEIR_PG_GRANT_PUBLICATION', path: 'rows', fix }]);
    expect(await refusal(source, from)).toBe('WEIR_PG_GRANT_PUBLICATION');
    await database.sql(fix);
    expect(await errorsOf(source)).toEqual([]);
  });

  test('with a comment at their end are what they say', async () => {
    await using database = await shop(full);
    const commented = { rows: { 'public.orders': 'amount > 0 -- what was paid' } };
    if (await expectTooOld(database, commented)) return;
    await using reading = await Reading.open(database.source(commented), null);
    await reading.untilHead();
    expect(reading.rows.map(briefly)).toEqual(['read orders 1,10,a']);
  });

  test('of a table that is not captured are refused', async () => {
    await using database = await shop(orders);
    const wrong = { rows: { 'public.order': 'true' } };
    if (await expectTooOld(database, wrong)) return;
    expect(await expectRefused(database, wrong)).toMatchObject({
      code: 'WEIR_PG_TABLE_UNKNOWN',
      path: 'rows',
      fix: 'Did you mean `public.orders`?',
    });
  });

  test('that are others at the next start have the table copied again; the same in other words have not', async () => {
    await using database = await shop(full);
    if (await expectTooOld(database, config)) return;
    const from = await copiedCheckpoint(database.source(config));
    await database.sql("INSERT INTO orders VALUES (4, 4, 'd')");
    await using same = await Reading.open(database.source({ rows: { 'public.orders': '(amount)>0::numeric' } }), from);
    await same.untilHead();
    expect(same.rows.map(briefly)).toEqual(['insert orders 4,4,d']);
    await same[Symbol.asyncDispose]();
    await using other = await Reading.open(database.source({ rows: { 'public.orders': 'amount <= 4' } }), same.checkpoint);
    await other.untilHead();
    expect(other.rows.map(briefly)).toEqual(['read orders 2,0,b', 'read orders 4,4,d']);
  });
});

describe('a publication of others', () => {
  const given = { publication: 'of_the_dba' };
  const traces = ['publication of_the_dba'];

  test('has its columns and rows: just those are captured', async () => {
    const lists = server.version >= 15;
    const part = lists ? '(id, name, region) WHERE (id <> 2)' : '';
    await using database = await shop(`${users} CREATE PUBLICATION of_the_dba FOR TABLE users ${part}`);
    await using reading = await Reading.open(database.source(given), null);
    await reading.untilCopied();
    await database.sql("UPDATE users SET region = 'asia'; INSERT INTO users VALUES (3, 'secret', 'eve', 'eu')");
    await reading.untilHead();
    const rows = ['read users 1,ada,eu', 'update users 1,ada,asia', 'insert users 3,eve,eu'];
    const whole = [
      'read users 1,secret,ada,eu',
      'read users 2,secret,bob,us',
      'update users 1,secret,ada,asia',
      'update users 2,secret,bob,asia',
      'insert users 3,secret,eve,eu',
    ];
    expect(reading.rows.map(briefly)).toEqual(lists ? rows : whole);
  });

  test('whose list or filter makes the application’s UPDATE fail is refused, with the owner’s remedy', async () => {
    if (server.version < 15) return await expectNothingToList();
    for (const [part, message] of [
      ['(name)', 'lack id of its key'],
      ["WHERE (region = 'eu')", 'reads region, which is not in its replica identity'],
    ] as const) {
      await using database = await shop(`${users} CREATE PUBLICATION of_the_dba FOR TABLE users ${part}`);
      const error = await expectRefused(database, given, traces);
      expect(error).toMatchObject({ code: 'WEIR_PG_REPLICA_IDENTITY', path: 'publication' });
      expect(error.message).toContain(message);
      const update = database.sql("UPDATE users SET name = 'x'");
      await expect(update, 'it is the server that says so').rejects.toThrow('cannot update');
    }
  });

  test('with other columns than `columns` says, or without a filter where `rows` has one, is refused', async () => {
    if (server.version < 15) return await expectNothingToList();
    await using database = await shop(`${users} CREATE PUBLICATION of_the_dba FOR TABLE users (id, name)`);
    const same = { ...given, columns: { 'public.users': ['name', 'id'] } };
    expect(await errorsOf(database.source(same))).toEqual([]);
    const other = await expectRefused(database, { ...given, columns: { 'public.users': ['id'] } }, traces);
    expect(other).toMatchObject({ code: 'WEIR_PG_PUBLICATION_OPTIONS', path: 'columns' });
    const unfiltered = await expectRefused(database, { ...given, rows: { 'public.users': 'id > 0' } }, traces);
    expect(unfiltered).toMatchObject({ code: 'WEIR_PG_PUBLICATION_OPTIONS', path: 'rows' });
  });

  test('of a whole schema has the tables that are in it, as long as it has the schema', async () => {
    if (server.version < 15) return await expectNothingToList();
    await using database = await shop(`${users} CREATE PUBLICATION of_the_dba FOR TABLES IN SCHEMA public`);
    const source = database.source({ ...given, tables: ['*.*'] });
    const from = await copiedCheckpoint(source);
    await database.sql("UPDATE users SET name = 'x' WHERE id = 1");
    const reading = await Reading.open(source, from);
    await reading.untilHead();
    expect(reading.rows.map(briefly)).toEqual(['update users 1,secret,x,eu']);
    await reading[Symbol.asyncDispose]();
    await database.sql('ALTER PUBLICATION of_the_dba DROP TABLES IN SCHEMA public; UPDATE users SET id = id + 10');
    await database.sql('ALTER PUBLICATION of_the_dba ADD TABLES IN SCHEMA public');
    expect((await failure(source.open(reading.checkpoint, signal))).code).toBe('WEIR_PG_PUBLICATION_CHANGED');
  });

  /** The server has no way to write such a publication. */
  async function expectNothingToList(): Promise<void> {
    await using database = await shop(users);
    await expect(database.sql('CREATE PUBLICATION of_the_dba FOR TABLE users (id)')).rejects.toThrow('syntax error');
  }
});

describe('generated columns', () => {
  const stored = `
    CREATE TABLE goods (id int PRIMARY KEY, net int, gross int GENERATED ALWAYS AS (net * 2) STORED);
    INSERT INTO goods VALUES (1, 10);`;

  test('are left out by copy and stream alike, and check says so in one line for each table', async () => {
    const virtual = 'ALTER TABLE goods ADD shown text GENERATED ALWAYS AS (net::text) VIRTUAL;';
    await using database = await shop(`${stored} ${server.version >= 18 ? virtual : ''}`);
    const list = server.version >= 18 ? 'gross (stored), shown (virtual)' : 'gross (stored)';
    expect(await told(database, {}, 'WEIR_PG_COLUMNS')).toEqual([
      `public.goods without its generated columns, which the stream does not have: ${list}`,
    ]);
    await using reading = await Reading.open(database.source(), null);
    await reading.untilCopied();
    await database.sql('UPDATE goods SET net = 11');
    await reading.untilHead();
    expect(reading.rows.map(briefly)).toEqual(['read goods 1,10', 'update goods 1,11']);
  });

  test('that are stored come where a publication of others has them, from PostgreSQL 18 on', async () => {
    const has = server.version >= 18;
    const options = has ? ' WITH (publish_generated_columns = stored)' : '';
    await using database = await shop(`${stored} CREATE PUBLICATION of_the_dba FOR TABLE goods${options}`);
    const given = { publication: 'of_the_dba' };
    expect(await told(database, given, 'WEIR_PG_COLUMNS')).toHaveLength(has ? 0 : 1);
    await using reading = await Reading.open(database.source(given), null);
    await reading.untilCopied();
    await database.sql('UPDATE goods SET net = 11');
    await reading.untilHead();
    const [copied, streamed] = has ? ['1,10,20', '1,11,22'] : ['1,10', '1,11'];
    expect(reading.rows.map(briefly)).toEqual([`read goods ${copied}`, `update goods ${streamed}`]);
  });

  test('can be listed in `columns` where the server can stream them', async () => {
    await using database = await shop(stored);
    const config = { columns: { 'public.goods': ['id', 'gross'] } };
    if (await expectTooOld(database, config)) return;
    if (server.version < 18) return await expectRefusedAs(database, config, 'WEIR_PG_COLUMNS', 'is generated (stored)');
    await using reading = await Reading.open(database.source(config), null);
    await reading.untilCopied();
    await database.sql('UPDATE goods SET net = 11');
    await reading.untilHead();
    expect(reading.rows.map(briefly)).toEqual(['read goods 1,20', 'update goods 1,22']);
  });

  // From 18 on the server refuses the UPDATE of such a table when it is published.
  test('under REPLICA IDENTITY FULL are refused where the server does not allow them', async () => {
    await using database = await shop(`${stored} ALTER TABLE goods REPLICA IDENTITY FULL`);
    if (server.version >= 18) {
      const message = 'generated columns that are not published: gross';
      await expectRefusedAs(database, {}, 'WEIR_PG_REPLICA_IDENTITY', message);
      await database.sql('ALTER TABLE "public"."goods" REPLICA IDENTITY DEFAULT');
    }
    await using reading = await Reading.open(database.source(), null);
    await reading.untilCopied();
    await database.sql('UPDATE goods SET net = 11; DELETE FROM goods');
    await reading.untilHead();
    expect(reading.streamed).toHaveLength(2);
  });
});
