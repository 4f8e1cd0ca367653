import { tableName } from '@weir/sdk';
import { Reading } from '@weir/testkit';
import { expect, test } from 'vitest';
import { TestDatabase } from '../testing/test-database.ts';
import { useTestServer } from '../testing/test-server.ts';

const server = useTestServer();

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/** Names that need quotes in SQL, in COPY, in LOCK and in the protocol. */
const names = ['My Shop', 'it\'s "quoted"', 'Ünï¢øde 😀', 'select', 'a.b', 'back\\slash', '%s $1 {}', ' '];

test.each(names)('a schema, a table, columns and a key named %j', async (name) => {
  await using database = await TestDatabase.create(server.url);
  const table = `${quoted(name)}.${quoted(name)}`;
  await database.sql(`
    CREATE SCHEMA ${quoted(name)};
    CREATE TABLE ${table} (${quoted(name)} int PRIMARY KEY, ${quoted(`${name}2`)} text);
    INSERT INTO ${table} VALUES (1, 'a')`);
  const source = database.source({ tables: [`${quoted(name)}.${quoted(name)}`] });
  const [found, ...others] = await source.discover(new AbortController().signal);
  expect(others).toEqual([]);
  expect(found).toMatchObject({ namespace: name, name, key: [0], columns: [{ name }, { name: `${name}2` }] });
  await using reading = await Reading.open(source, null);
  await reading.untilCopied();
  await database.sql(`UPDATE ${table} SET ${quoted(`${name}2`)} = 'b'; DELETE FROM ${table}; TRUNCATE ${table}`);
  await reading.untilHead();
  expect(reading.rows.map(({ after }) => after)).toEqual([['1', 'a'], ['1', 'b'], null, null]);
  expect(new Set(reading.rows.map((row) => row.table))).toEqual(new Set([tableName({ namespace: name, name })]));
  await reading[Symbol.asyncDispose]();
  await using again = await Reading.open(source, reading.checkpoint);
  await database.sql(`INSERT INTO ${table} VALUES (2, 'c')`);
  await again.untilHead();
  expect(again.rows.map(({ after }) => after)).toEqual([['2', 'c']]);
});

test('names of the greatest length', async () => {
  await using database = await TestDatabase.create(server.url);
  const long = 'n'.repeat(63);
  await database.sql(
    `CREATE SCHEMA ${long}; CREATE TABLE ${long}.${long} (${long} int PRIMARY KEY); INSERT INTO ${long}.${long} VALUES (1)`,
  );
  await using reading = await Reading.open(database.source({ tables: [`${long}.*`] }), null);
  await reading.untilCopied();
  await database.sql(`INSERT INTO ${long}.${long} VALUES (2)`);
  await reading.untilHead();
  expect(reading.rows.map(({ after }) => after)).toEqual([['1'], ['2']]);
});
