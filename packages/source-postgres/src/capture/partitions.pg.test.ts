import { tableName } from '@weir/sdk';
import { Reading, failure } from '@weir/testkit';
import { describe, expect, test } from 'vitest';
import { briefly } from '../testing/brief-row.ts';
import { copiedCheckpoint, errorsOf, refusal } from '../testing/open-source.ts';
import { TestDatabase } from '../testing/test-database.ts';
import { useTestServer } from '../testing/test-server.ts';

const server = useTestServer();
const { signal } = new AbortController();

async function shop(sql: string): Promise<TestDatabase> {
  const database = await TestDatabase.create(server.url);
  await database.sql(sql);
  return database;
}

/** Two levels, with another order of columns in one leaf. */
const visits = `
  CREATE TABLE visits (day date, page text, hits int, PRIMARY KEY (page, day)) PARTITION BY RANGE (day);
  CREATE TABLE visits_2023 PARTITION OF visits FOR VALUES FROM ('2023-01-01') TO ('2024-01-01') PARTITION BY LIST (page);
  CREATE TABLE visits_2023_home PARTITION OF visits_2023 FOR VALUES IN ('home');
  CREATE TABLE visits_2023_rest PARTITION OF visits_2023 DEFAULT;
  CREATE TABLE visits_2024 (hits int, page text NOT NULL, day date NOT NULL);
  ALTER TABLE visits ATTACH PARTITION visits_2024 FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
  INSERT INTO visits VALUES ('2023-05-01', 'home', 1), ('2023-05-01', 'cart', 2), ('2024-05-01', 'home', 3);`;
const leaves = ['public.visits_2023_home', 'public.visits_2023_rest', 'public.visits_2024'];

/** The only message among the results that has this text. */
async function message(database: TestDatabase, config: object, text: string): Promise<string> {
  const found = (await database.source(config).check(signal)).filter((result) => result.message.includes(text));
  expect(found, text).toHaveLength(1);
  expect(found[0]!.level).toBe('ok');
  return found[0]!.message;
}

/** Reads copy and stream of statements that change rows in, and between, the leaves. */
async function expectLeaves(database: TestDatabase, config: object): Promise<void> {
  const source = database.source(config);
  expect((await source.discover(signal)).map(tableName)).toEqual(leaves);
  await using reading = await Reading.open(source, null);
  await reading.untilCopied();
  expect(reading.copied.map(briefly).toSorted()).toEqual([
    'read visits_2023_home 2023-05-01,home,1',
    'read visits_2023_rest 2023-05-01,cart,2',
    'read visits_2024 3,home,2024-05-01',
  ]);
  await database.sql(`
    INSERT INTO visits VALUES ('2024-06-01', 'cart', 4);
    UPDATE visits SET hits = 6 WHERE hits = 1;
    UPDATE visits SET day = '2024-05-02' WHERE hits = 2;
    TRUNCATE visits_2023_home;
    DELETE FROM visits_2024 WHERE hits = 3`);
  await reading.untilHead();
  expect(reading.streamed.map(briefly)).toEqual([
    'insert visits_2024 4,cart,2024-06-01',
    'update visits_2023_home 2023-05-01,home,6',
    'delete visits_2023_rest  was 2023-05-01,cart,-',
    'insert visits_2024 2,cart,2024-05-02',
    'truncate visits_2023_home',
    'delete visits_2024  was -,home,2024-05-01',
  ]);
}

describe('partitions: leaves', () => {
  test('each leaf is a table, with its own order of columns', async () => {
    await using database = await shop(visits);
    await expectLeaves(database, { partitions: 'leaves' });
    expect(await message(database, { partitions: 'leaves' }, 'read by partition')).toBe(
      'read by partition: public.visits (3 tables)',
    );
  });

  test('patterns choose and exclude leaves by their own name and by those of what they are a part of', async () => {
    await using database = await shop(visits);
    const chosen = async (...tables: string[]): Promise<string[]> =>
      (await database.source({ partitions: 'leaves', tables }).discover(signal)).map(tableName);
    expect(await chosen('public.visits')).toEqual(leaves);
    expect(await chosen('public.visits_2023')).toEqual(leaves.slice(0, 2));
    expect(await chosen('public.visits_2024')).toEqual(leaves.slice(2));
    expect(await chosen('public.*', '!public.visits_2023')).toEqual(leaves.slice(2));
    expect(await chosen('public.*', '!public.visits')).toEqual([]);
  });

  test('a leaf that is unlogged is passed over, and a root without leaves is none', async () => {
    await using database = await shop(`${visits}
      CREATE UNLOGGED TABLE visits_2025 PARTITION OF visits FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
      CREATE TABLE empty (id int PRIMARY KEY) PARTITION BY RANGE (id)`);
    const results = await database.source({ partitions: 'leaves' }).check(signal);
    expect(results.filter(({ code }) => code === 'WEIR_PG_TABLE_KIND')).toMatchObject([
      {
        level: 'warning',
        message: 'passed over: public.empty (without partitions), public.visits_2025 (partition of public.visits)',
      },
    ]);
    expect((await database.source({ partitions: 'leaves' }).discover(signal)).map(tableName)).toEqual(leaves);
  });
});

describe('partitions: root', () => {
  test('a partition by its name is refused: it is a part of one table', async () => {
    await using database = await shop(visits);
    const source = database.source({ tables: ['public.visits_2024'] });
    expect(await errorsOf(source)).toMatchObject([
      {
        code: 'WEIR_PG_TABLE_KIND',
        path: 'tables[0]',
        message: 'public.visits_2024 is a partition of public.visits, which is captured as one table',
        fix: 'Name public.visits, or set `partitions: leaves`.',
      },
    ]);
    expect(await refusal(source)).toBe('WEIR_PG_TABLE_KIND');
    expect(await errorsOf(database.source({ tables: ['public.visits_2024'], partitions: 'leaves' }))).toEqual([]);
  });

  test('wildcards that match partitions alone pass them over, and say so', async () => {
    await using database = await shop(`${visits} CREATE TABLE visits_now (id int PRIMARY KEY)`);
    const source = database.source({ tables: ['public.visits_*'] });
    expect((await source.discover(signal)).map(tableName)).toEqual(['public.visits_now']);
    const [told] = (await source.check(signal)).filter(({ level }) => level === 'warning');
    expect(told!.message).toContain('public.visits_2024 (partition of public.visits)');
  });

  test('a partition with rows in no log is refused with the whole', async () => {
    await using database = await shop(`${visits}
      CREATE UNLOGGED TABLE visits_2025 PARTITION OF visits FOR VALUES FROM ('2025-01-01') TO ('2026-01-01')`);
    const source = database.source();
    const [error, ...others] = await errorsOf(source);
    expect(others).toEqual([]);
    expect(error).toMatchObject({ code: 'WEIR_PG_TABLE_KIND', path: 'tables' });
    expect(error!.message).toContain('public.visits_2025');
    expect(await refusal(source)).toBe('WEIR_PG_TABLE_KIND');
  });

  test.each([
    ['DEFAULT', '', 'ALTER TABLE visits_2024 REPLICA IDENTITY FULL', 'DEFAULT'],
    ['FULL', 'ALTER TABLE visits REPLICA IDENTITY FULL;', 'SELECT 1', 'FULL'],
    [
      'an index',
      `ALTER TABLE visits ALTER hits SET NOT NULL; CREATE UNIQUE INDEX by_hits ON visits (day, page, hits);
       ALTER TABLE visits REPLICA IDENTITY USING INDEX by_hits;
       ALTER TABLE visits_2023_home REPLICA IDENTITY USING INDEX visits_2023_home_day_page_hits_idx;
       ALTER TABLE visits_2023_rest REPLICA IDENTITY USING INDEX visits_2023_rest_day_page_hits_idx;`,
      'SELECT 1',
      'USING INDEX "visits_2024_day_page_hits_idx"',
    ],
    [
      'an index of other columns',
      `ALTER TABLE visits ALTER hits SET NOT NULL; CREATE UNIQUE INDEX by_hits ON visits (day, page, hits);
       CREATE UNIQUE INDEX others ON visits_2024 (hits);
       ALTER TABLE visits REPLICA IDENTITY USING INDEX by_hits;
       ALTER TABLE visits_2023_home REPLICA IDENTITY USING INDEX visits_2023_home_day_page_hits_idx;
       ALTER TABLE visits_2023_rest REPLICA IDENTITY USING INDEX visits_2023_rest_day_page_hits_idx;`,
      'ALTER TABLE visits_2024 REPLICA IDENTITY USING INDEX others',
      'USING INDEX "visits_2024_day_page_hits_idx"',
    ],
  ])('under %s has partitions that are identified as it is, or the ALTER for that is printed', async (_, root, leaf, fix) => {
    await using database = await shop(`${visits} ${root} ${leaf}`);
    const source = database.source();
    const [error, ...others] = await errorsOf(source);
    expect(others).toEqual([]);
    expect(error!.code).toBe('WEIR_PG_REPLICA_IDENTITY');
    expect(error!.message).toContain('another replica identity than public.visits');
    expect(error!.fix).toContain(`ALTER TABLE public.visits_2024 REPLICA IDENTITY ${fix};`);
    expect(await refusal(source)).toBe('WEIR_PG_REPLICA_IDENTITY');
    expect(await database.traces()).toEqual([]);
    await database.sql(error!.fix!);
    expect(await errorsOf(source)).toEqual([]);
    await using reading = await Reading.open(source, null);
    await reading.untilCopied();
    await database.sql('UPDATE visits SET hits = 9 WHERE hits = 3; DELETE FROM visits WHERE hits = 9');
    await reading.untilHead();
    expect(reading.streamed).toHaveLength(2);
  });
});

describe('a publication of others', () => {
  test('without publish_via_partition_root is read by leaf, and check says so', async () => {
    await using database = await shop(`${visits} CREATE PUBLICATION of_the_dba FOR TABLE visits`);
    await expectLeaves(database, { publication: 'of_the_dba' });
    expect(await message(database, { publication: 'of_the_dba' }, 'read by partition')).toBe(
      'read by partition, as publication of_the_dba sends them: public.visits (3 tables)',
    );
  });

  test('with it is read as one, also FOR ALL TABLES, which has no entries of tables', async () => {
    await using database = await shop(
      `${visits} CREATE PUBLICATION of_the_dba FOR ALL TABLES WITH (publish_via_partition_root = true)`,
    );
    const source = database.source({ publication: 'of_the_dba' });
    const from = await copiedCheckpoint(source);
    await database.sql("INSERT INTO visits VALUES ('2024-06-01', 'cart', 4)");
    await using reading = await Reading.open(source, from);
    await reading.untilHead();
    expect(reading.rows.map(briefly)).toEqual(['insert visits 2024-06-01,cart,4']);
  });

  test('that sends the whole cannot be read by leaf', async () => {
    await using database = await shop(
      `${visits} CREATE PUBLICATION of_the_dba FOR TABLE visits WITH (publish_via_partition_root = true)`,
    );
    const [error] = await errorsOf(database.source({ publication: 'of_the_dba', partitions: 'leaves' }));
    expect(error).toMatchObject({
      code: 'WEIR_PG_PUBLICATION_OPTIONS',
      path: 'partitions',
      fix: 'ALTER PUBLICATION "of_the_dba" SET (publish_via_partition_root = false); or set `partitions: root`.',
    });
  });

  test('with one leaf alone has that leaf, and lacks the others', async () => {
    await using database = await shop(`${visits} CREATE PUBLICATION of_the_dba FOR TABLE visits_2024`);
    const one = database.source({ publication: 'of_the_dba', tables: ['public.visits_2024'] });
    expect(await errorsOf(one)).toEqual([]);
    expect((await one.discover(signal)).map(tableName)).toEqual(['public.visits_2024']);
    const [error] = await errorsOf(database.source({ publication: 'of_the_dba' }));
    expect(error).toMatchObject({
      code: 'WEIR_PG_GRANT_PUBLICATION',
      fix: 'ALTER PUBLICATION "of_the_dba" ADD TABLE ONLY "public"."visits_2023_home", ONLY "public"."visits_2023_rest";',
    });
  });

  test('whose leaf is detached no longer has it: what was written since is in no stream', async () => {
    await using database = await shop(`${visits} CREATE PUBLICATION of_the_dba FOR TABLE visits`);
    const source = database.source({ publication: 'of_the_dba', tables: ['public.visits_2024'] });
    const from = await copiedCheckpoint(source);
    await database.sql('ALTER TABLE visits DETACH PARTITION visits_2024');
    const error = await failure(source.open(from, signal));
    expect(error.code).toBe('WEIR_PG_GRANT_PUBLICATION');
    await database.sql(error.fix);
    expect(await refusal(source, from)).toBe('WEIR_PG_PUBLICATION_CHANGED');
  });
});

describe('tables that inherit', () => {
  const inheriting = `
    CREATE TABLE orders (id int PRIMARY KEY, note text); CREATE TABLE old_orders (PRIMARY KEY (id)) INHERITS (orders);
    CREATE TABLE log_of_orders () INHERITS (orders);
    INSERT INTO orders VALUES (1, 'a'); INSERT INTO old_orders VALUES (2, 'b'); INSERT INTO log_of_orders VALUES (3, 'c');`;

  test('are tables of their own, in copy and stream', async () => {
    await using database = await shop(inheriting);
    await using reading = await Reading.open(database.source({ tables: ['public.*', '!public.log_*'] }), null);
    await reading.untilCopied();
    expect(reading.copied.map(briefly).toSorted()).toEqual(['read old_orders 2,b', 'read orders 1,a']);
    await database.sql("UPDATE orders SET note = 'x' WHERE id < 3; DELETE FROM ONLY orders; TRUNCATE ONLY orders");
    await reading.untilHead();
    expect(reading.streamed.map(briefly).toSorted()).toEqual([
      'delete orders  was 1,-',
      'truncate orders',
      'update old_orders 2,x',
      'update orders 1,x',
    ]);
  });

  // Without ONLY the server would publish it with its parent, and refuse the application's UPDATE of it.
  test('are not published with the table that they inherit from', async () => {
    await using database = await shop(inheriting);
    await copiedCheckpoint(database.source({ tables: ['public.orders'] }));
    expect(await database.sql('SELECT tablename FROM pg_publication_tables')).toEqual([{ tablename: 'orders' }]);
    await database.sql('UPDATE log_of_orders SET id = 4; DELETE FROM log_of_orders');
  });
});
