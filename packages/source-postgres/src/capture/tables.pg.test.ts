import { tableName } from '@weir/sdk';
import { Reading } from '@weir/testkit';
import { describe, expect, test } from 'vitest';
import { briefly } from '../testing/brief-row.ts';
import { copiedCheckpoint } from '../testing/open-source.ts';
import { TestDatabase } from '../testing/test-database.ts';
import { useTestServer } from '../testing/test-server.ts';

const server = useTestServer();
const { signal } = new AbortController();

async function shop(sql: string): Promise<TestDatabase> {
  const database = await TestDatabase.create(server.url);
  await database.sql(sql);
  return database;
}

describe('a partitioned table', () => {
  const visits = `
    CREATE TABLE visits (day date, page text, hits int, PRIMARY KEY (page, day)) PARTITION BY RANGE (day);
    CREATE TABLE visits_2023 PARTITION OF visits FOR VALUES FROM ('2023-01-01') TO ('2024-01-01') PARTITION BY LIST (page);
    CREATE TABLE visits_2023_home PARTITION OF visits_2023 FOR VALUES IN ('home');
    CREATE TABLE visits_2023_rest PARTITION OF visits_2023 DEFAULT;
    CREATE TABLE visits_2024 (hits int, page text NOT NULL, day date NOT NULL);
    ALTER TABLE visits ATTACH PARTITION visits_2024 FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
    INSERT INTO visits VALUES ('2023-05-01', 'home', 1), ('2023-05-01', 'cart', 2), ('2024-05-01', 'home', 3)`;

  test('is copied and streamed as one, whatever the order of a partition’s columns', async () => {
    await using database = await shop(visits);
    await using reading = await Reading.open(database.source(), null);
    await reading.untilCopied();
    expect(reading.copied.map(briefly).toSorted()).toEqual([
      'read visits 2023-05-01,cart,2',
      'read visits 2023-05-01,home,1',
      'read visits 2024-05-01,home,3',
    ]);
    await database.sql(`
      INSERT INTO visits VALUES ('2024-06-01', 'cart', 4);
      INSERT INTO visits_2024 (day, page, hits) VALUES ('2024-07-01', 'cart', 5);
      UPDATE visits SET hits = 6 WHERE hits = 1;
      UPDATE visits SET day = '2024-05-02' WHERE hits = 2;
      DELETE FROM visits WHERE hits = 3;
      CREATE TABLE visits_2025 PARTITION OF visits FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
      INSERT INTO visits VALUES ('2025-01-01', 'home', 7)`);
    await reading.untilHead();
    expect(reading.streamed.map(briefly)).toEqual([
      'insert visits 2024-06-01,cart,4',
      'insert visits 2024-07-01,cart,5',
      'update visits 2023-05-01,home,6',
      'delete visits  was 2023-05-01,cart,-',
      'insert visits 2024-05-02,cart,2',
      'delete visits  was 2024-05-01,home,-',
      'insert visits 2025-01-01,home,7',
    ]);
    expect(reading.seen[0]!.schemaChanges[0]!.table).toMatchObject({ name: 'visits', key: [1, 0] });
  });

  test('without partitions is copied as an empty one', async () => {
    await using database = await shop('CREATE TABLE visits (day date PRIMARY KEY) PARTITION BY RANGE (day)');
    await using reading = await Reading.open(database.source(), null);
    await reading.untilHead();
    expect(reading.seen.filter(({ chunk }) => chunk !== null).map(({ chunk }) => chunk)).toEqual([
      { table: 'public.visits', range: { after: null, upTo: null }, last: true },
    ]);
  });

  test('goes on with partitions that were added between two sessions', async () => {
    await using database = await shop(visits);
    const from = await copiedCheckpoint(database.source());
    await database.sql(`
      CREATE TABLE visits_2025 PARTITION OF visits FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
      INSERT INTO visits VALUES ('2025-01-01', 'home', 7)`);
    await using reading = await Reading.open(database.source(), from);
    await reading.untilHead();
    expect(reading.rows.map(briefly)).toEqual(['insert visits 2025-01-01,home,7']);
  });
});

describe('keys', () => {
  test('of several columns, in their own order', async () => {
    await using database = await shop(
      'CREATE TABLE lines (a int, b text, c int, n int, PRIMARY KEY (c, a, b)); INSERT INTO lines VALUES (1, $$x$$, 2, 0)',
    );
    await using reading = await Reading.open(database.source(), null);
    await reading.untilCopied();
    await database.sql("UPDATE lines SET n = 1; UPDATE lines SET b = 'y', c = 3; DELETE FROM lines");
    await reading.untilHead();
    expect(reading.seen[0]!.schemaChanges[0]!.table.key).toEqual([2, 0, 1]);
    expect(reading.streamed.map(briefly)).toEqual([
      'update lines 1,x,2,1',
      'update lines 1,y,3,1 was 1,x,2,-',
      'delete lines  was 1,y,3,-',
    ]);
  });

  test('of an index that is the replica identity', async () => {
    await using database = await shop(`
      CREATE TABLE lines (id int PRIMARY KEY, code text NOT NULL UNIQUE, n int);
      ALTER TABLE lines REPLICA IDENTITY USING INDEX lines_code_key;
      INSERT INTO lines VALUES (1, 'a', 0)`);
    await using reading = await Reading.open(database.source(), null);
    await reading.untilCopied();
    await database.sql("UPDATE lines SET id = 2; UPDATE lines SET code = 'b'; DELETE FROM lines");
    await reading.untilHead();
    expect(reading.streamed.map(briefly)).toEqual([
      'update lines 2,a,0',
      'update lines 2,b,0 was -,a,-',
      'delete lines  was -,b,-',
    ]);
  });

  test('with REPLICA IDENTITY FULL, every image is whole, large values that did not change too', async () => {
    await using database = await shop(`
      CREATE TABLE lines (id int PRIMARY KEY, large text, n int);
      ALTER TABLE lines ALTER large SET STORAGE EXTERNAL, REPLICA IDENTITY FULL;
      INSERT INTO lines VALUES (1, repeat('x', 10000), 0), (2, NULL, 0)`);
    await using reading = await Reading.open(database.source(), null);
    await reading.untilCopied();
    await database.sql(
      'UPDATE lines SET n = 1 WHERE id = 1; UPDATE lines SET id = 3 WHERE id = 2; DELETE FROM lines WHERE id = 1',
    );
    await reading.untilHead();
    const large = 'x'.repeat(10_000);
    expect(reading.streamed.map(({ before, after }) => ({ before, after }))).toEqual([
      { before: ['1', large, '0'], after: ['1', large, '1'] },
      { before: ['2', null, '0'], after: ['3', null, '0'] },
      { before: ['1', large, '1'], after: null },
    ]);
  });
});

describe('what belongs to a pipeline', () => {
  test('is neither views nor temporary, unlogged and foreign tables, nor generated columns', async () => {
    await using database = await shop(`
      CREATE TABLE orders (id int PRIMARY KEY, twice int GENERATED ALWAYS AS (id * 2) STORED, gone int, note text);
      ALTER TABLE orders DROP COLUMN gone;
      CREATE VIEW seen AS SELECT * FROM orders; CREATE MATERIALIZED VIEW kept AS SELECT * FROM orders;
      CREATE UNLOGGED TABLE fast (id int PRIMARY KEY); CREATE SEQUENCE numbers;
      INSERT INTO orders (id, note) VALUES (1, 'a')`);
    const tables = await database.source({ tables: ['*.*'] }).discover(signal);
    expect(tables.map(tableName)).toEqual(['public.orders']);
    expect(tables[0]!.columns.map(({ name, nullable, sourceType }) => [name, nullable, sourceType])).toEqual([
      ['id', false, 'integer'],
      ['note', true, 'text'],
    ]);
    await using reading = await Reading.open(database.source(), null);
    await reading.untilCopied();
    await database.sql("UPDATE orders SET note = 'b'");
    await reading.untilHead();
    expect(reading.rows.map(briefly)).toEqual(['read orders 1,a', 'update orders 1,b']);
  });

  test('is a table of its own where another inherits from it', async () => {
    await using database = await shop(`
      CREATE TABLE orders (id int PRIMARY KEY); CREATE TABLE old_orders (PRIMARY KEY (id)) INHERITS (orders);
      INSERT INTO orders VALUES (1); INSERT INTO old_orders VALUES (2)`);
    await using reading = await Reading.open(database.source(), null);
    await reading.untilHead();
    expect(reading.rows.map(briefly).toSorted()).toEqual(['read old_orders 2', 'read orders 1']);
  });

  test('is copied when it is added between two sessions, while the others go on; what is taken out is gone', async () => {
    await using database = await shop(
      'CREATE TABLE orders (id int PRIMARY KEY); CREATE TABLE lines (id int PRIMARY KEY); INSERT INTO orders VALUES (1)',
    );
    const from = await copiedCheckpoint(database.source({ tables: ['public.orders'] }));
    await database.sql('INSERT INTO lines VALUES (10); INSERT INTO orders VALUES (2); INSERT INTO lines VALUES (11)');
    const both = await Reading.open(database.source(), from);
    await both.untilCopied(['public.lines']);
    await database.sql('INSERT INTO lines VALUES (12); INSERT INTO orders VALUES (3)');
    await both.untilHead();
    await both[Symbol.asyncDispose]();
    expect(both.seen.flatMap(({ schemaChanges }) => schemaChanges.map(({ table }) => table.name))).toEqual(['lines']);
    expect(both.rows.map(briefly).toSorted()).toEqual([
      'insert lines 12',
      'insert orders 2',
      'insert orders 3',
      'read lines 10',
      'read lines 11',
    ]);
    await using lines = await Reading.open(database.source({ tables: ['public.lines'] }), both.checkpoint);
    await database.sql('INSERT INTO lines VALUES (13); INSERT INTO orders VALUES (4)');
    await lines.untilHead();
    expect(lines.rows.map(briefly)).toEqual(['insert lines 13']);
    expect(await database.value('SELECT string_agg(tablename, $1) FROM pg_publication_tables', [','])).toBe('lines');
  });

  test('is copied again when it was dropped and made again between two sessions', async () => {
    await using database = await shop('CREATE TABLE orders (id int PRIMARY KEY); INSERT INTO orders VALUES (1)');
    const from = await copiedCheckpoint(database.source());
    await database.sql(
      'DROP TABLE orders; CREATE TABLE orders (id int PRIMARY KEY, note text); INSERT INTO orders VALUES (7)',
    );
    await using reading = await Reading.open(database.source(), from);
    await reading.untilHead();
    expect(reading.seen.flatMap(({ schemaChanges }) => schemaChanges.map(({ change }) => change))).toEqual(['create']);
    expect(reading.rows.map(briefly)).toEqual(['read orders 7,null']);
  });

  test('is what a publication of others gives of it, less the tables that were not asked for', async () => {
    // PostgreSQL 14 knows no row filters.
    const filters = server.version >= 15;
    await using database = await shop(`
      CREATE TABLE orders (id int PRIMARY KEY, open bool); CREATE TABLE other (id int PRIMARY KEY);
      CREATE PUBLICATION of_the_dba FOR TABLE orders ${filters ? 'WHERE (id < 10)' : ''}, other;
      INSERT INTO orders VALUES (1, true), (20, true)`);
    await using reading = await Reading.open(
      database.source({ tables: ['public.orders'], publication: 'of_the_dba' }),
      null,
    );
    await reading.untilCopied();
    await database.sql('INSERT INTO orders VALUES (2, false), (30, false); INSERT INTO other VALUES (1)');
    await reading.untilHead();
    const rows = ['read orders 1,t', 'read orders 20,t', 'insert orders 2,f', 'insert orders 30,f'];
    expect(reading.rows.map(briefly)).toEqual(filters ? rows.filter((_, i) => i % 2 === 0) : rows);
  });

  test('is also the logical messages of its transactions', async () => {
    await using database = await shop('CREATE TABLE orders (id int PRIMARY KEY)');
    await using reading = await Reading.open(database.source(), null);
    await reading.untilCopied();
    await database.sql("BEGIN; INSERT INTO orders VALUES (1); SELECT pg_logical_emit_message(true, 'mark', 'here'); COMMIT");
    await database.sql("SELECT pg_logical_emit_message(false, 'mark', 'in no transaction')");
    await reading.untilHead();
    expect(reading.streamed.map(briefly)).toEqual(['insert orders 1', 'message  mark,here']);
  });
});

test('a table of several ranges of blocks is copied whole and once', async () => {
  await using database = await shop(`
    CREATE TABLE orders (id int PRIMARY KEY, note text);
    ALTER TABLE orders ALTER note SET STORAGE PLAIN;
    INSERT INTO orders SELECT i, repeat('x', 3000) FROM generate_series(1, 30000) i;
    DELETE FROM orders WHERE id % 10 = 0`);
  expect(Number(await database.value("SELECT pg_relation_size('orders') / 8192"))).toBeGreaterThan(3 * 4096);
  await using reading = await Reading.open(database.source({ snapshot: { max_connections: 3 } }), null);
  await reading.untilCopied();
  const ids = reading.copied.map(({ after }) => Number(after![0])).toSorted((a, b) => a - b);
  expect(ids).toEqual(Array.from({ length: 30_000 }, (_, i) => i + 1).filter((id) => id % 10 !== 0));
});

test('rows of 30 MB and tables of 1,000 columns come by copy and by stream', async () => {
  const columns = Array.from({ length: 999 }, (_, i) => `c${i} int DEFAULT ${i}`).join(', ');
  await using database = await shop(`
    CREATE TABLE huge (id int PRIMARY KEY, note text);
    CREATE TABLE wide (id int PRIMARY KEY, ${columns});
    INSERT INTO huge VALUES (1, repeat('x', 30000000));
    INSERT INTO wide SELECT generate_series(1, 300)`);
  await using reading = await Reading.open(database.source(), null);
  await reading.untilCopied();
  await database.sql(`
    BEGIN; INSERT INTO huge SELECT 2, note FROM huge; INSERT INTO wide SELECT generate_series(301, 600); COMMIT`);
  await reading.untilHead();
  for (const rows of [reading.copied, reading.streamed]) {
    const huge = rows.filter(({ table }) => table === 'public.huge');
    expect(huge.map(({ after }) => after![1]!.toString().length)).toEqual([30_000_000]);
    const wide = rows.filter(({ table }) => table === 'public.wide');
    expect(wide).toHaveLength(300);
    expect(wide.every(({ after }) => after!.length === 1000 && after![999] === '998' && after![1] === '0')).toBe(true);
  }
});
