import { tableName, type CheckResult } from '@weir/sdk';
import { Reading, failure } from '@weir/testkit';
import { describe, expect, test } from 'vitest';
import { briefly } from '../testing/brief-row.ts';
import { copiedCheckpoint, errorsOf, refusal } from '../testing/open-source.ts';
import { TestDatabase } from '../testing/test-database.ts';
import { useTestServer } from '../testing/test-server.ts';

const server = useTestServer();
const { signal } = new AbortController();

/** One relation of every kind. */
const kinds = `
  CREATE TABLE orders (id int PRIMARY KEY); CREATE TABLE "Order Lines" (id int PRIMARY KEY);
  CREATE VIEW seen AS SELECT * FROM orders; CREATE MATERIALIZED VIEW kept AS SELECT * FROM orders;
  CREATE UNLOGGED TABLE fast (id int PRIMARY KEY); CREATE SEQUENCE numbers;
  CREATE FOREIGN DATA WRAPPER elsewhere; CREATE SERVER elsewhere FOREIGN DATA WRAPPER elsewhere;
  CREATE FOREIGN TABLE away (id int) SERVER elsewhere;`;

async function shop(sql = kinds): Promise<TestDatabase> {
  const database = await TestDatabase.create(server.url);
  await database.sql(sql);
  return database;
}

/** The one error that check gives; opening is refused with the same and leaves nothing at the server. */
async function expectRefused(database: TestDatabase, config: object): Promise<CheckResult> {
  const source = database.source(config);
  const errors = await errorsOf(source);
  expect(errors, JSON.stringify(errors)).toHaveLength(1);
  expect(await refusal(source)).toBe(errors[0]!.code);
  expect(await database.traces()).toEqual([]);
  return errors[0]!;
}

describe('a pattern without wildcard', () => {
  test.each([
    ['public.seen', 'a view', 'Name the tables that it reads.'],
    ['public.kept', 'a materialized view', 'Name the tables that it reads.'],
    ['public.away', 'a foreign table', 'Capture it at the server where it is stored.'],
    ['public.fast', 'an unlogged table', 'ALTER TABLE … SET LOGGED; or leave it out.'],
    ['public.numbers', 'a sequence', 'Leave it out: a sequence has no rows.'],
    ['pg_catalog.pg_class', 'a system table', 'Leave it out: the server does not publish its own tables.'],
    ['information_schema.tables', 'a system table', 'Leave it out: the server does not publish its own tables.'],
  ])('that names %s, %s, is refused, beside wildcards too', async (name, kind, fix) => {
    await using database = await shop();
    for (const tables of [[name], ['public.*', name]]) {
      expect(await expectRefused(database, { tables })).toMatchObject({
        code: 'WEIR_PG_TABLE_KIND',
        message: `${name} is ${kind}, whose changes cannot be captured`,
        fix,
        path: `tables[${tables.length - 1}]`,
      });
    }
  });

  test('that names a temporary table is refused', async () => {
    await using database = await shop();
    const application = await database.connect();
    await application.query('CREATE TEMPORARY TABLE basket (id int PRIMARY KEY)');
    const { rows } = await application.query<{ name: string }>('SELECT pg_my_temp_schema()::regnamespace::text AS name');
    const error = await expectRefused(database, { tables: [`${rows[0]!.name}.basket`] });
    expect(error).toMatchObject({ code: 'WEIR_PG_TABLE_KIND', fix: 'Leave it out: it ends with the session that made it.' });
    await application.end();
  });

  test.each([
    ['public.order', 'public.orders'],
    ['public.Orders', 'public.orders'],
    ['publik.orders', 'public.orders'],
    ['shop_of_the_world.orders', 'public.orders'],
    ['"public"."order lines"', 'public."Order Lines"'],
  ])('that nothing is called by, %s, is an error of its own that names the closest table', async (name, closest) => {
    await using database = await shop();
    expect(await expectRefused(database, { tables: ['public.*', name] })).toMatchObject({
      code: 'WEIR_PG_TABLE_UNKNOWN',
      message: `no table is called ${name}`,
      fix: `Did you mean \`${closest}\`?`,
      path: 'tables[1]',
    });
  });

  test('that names nothing near is an error that says how to write names', async () => {
    await using database = await shop();
    const error = await expectRefused(database, { tables: ['a.b'] });
    expect(error).toMatchObject({ code: 'WEIR_PG_TABLE_UNKNOWN' });
    expect(error.fix).toContain('Correct the name');
  });

  test('that excludes may name what is not there', async () => {
    await using database = await shop();
    const tables = ['public.order*', '!public.order_lines', '!public.seen'];
    expect(await errorsOf(database.source({ tables }))).toEqual([]);
  });

  // Whether that is a schema change or an error is not for the configuration to say.
  test('may name a table that was dropped, once there is a checkpoint', async () => {
    await using database = await shop('CREATE TABLE orders (id int PRIMARY KEY); CREATE TABLE lines (id int PRIMARY KEY)');
    const source = database.source({ tables: ['public.orders', 'public.lines'] });
    const from = await copiedCheckpoint(source);
    await database.sql('DROP TABLE lines');
    expect((await errorsOf(source)).map(({ code }) => code)).toEqual(['WEIR_PG_TABLE_UNKNOWN']);
    await using session = await source.open(from, signal);
    expect(session.status().phase).toBe('connecting');
  });
});

describe('wildcards', () => {
  test('pass over what has no changes of its own, and check says in one line what', async () => {
    await using database = await shop();
    for (const tables of [['*.*'], ['public.*']]) {
      const source = database.source({ tables });
      expect((await source.discover(signal)).map(tableName)).toEqual(['public.Order Lines', 'public.orders']);
      const told = (await source.check(signal)).filter(({ code }) => code === 'WEIR_PG_TABLE_KIND');
      expect(told).toEqual([
        {
          code: 'WEIR_PG_TABLE_KIND',
          level: 'warning',
          message:
            'passed over: public.away (foreign table), public.fast (unlogged table), ' +
            'public.kept (materialized view), public.seen (view)',
        },
      ]);
    }
  });

  test('that pass over views alone are no reason for a warning', async () => {
    await using database = await shop('CREATE TABLE orders (id int PRIMARY KEY); CREATE VIEW seen AS SELECT 1');
    const told = (await database.source().check(signal)).find(({ code }) => code === 'WEIR_PG_TABLE_KIND');
    expect(told).toMatchObject({ level: 'ok', message: 'passed over: public.seen (view)' });
  });

  test('name a few and count the rest', async () => {
    const views = Array.from({ length: 30 }, (_, i) => `CREATE VIEW v${i} AS SELECT 1;`).join(' ');
    await using database = await shop(`CREATE TABLE orders (id int PRIMARY KEY); ${views}`);
    const told = (await database.source().check(signal)).find(({ code }) => code === 'WEIR_PG_TABLE_KIND');
    expect(told!.message).toMatch(/ and 10 more$/);
  });
});

describe('names with dots', () => {
  const dotted = `
    CREATE SCHEMA "a.b"; CREATE SCHEMA a;
    CREATE TABLE "a.b".c (id int PRIMARY KEY); CREATE TABLE a."b.c" (id int PRIMARY KEY, note text);
    INSERT INTO "a.b".c VALUES (1); INSERT INTO a."b.c" VALUES (2, 'x');`;

  test('that are one text for people are two tables', async () => {
    await using database = await shop(dotted);
    const source = database.source({ tables: ['a*.*'] });
    const tables = await source.discover(signal);
    expect(tables.map(({ namespace, name }) => [namespace, name])).toEqual([
      ['a', 'b.c'],
      ['a.b', 'c'],
    ]);
    const reading = await Reading.open(source, null);
    await reading.until(() => reading.copied.length === 2);
    await database.sql(`INSERT INTO "a.b".c VALUES (3); INSERT INTO a."b.c" VALUES (4, 'y')`);
    await reading.untilHead();
    expect(reading.rows.map(briefly).toSorted()).toEqual([
      'insert a.b.c 3',
      'insert a.b.c 4,y',
      'read a.b.c 1',
      'read a.b.c 2,x',
    ]);
    await reading[Symbol.asyncDispose]();
    await using again = await Reading.open(source, reading.checkpoint);
    await database.sql(`INSERT INTO "a.b".c VALUES (5); INSERT INTO a."b.c" VALUES (6, 'z')`);
    await again.untilHead();
    expect(again.rows.map(briefly)).toEqual(['insert a.b.c 5', 'insert a.b.c 6,z']);
  });

  test('are told apart by quotes', async () => {
    await using database = await shop(dotted);
    const chosen = async (table: string): Promise<string[]> =>
      (await database.source({ tables: [table] }).discover(signal)).map(({ namespace }) => namespace);
    expect(await chosen('"a.b".c')).toEqual(['a.b']);
    expect(await chosen('a."b.c"')).toEqual(['a']);
    expect(await chosen('a.b.c')).toEqual(['a']);
  });
});

test('an error about the configuration of a running pipeline leaves its server as it is', async () => {
  await using database = await shop();
  const from = await copiedCheckpoint(database.source());
  const before = await database.sql('SELECT * FROM pg_publication_rel');
  const error = await failure(database.source({ tables: ['public.orders', 'public.seen'] }).open(from, signal));
  expect(error.code).toBe('WEIR_PG_TABLE_KIND');
  expect(await database.sql('SELECT * FROM pg_publication_rel')).toEqual(before);
});
