import { Reading } from '@weir/testkit';
import { expect, test } from 'vitest';
import { PostgresEnvironment } from './testing/postgres-environment.ts';
import { TestDatabase } from './testing/test-database.ts';
import { useTestServer } from './testing/test-server.ts';

const server = useTestServer();

/**
 * Types of the server itself that a column can have: base types, ranges, multiranges, and arrays of these. Arrays of rows of
 * its own catalogs and of pseudo-types are none.
 */
const TYPES_WITHOUT_CASE = `
  SELECT t.oid::regtype::text AS name
    FROM pg_type t LEFT JOIN pg_type e ON e.oid = t.typelem AND t.typinput = 'array_in'::regproc
   WHERE t.typnamespace = 'pg_catalog'::regnamespace
     AND t.typtype IN ('b', 'r', 'm') AND (e.oid IS NULL OR e.typtype IN ('b', 'r', 'm'))
     AND NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'types'::regclass AND atttypid = t.oid)
   ORDER BY name`;

test('every built-in type that a column can have is among the cases of the contract', async () => {
  await using environment = await PostgresEnvironment.start(server);
  await environment.createTypes();
  expect((await environment.database.sql(TYPES_WITHOUT_CASE)).map(({ name }) => name)).toEqual([]);
  await environment.database.sql('ALTER TABLE types DROP COLUMN a_point, DROP COLUMN an_int4_array, DROP COLUMN some_ints');
  const missing = (await environment.database.sql(TYPES_WITHOUT_CASE)).map(({ name }) => name);
  expect(missing, 'a type without a case is found').toEqual(['integer[]', 'point']);
});

test('values of an enum that were added meanwhile come as they are called', async () => {
  await using database = await TestDatabase.create(server.url);
  await database.sql(`
    CREATE TYPE mood AS ENUM ('sad', 'happy');
    CREATE TABLE people (id int PRIMARY KEY, mood mood, moods mood[]);
    INSERT INTO people VALUES (1, 'sad', '{happy}')`);
  await using reading = await Reading.open(database.source(), null);
  await reading.untilCopied();
  await database.sql("ALTER TYPE mood ADD VALUE 'it''s \"ok\"' BEFORE 'happy'");
  await database.sql(`INSERT INTO people VALUES (2, 'it''s "ok"', ARRAY['sad', 'it''s "ok"']::mood[])`);
  await reading.untilHead();
  expect(reading.rows.map(({ after }) => after)).toEqual([
    ['1', 'sad', '["happy"]'],
    ['2', 'it\'s "ok"', '["sad","it\'s \\"ok\\""]'],
  ]);
});

test('a domain whose rules change meanwhile goes on as the type below it', async () => {
  await using database = await TestDatabase.create(server.url);
  await database.sql(`
    CREATE DOMAIN price AS numeric(8, 2) CHECK (VALUE > 0);
    CREATE TABLE items (id int PRIMARY KEY, price price, prices price[]);
    INSERT INTO items VALUES (1, 1.5, '{2.5}')`);
  await using reading = await Reading.open(database.source(), null);
  await reading.untilCopied();
  await database.sql('ALTER DOMAIN price DROP CONSTRAINT price_check; ALTER DOMAIN price SET DEFAULT 7');
  await database.sql("INSERT INTO items (id, prices) VALUES (2, '{-1,NaN}')");
  await reading.untilHead();
  expect(reading.rows.map(({ after }) => after)).toEqual([
    ['1', '1.50', '[2.50]'],
    ['2', '7.00', '[-1.00,"NaN"]'],
  ]);
});

test('times, intervals and bytes are canonical whatever the database and the role are set to', async () => {
  await using database = await TestDatabase.create(server.url);
  const { name, url } = await database.role('SUPERUSER');
  await database.sql(`
    CREATE TABLE moments (id int PRIMARY KEY, at timestamptz, span interval, raw bytea, real float4);
    ALTER DATABASE ${database.name} SET TimeZone = 'Asia/Kolkata';
    ALTER DATABASE ${database.name} SET DateStyle = 'SQL, DMY';
    ALTER ROLE ${name} SET IntervalStyle = 'postgres_verbose';
    ALTER ROLE ${name} SET bytea_output = 'escape';
    ALTER ROLE ${name} SET extra_float_digits = -15;
    INSERT INTO moments VALUES (1, '2024-03-04 05:06:07+00', '1 day -2 hours', '\\x00ff', 0.1)`);
  await using reading = await Reading.open(database.source({}, url), null);
  await reading.untilCopied();
  await database.sql("INSERT INTO moments SELECT 2, at, span, raw, real FROM moments");
  await reading.untilHead();
  const cells = ['2024-03-04T05:06:07Z', 'P1DT-2H', '\u0000\u00ff', '0.1'];
  expect(reading.rows.map(({ after }) => after)).toEqual([
    ['1', ...cells],
    ['2', ...cells],
  ]);
});
