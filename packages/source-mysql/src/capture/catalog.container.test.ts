import { setTimeout as sleep } from 'node:timers/promises';
import { connect, type MysqlClient } from '@weir/mysql';
import { describeWithServices, service } from '@weir/testkit/services';
import { expect, it } from 'vitest';
import { comparePlaces } from '../position.ts';
import type { ServerLog } from '../server-log.ts';
import { readLog } from '../testing/read-log.ts';
import { TestServer } from '../testing/test-server.ts';
import { readCatalog, type CatalogTable } from './catalog.ts';
import { tablesAtEnd } from './chosen-tables.ts';
import { shapeOf } from './table-shape.ts';

const servers = [
  { server: service('mysql'), flavour: 'mysql' },
  { server: service('mariadb'), flavour: 'mariadb' },
] as const;

async function catalogOf(at: TestServer, ...patterns: string[]): Promise<CatalogTable[]> {
  const client = await connect(at.config, new AbortController().signal);
  try {
    return await readCatalog(client, patterns.length === 0 ? [`${at.name}.*`] : patterns);
  } finally {
    await client.close();
  }
}

/** What is read when somebody runs a statement just behind the end of the log, which is either done or waits before anything else is read. */
async function readWhile(at: TestServer, statement: string): Promise<{ readonly chosen: readonly CatalogTable[]; readonly log: ServerLog }> {
  const client = await connect(at.config, new AbortController().signal);
  let hasBegun = false;
  let running: Promise<unknown> = Promise.resolve();
  const meddle = async (): Promise<void> => {
    let isDone = false;
    hasBegun = true;
    running = at.sql(statement).finally(() => (isDone = true));
    const waits = `SELECT 1 FROM information_schema.processlist WHERE info LIKE '${statement}' AND state LIKE 'Waiting for table metadata lock'`;
    while (!isDone && (await at.sql(waits)).length === 0) await sleep(10);
  };
  const run = async (sql: string): ReturnType<MysqlClient['run']> => {
    const answer = await client.run(sql);
    if (!hasBegun && /^SHOW (?:MASTER|BINARY LOG) STATUS/u.test(sql)) await meddle();
    return answer;
  };
  try {
    return await tablesAtEnd({ run } as MysqlClient, [`${at.name}.*`]);
  } finally {
    await running;
    await client.close();
  }
}

for (const { server, flavour } of servers) {
  await describeWithServices(`the catalog of ${server.title}`, [server], () => {
    it('has the tables that patterns choose, in the order of their names, and nothing of the server', async () => {
      await using at = await TestServer.with(
        server,
        'CREATE TABLE `b "two"` (id int PRIMARY KEY)',
        'CREATE TABLE `a.one` (id int PRIMARY KEY)',
        'CREATE VIEW c AS SELECT 1 AS x',
        'CREATE TABLE audit_1 (id int)',
      );
      const names = async (...patterns: string[]): Promise<string[]> => (await catalogOf(at, ...patterns)).map(({ name, kind }) => `${name}: ${kind}`);
      expect(await names(`${at.name}.*`, '!*.audit_*')).toEqual(['a.one: table', 'b "two": table', 'c: view']);
      expect(await names(`${at.name}."b ""two"""`)).toEqual(['b "two": table']);
      expect(await names(`${at.name}.nothing`)).toEqual([]);
      expect(await names('mysql.*', 'sys.*', 'information_schema.*', 'performance_schema.*')).toEqual([]);
    });

    it('says what a column is', async () => {
      await using at = await TestServer.with(
        server,
        `CREATE TABLE t (
          id bigint unsigned AUTO_INCREMENT PRIMARY KEY, name varchar(10) CHARACTER SET latin1 COLLATE latin1_bin NOT NULL, kind enum('a','it''s'),
          data json, raw varbinary(8), secret int INVISIBLE, twice int AS (secret * 2) VIRTUAL, thrice int AS (secret * 3) STORED)`,
      );
      const [table] = await catalogOf(at);
      expect(table).toMatchObject({ engine: 'InnoDB', key: [0] });
      const columns = table!.columns.map(({ name, type, nullable, charset, isGenerated, isInvisible }) => [name, type, nullable, charset, isGenerated, isInvisible]);
      const width = (text: string): string => (flavour === 'mariadb' ? text : text.replace(/\(\d+\)/u, ''));
      const text = flavour === 'mariadb' ? 'utf8mb4' : null;
      expect(columns).toEqual([
        ['id', width('bigint(20) unsigned'), false, null, false, false],
        ['name', 'varchar(10)', false, 'latin1', false, false],
        ['kind', "enum('a','it''s')", true, 'utf8mb4', false, false],
        ['data', 'json', true, text, false, false],
        ['raw', 'varbinary(8)', true, null, false, false],
        ['secret', width('int(11)'), true, null, false, true],
        ['twice', width('int(11)'), true, null, true, false],
        ['thrice', width('int(11)'), true, null, true, false],
      ]);
      expect(shapeOf(table!, 'null').table.columns.map(({ name, type }) => `${name}: ${type.kind}`)).toEqual([
        'id: uint',
        'name: string',
        'kind: enum',
        'data: json',
        'raw: bytes',
        'secret: int',
      ]);
    });

    it('has the key by which rows are told apart', async () => {
      const keys = async (definition: string): Promise<string[]> => {
        await using at = await TestServer.with(server, `CREATE TABLE t (a int NOT NULL, b int NOT NULL, c int, d varchar(40) NOT NULL${definition})`);
        const [table] = await catalogOf(at);
        return table!.key.map((column) => table!.columns[column]!.name);
      };
      expect(await keys(', PRIMARY KEY (b, a), UNIQUE one (a)')).toEqual(['b', 'a']);
      expect(await keys(', UNIQUE x (a, b), UNIQUE y (d), UNIQUE z (b)')).toEqual(['d']);
      expect(await keys(', UNIQUE x (a, c), UNIQUE y (d(4)), UNIQUE z (b, a)')).toEqual(['b', 'a']);
      expect(await keys(', UNIQUE x (c), KEY y (a)')).toEqual([]);
    });

    it('is read as it is at an end of the log, also when a table is altered or made just then', async () => {
      await using at = await TestServer.with(server, 'CREATE TABLE items (id int PRIMARY KEY)');
      const altered = await readWhile(at, 'ALTER TABLE items ADD COLUMN more int');
      expect(altered.chosen.map(({ columns }) => columns.map(({ name }) => name))).toEqual([['id']]);
      expect(comparePlaces((await at.log()).end, altered.log.end)).toBeGreaterThan(0);
      const made = await readWhile(at, 'CREATE TABLE other (id int PRIMARY KEY)');
      expect(made.chosen.map(({ name, columns }) => `${name} ${columns.length}`)).toEqual(['items 2', 'other 1']);
      expect(comparePlaces((await at.log()).end, made.log.end)).toBe(0);
    });

    it('and the log agree, with generated and invisible columns among others', async () => {
      await using at = await TestServer.with(
        server,
        'CREATE TABLE t (id int PRIMARY KEY, twice int AS (n * 2) VIRTUAL, n int INVISIBLE, thrice int AS (n * 3) STORED, data json, name varchar(9))',
      );
      const { gtids } = await at.log();
      await at.sql("INSERT INTO t (id, n, data, name) VALUES (1, 21, '{\"a\": 1}', 'x')", "UPDATE t SET n = 22 WHERE id = 1", 'DELETE FROM t');
      const { rows } = await readLog({ config: at.config, flavour, start: gtids!, database: at.name }, (read) => read.rows.length >= 3);
      expect(rows).toEqual(['t insert 1|21|{"a": 1}|x', 't update 1|22|{"a": 1}|x', 't delete 1|22|{"a": 1}|x']);
    });
  });
}
