import { chmod } from 'node:fs/promises';
import { Socket } from 'node:net';
import { temporaryPostgres } from '@weir/services';
import { Secret } from '@weir/sdk';
import { failure } from '@weir/testkit';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { connect, hostOf } from './connect.ts';
import type { ConnectionConfig, SessionAttributes } from './connection-config.ts';
import { query } from './query.ts';
import { SwitchingServer } from '../testing/standby.ts';
import { tcpServer } from '../testing/tcp-server.ts';
import { TemporaryFolder } from '../testing/temporary-folder.ts';

const { signal } = new AbortController();

let primary: SwitchingServer;
let standby: SwitchingServer;

beforeAll(async () => {
  primary = await SwitchingServer.start();
  standby = await SwitchingServer.start();
  await sql(primary.url, "CREATE ROLE app LOGIN REPLICATION PASSWORD 'pw'");
  await sql(standby.url, "CREATE ROLE app LOGIN REPLICATION PASSWORD 'pw'");
  await standby.become('standby');
});

afterAll(async () => {
  await primary[Symbol.asyncDispose]();
  await standby[Symbol.asyncDispose]();
});

async function sql(url: string, text: string): Promise<void> {
  const client = await connect({ url: new Secret(url) }, signal);
  await query(client, text);
  await client.end();
}

function config(hosts: readonly string[], options: Partial<ConnectionConfig> = {}): ConnectionConfig {
  return { url: new Secret(`postgres://app:pw@${hosts.join(',')}/postgres`), ...options };
}

/** The port that was connected to. */
async function reached(wanted: ConnectionConfig): Promise<number> {
  const client = await connect(wanted, signal);
  await client.end();
  return hostOf(client).port;
}

/** Nobody listens there: the port was free a moment ago. */
async function closedPort(): Promise<number> {
  await using server = await tcpServer(() => {});
  return server.port;
}

describe('several hosts', () => {
  test('the primary is found behind those that do not answer, that hang, and that are standbys', async () => {
    await using silent = await tcpServer(() => {});
    const hosts = [`127.0.0.1:${await closedPort()}`, `127.0.0.1:${silent.port}`, standby.address, primary.address];
    expect(await reached(config(hosts, { connect_timeout: 300 }))).toBe(primary.port);
  });

  test.each<[SessionAttributes, 'standby' | 'primary']>([
    ['any', 'standby'],
    ['primary', 'primary'],
    ['read-write', 'primary'],
    ['standby', 'standby'],
    ['read-only', 'standby'],
    ['prefer-standby', 'standby'],
  ])('target_session_attrs %s takes the %s', async (attributes, expected) => {
    const port = expected === 'primary' ? primary.port : standby.port;
    expect(await reached(config([standby.address, primary.address], { target_session_attrs: attributes }))).toBe(port);
    const url = new Secret(`postgres://app:pw@${standby.address},${primary.address}/postgres?target_session_attrs=${attributes}`);
    expect(await reached({ url })).toBe(port);
  });

  test('read-only is what transactions are, also on a primary', async () => {
    const wanted = config([primary.address], { target_session_attrs: 'read-only' });
    expect((await failure(connect(wanted, signal))).code).toBe('WEIR_PG_NO_TARGET');
    await sql(primary.url, 'ALTER ROLE app SET default_transaction_read_only = on');
    expect(await reached(wanted)).toBe(primary.port);
    await sql(primary.url, 'ALTER ROLE app RESET default_transaction_read_only');
  });

  test('prefer-standby takes the primary when no standby answers', async () => {
    const hosts = [primary.address, `127.0.0.1:${await closedPort()}`];
    expect(await reached(config(hosts, { target_session_attrs: 'prefer-standby' }))).toBe(primary.port);
  });

  test('none that fits: each is named, and it is tried again, for a failover is under way', async () => {
    const closed = await closedPort();
    const error = await failure(connect(config([`127.0.0.1:${closed}`, standby.address]), signal));
    expect(error).toMatchObject({ code: 'WEIR_PG_NO_TARGET', path: 'url', policy: { policy: 'retry' } });
    expect(error.message).toContain(`127.0.0.1:${closed}`);
    expect(error.message).toMatch(/is a standby and read-only, not primary/);
  });

  test('a replication session goes to the same host', async () => {
    const client = await connect(config([standby.address, primary.address]), signal, { replication: true });
    await client.end();
    expect(hostOf(client).port).toBe(primary.port);
  });

  test('a wrong password ends the search: the others would refuse it too', async () => {
    const url = new Secret(`postgres://app:wrong@${standby.address},${primary.address}/postgres`);
    const error = await failure(connect({ url }, signal));
    expect(error.code).toBe('WEIR_PG_AUTH');
    expect(error.message).toContain(standby.address);
    expect(error.message).not.toContain('wrong');
  });
});

describe('one host', () => {
  test('that is another kind than asked for is refused by name', async () => {
    const error = await failure(connect(config([standby.address], { target_session_attrs: 'primary' }), signal));
    expect(error.code).toBe('WEIR_PG_NO_TARGET');
    expect(error.message).toContain(standby.address);
  });

  test('that hangs is given up after connect_timeout', async () => {
    await using silent = await tcpServer(() => {});
    const error = await failure(connect(config([`127.0.0.1:${silent.port}`], { connect_timeout: 200 }), signal));
    expect(error).toMatchObject({ code: 'WEIR_PG_CONNECT', message: expect.stringContaining('no answer within 0.2 s') as string });
    expect(silent.sockets).toHaveLength(1);
  });

  test('that answers and then hangs is given up too', async () => {
    await using silent = await tcpServer((socket) => {
      // AuthenticationOk and ReadyForQuery; the first statement is never answered.
      socket.once('data', () => socket.write(Buffer.from('520000000800000000' + '5a0000000549', 'hex')));
    });
    const error = await failure(connect(config([`127.0.0.1:${silent.port}`], { connect_timeout: 200 }), signal));
    expect(error).toMatchObject({ code: 'WEIR_PG_CONNECT', message: expect.stringContaining('no answer within 0.2 s') as string });
  });

  test('whose name nobody knows', async () => {
    const error = await failure(connect({ url: new Secret('postgres://app:pw@nowhere.invalid/postgres') }, signal));
    expect(['WEIR_PG_HOST', 'WEIR_PG_CONNECT']).toContain(error.code);
  });
});

describe('where the password comes from', () => {
  const [node] = [process.execPath];

  test('a command, run again at each connect: what it prints now counts', async () => {
    await using folder = await TemporaryFolder.create();
    const file = await folder.write('token', 'pw');
    const script = 'console.log(require("node:fs").readFileSync(process.argv[1], "utf8"))';
    const wanted = {
      url: new Secret(`postgres://app@${primary.address}/postgres`),
      password_command: [node, '-e', script, file],
    };
    expect(await reached(wanted)).toBe(primary.port);
    await folder.write('token', 'expired');
    expect((await failure(connect(wanted, signal))).code).toBe('WEIR_PG_AUTH');
    await folder.write('token', 'pw');
    expect(await reached(wanted)).toBe(primary.port);
  });

  test('a command may take longer than the server gets', async () => {
    const script = 'setTimeout(() => console.log("pw"), 600)';
    const url = new Secret(`postgres://app@${primary.address}/postgres`);
    expect(await reached({ url, connect_timeout: 500, password_command: [node, '-e', script] })).toBe(primary.port);
  });

  test('a command that fails is the error, and runs only when a password is asked for', async () => {
    const url = new Secret(`postgres://app@${primary.address}/postgres`);
    const error = await failure(connect({ url, password_command: [node, '-e', 'process.exit(1)'] }, signal));
    expect(error).toMatchObject({ code: 'WEIR_PG_PASSWORD_COMMAND', policy: { policy: 'stop-at-start' } });
  });

  test('a password file', async () => {
    await using folder = await TemporaryFolder.create();
    const file = await folder.write('pgpass', `127.0.0.1:${primary.port}:postgres:app:pw\n`);
    const url = new Secret(`postgres://app@${primary.address}/postgres?passfile=${encodeURIComponent(file)}`);
    expect(await reached({ url })).toBe(primary.port);
    vi.stubEnv('PGPASSFILE', file);
    expect(await reached({ url: new Secret(`postgres://app@${primary.address}/postgres`) })).toBe(primary.port);
    vi.unstubAllEnvs();
  });

  test('nowhere', async () => {
    vi.stubEnv('PGPASSFILE', '/nowhere/pgpass');
    const error = await failure(connect({ url: new Secret(`postgres://app@${primary.address}/postgres`) }, signal));
    expect(error).toMatchObject({ code: 'WEIR_PG_AUTH', message: expect.stringContaining('wants a password for app') as string });
    vi.unstubAllEnvs();
  });
});

test('a Unix socket is a host like any other', async () => {
  await using folder = await TemporaryFolder.create();
  await chmod(folder.path, 0o777);
  await using server = await temporaryPostgres({ fsync: 'off', unix_socket_directories: folder.path });
  const { password } = new URL(server.url);
  for (const url of [
    `postgres://postgres:${password}@${encodeURIComponent(folder.path)}:${server.port}/postgres`,
    `postgres://postgres:${password}@/postgres?host=${folder.path}&port=${server.port}`,
  ]) {
    const client = await connect({ url: new Secret(url) }, signal);
    const [row] = await query(client, 'SELECT inet_client_addr() AS address');
    await client.end();
    expect(row).toEqual({ address: null });
  }
});

test('parameters of the URL reach the server', async () => {
  const url = new Secret(`postgres://app:pw@${primary.address}/postgres?application_name=shop&options=-c%20work_mem%3D5MB`);
  const client = await connect({ url }, signal);
  const [row] = await query(client, "SELECT current_setting('application_name') AS name, current_setting('work_mem') AS memory");
  await client.end();
  expect(row).toEqual({ name: 'shop', memory: '5MB' });
});

test.each([false, true])('a connection that says nothing is probed, so that a dead server is found out; replication: %s', async (replication) => {
  const probes = vi.spyOn(Socket.prototype, 'setKeepAlive');
  const client = await connect(config([primary.address]), signal, { replication });
  await client.end();
  expect(probes.mock.calls).toEqual([[true, 30_000]]);
  probes.mockRestore();
});

test('a server that stops answering a statement is given up, not waited for', async () => {
  const client = await connect(config([primary.address]), signal);
  const error = await failure(query(client, 'SELECT pg_sleep(60)', [], { timeoutMs: 200 }));
  expect(error).toMatchObject({ code: 'WEIR_PG_CONNECTION_LOST', message: expect.stringContaining('no answer') as string });
});

test('what is full or not granted is said with the SQL that mends it', async () => {
  await sql(primary.url, 'ALTER ROLE app CONNECTION LIMIT 0');
  const full = await failure(connect(config([primary.address]), signal));
  await sql(primary.url, 'ALTER ROLE app CONNECTION LIMIT -1');
  expect(full).toMatchObject({ code: 'WEIR_PG_CONNECTIONS_FULL', fix: 'ALTER ROLE "app" CONNECTION LIMIT -1;' });
  await sql(primary.url, 'ALTER ROLE app NOREPLICATION');
  const refused = await failure(connect(config([primary.address]), signal, { replication: true }));
  expect(refused).toMatchObject({ code: 'WEIR_PG_GRANT_REPLICATION', fix: 'ALTER ROLE "app" REPLICATION;' });
});
