import { Secret, type CheckResult } from '@weir/sdk';
import { describeWithServices, service } from '@weir/testkit/services';
import { expect, it } from 'vitest';
import { checkServer } from './check.ts';
import { proxyRelay } from './testing/proxy-relay.ts';
import { TestServer } from './testing/test-server.ts';

const servers = [
  { server: service('mysql'), client: 'REPLICATION CLIENT' },
  { server: service('mariadb', { settings: { gtid_strict_mode: 'ON' } }), client: 'BINLOG MONITOR' },
] as const;
const signal = new AbortController().signal;
const ITEMS = 'CREATE TABLE items (id int PRIMARY KEY, name varchar(40))';

const check = async (at: TestServer, tables = [`${at.name}.*`], config = at.config, serverId = 4_000_000_000): Promise<CheckResult[]> =>
  await checkServer(config, { tables, serverId, isCopying: true }, signal);
const wrong = (results: readonly CheckResult[]): CheckResult[] => results.filter(({ level }) => level !== 'ok');

for (const { server, client } of servers) {
  await describeWithServices(`a check of ${server.title}`, [server], () => {
    it('finds a server that is set up fit', async () => {
      await using at = await TestServer.with(server, ITEMS);
      expect(wrong(await check(at))).toEqual([]);
    });

    it.each([
      ['binlog_format', 'MIXED', 'ROW', 'WEIR_MYSQL_LOG_SETTINGS'],
      ['binlog_row_image', 'MINIMAL', 'FULL', 'WEIR_MYSQL_LOG_SETTINGS'],
      ['binlog_row_metadata', 'MINIMAL', 'FULL', 'WEIR_MYSQL_LOG_SETTINGS'],
      ['binlog_checksum', 'NONE', 'CRC32', 'MYSQL_CHECKSUM'],
      ['binlog_expire_logs_seconds', '3600', '2592000', 'MYSQL_RETENTION'],
    ])('sees that %s is %s, and prints the SQL that mends it', async (name, bad, good, code) => {
      await using at = await TestServer.with(server, ITEMS);
      const value = (text: string): string => (/^\d/u.test(text) ? text : `'${text}'`);
      try {
        await at.sql(`SET GLOBAL ${name} = ${value(bad)}`);
        const [result, ...others] = wrong(await check(at));
        expect(result).toMatchObject({ code, fix: expect.stringContaining(name) as string });
        expect(others).toEqual([]);
        await at.sql(result!.fix!.replace('PERSIST', 'GLOBAL'));
        expect(wrong(await check(at))).toEqual([]);
      } finally {
        await at.sql(`SET GLOBAL ${name} = ${value(good)}`);
      }
    });

    it('sees what a user lacks; with what it prints the user can read', async () => {
      await using at = await TestServer.with(server, ITEMS);
      const config = await at.user(`SELECT ON \`${at.name}\`.*`);
      const [result, ...others] = wrong(await check(at, undefined, config));
      expect(result).toMatchObject({ code: 'WEIR_MYSQL_GRANT', level: 'error', message: expect.stringContaining(`REPLICATION SLAVE and ${client}`) as string });
      expect(others).toEqual([]);
      await at.sql(result!.fix!);
      expect(wrong(await check(at, undefined, config))).toEqual([]);
    });

    it('sees that a table may be seen and not be read', async () => {
      await using at = await TestServer.with(server, ITEMS);
      const config = await at.user(`REPLICATION SLAVE, ${client} ON *.*`, `INSERT ON \`${at.name}\`.items`);
      const results = wrong(await check(at, undefined, config));
      expect(results).toMatchObject([{ code: 'WEIR_MYSQL_GRANT', level: 'error', path: 'tables' }]);
      await at.sql(results[0]!.fix!);
      expect(wrong(await check(at, undefined, config))).toEqual([]);
    });

    it('sees tables that are not there, no tables, and what is to be known of some', async () => {
      await using at = await TestServer.with(
        server,
        'CREATE TABLE a_list (name text)',
        'CREATE TABLE b_other (id int PRIMARY KEY) ENGINE = MyISAM',
        ITEMS,
        'CREATE VIEW c_view AS SELECT id FROM items',
      );
      expect(wrong(await check(at))).toMatchObject([
        { code: 'MYSQL_NO_KEY', message: `${at.name}.a_list has no key: a changed row is told by all of its columns` },
        { code: 'MYSQL_ENGINE', message: expect.stringContaining('b_other is in MyISAM') as string },
        { code: 'MYSQL_NOT_A_TABLE', message: `${at.name}.c_view is a view, which is passed over` },
      ]);
      expect(wrong(await check(at, [`${at.name}.items`, `${at.name}.nothing`]))).toMatchObject([{ code: 'WEIR_TABLE_UNKNOWN', path: 'tables.1' }]);
      expect(wrong(await check(at, [`${at.name}.x*`]))).toMatchObject([{ code: 'WEIR_TABLE_UNKNOWN', path: 'tables' }]);
    });

    it('sees that the pipeline has the id of the server', async () => {
      await using at = await TestServer.with(server, ITEMS);
      expect(wrong(await check(at, undefined, at.config, 1))).toMatchObject([{ code: 'WEIR_MYSQL_SERVER_ID', path: 'server_id' }]);
    });

    it('sees a proxy in between, and which way is around it', async () => {
      await using at = await TestServer.with(server, ITEMS);
      await using relay = await proxyRelay(server.url);
      expect(wrong(await check(at, undefined, { url: new Secret(relay.url) }))).toMatchObject([
        { code: 'WEIR_MYSQL_PROXY', level: 'error', path: 'url', fix: expect.stringContaining('Name the server itself') as string },
      ]);
    });

    it('says what stands against connecting', async () => {
      await using at = await TestServer.with(server, ITEMS);
      const results = await check(at, undefined, at.configOf({ name: 'nobody', password: 'swordfish' }));
      expect(results).toMatchObject([{ code: 'WEIR_MYSQL_AUTH', level: 'error', path: 'url' }]);
      expect(JSON.stringify(results)).not.toContain('swordfish');
    });
  });
}

const mysql = servers[0].server;

await describeWithServices(`a check of ${mysql.title} for tables that are copied whole`, [mysql], () => {
  it('sees that the user may not lock them, and prints the SQL that mends it', async () => {
    await using at = await TestServer.with(mysql, ITEMS, 'CREATE TABLE a_list (name varchar(40) PRIMARY KEY)', 'CREATE TABLE b_list (name varchar(40) PRIMARY KEY)');
    const config = await at.user('REPLICATION SLAVE, REPLICATION CLIENT ON *.*', `SELECT ON \`${at.name}\`.*`);
    const [result, ...others] = wrong(await check(at, undefined, config));
    expect(result).toMatchObject({ code: 'WEIR_MYSQL_GRANT', level: 'error', path: 'tables', message: expect.stringContaining(`LOCK TABLES, which the copy of ${at.name}.a_list and 1 more takes`) as string });
    expect(others).toEqual([]);
    // By key, and where nothing is copied now, it is not needed.
    expect(wrong(await check(at, [`${at.name}.items`], config))).toEqual([]);
    const tables = [`${at.name}.*`];
    expect(wrong(await checkServer(config, { tables, serverId: 4_000_000_000, isCopying: false }, signal))).toMatchObject([{ code: 'WEIR_MYSQL_GRANT', level: 'warning' }]);
    await at.sql(result!.fix!);
    expect(wrong(await check(at, undefined, config))).toEqual([]);
  });
});
