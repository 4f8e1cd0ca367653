import { createConnection, type Connection, type ConnectionOptions, type RowDataPacket } from 'mysql2/promise';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { describeWithServices } from './describe-with-services.ts';
import type { MysqlDatabase } from './mysql-service.ts';
import { service } from './service.ts';

const toxiproxy = service('toxiproxy');
/** Of the call, so it reaches the server. */
const settings = { wait_timeout: '4321' };

/** What differs; `authority` and `encryption` are what the server makes by itself. */
const servers = [
  {
    server: service('mysql', { settings }),
    version: /^9\./,
    position: 'SHOW BINARY LOG STATUS',
    authority: true,
    encryption: 'TLSv1.3',
  },
  {
    server: service('mariadb', { settings }),
    version: /^11\.8\./,
    position: 'SHOW BINLOG STATUS',
    authority: false,
    encryption: 'TLSv1.3',
  },
  {
    server: service('mariadb', { version: '10.11', settings }),
    version: /^10\.11\./,
    position: 'SHOW BINLOG STATUS',
    authority: false,
    encryption: 'HANDSHAKE_NO_SSL_SUPPORT',
  },
] as const;

async function connect(url: string, options: ConnectionOptions = {}): Promise<Connection> {
  const connection = await createConnection({ uri: url, ...options });
  // A server that restarted meanwhile has ended it.
  onTestFinished(() => connection.destroy());
  return connection;
}

async function rows(connection: Connection, statement: string): Promise<RowDataPacket[]> {
  return (await connection.query<RowDataPacket[]>(statement))[0];
}

for (const { server, version, position, authority, encryption } of servers) {
  await describeWithServices(`${server.title} in a container`, [server, toxiproxy], () => {
    let database: MysqlDatabase;
    beforeEach(async () => {
      database = await server.database();
      return async () => await database[Symbol.asyncDispose]();
    });

    test('has its version, and logs whole rows with the names of their columns', async () => {
      const variables = ['version', 'log_bin', 'binlog_format', 'binlog_row_image', 'binlog_row_metadata', 'global.wait_timeout'];
      const client = await connect(server.url);
      expect(await rows(client, `SELECT ${variables.map((name) => `@@${name}`).join()}`)).toEqual([
        {
          '@@version': expect.stringMatching(version) as string,
          '@@log_bin': 1,
          '@@binlog_format': 'ROW',
          '@@binlog_row_image': 'FULL',
          '@@binlog_row_metadata': 'FULL',
          '@@global.wait_timeout': 4321,
        },
      ]);
    });

    test('has named time zones, and utf8mb4 in a new database', async () => {
      const client = await connect(database.url);
      const there = "CONVERT_TZ('2026-07-01 12:00:00', 'UTC', 'Europe/Berlin') = '2026-07-01 14:00:00'";
      expect(await rows(client, `SELECT ${there} AS isThere, @@character_set_database AS charset`)).toEqual([
        { isThere: 1, charset: 'utf8mb4' },
      ]);
    });

    test('has the certificate that it made by itself', async () => {
      const client = await connect(server.url);
      const encrypted = connect(server.url, { ssl: authority ? { ca: await authorityOf(client) } : { rejectUnauthorized: false } });
      const found = encrypted.then(
        async (other) => (await rows(other, "SHOW STATUS LIKE 'Ssl_version'"))[0]?.['Value'] as string,
        (error: unknown) => (error as NodeJS.ErrnoException).code,
      );
      expect(await found).toBe(encryption);
    });

    test('a row that is inserted is an event of the log', async () => {
      const client = await connect(database.url);
      await client.query('CREATE TABLE items (id int PRIMARY KEY, name text)');
      const [before] = await rows(client, position);
      await client.query("INSERT INTO items VALUES (1, 'one')");
      const events = await rows(client, `SHOW BINLOG EVENTS IN '${before!['File']}' FROM ${before!['Position']}`);
      const types = events.map((event) => String(event['Event_type']).replace(/_v1$/, ''));
      expect(types.filter((type) => ['Gtid', 'Table_map', 'Write_rows', 'Xid'].includes(type))).toEqual([
        'Gtid',
        'Table_map',
        'Write_rows',
        'Xid',
      ]);
    });

    test('a prepared transaction outlives its session and a crash of the server', async () => {
      const client = await connect(database.url);
      await client.query('CREATE TABLE items (id int PRIMARY KEY)');
      const xid = `'${database.name}'`;
      for (const statement of [`XA START ${xid}`, 'INSERT INTO items VALUES (1)', `XA END ${xid}`, `XA PREPARE ${xid}`])
        await client.query(statement);
      client.destroy();
      await server.restart('immediate');
      const other = await connect(database.url);
      expect((await rows(other, 'XA RECOVER')).map(({ data }) => String(data))).toEqual([database.name]);
      expect(await rows(other, 'SELECT id FROM items')).toEqual([]);
      await other.query(`XA COMMIT ${xid}`);
      expect(await rows(other, 'SELECT id FROM items')).toEqual([{ id: 1 }]);
    });

    test.each(['fast', 'immediate'] as const)('keeps its data, its log and its URL over a restart: %s', async (ending) => {
      const client = await connect(database.url);
      await client.query('CREATE TABLE items (id int PRIMARY KEY)');
      await client.query('INSERT INTO items VALUES (7)');
      const [before] = await rows(client, position);
      const { url } = server;
      client.destroy();
      await server.restart(ending);
      expect(server.url).toBe(url);
      const again = await connect(database.url);
      expect(await rows(again, 'SELECT id FROM items')).toEqual([{ id: 7 }]);
      expect((await rows(again, 'SHOW BINARY LOGS')).map((log) => log['Log_name'] as string)).toContain(before!['File']);
    });

    test('drops the database of a test, when that is disposed', async () => {
      const client = await connect(server.url);
      let name: string;
      {
        await using other = await server.database();
        name = other.name;
        expect(await rows(client, `SHOW DATABASES LIKE '${name}'`)).toHaveLength(1);
      }
      expect(await rows(client, `SHOW DATABASES LIKE '${name}'`)).toEqual([]);
    });

    test('is in the reach of another container', async () => {
      await using proxy = await toxiproxy.proxy(server.upstream);
      const client = await connect(proxy.through(database.url));
      expect(await rows(client, 'SELECT database() AS name')).toEqual([{ name: database.name }]);
      client.destroy();
    });
  });
}

async function authorityOf(client: Connection): Promise<string> {
  const [file] = await rows(client, 'SELECT CONVERT(LOAD_FILE(CONCAT(@@datadir, @@ssl_ca)) USING ascii) AS ca');
  return file!['ca'] as string;
}
