import { Secret } from '@weir/sdk';
import { failure } from '@weir/testkit';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { socketOf } from './client-socket.ts';
import { connect } from './connect.ts';
import type { ConnectionConfig } from './connection-config.ts';
import { query } from './query.ts';
import { CopyReader } from '../copy-reader.ts';
import { Wire } from '../wire.ts';
import { encryptionResult } from '../server/encryption.ts';
import { Authority, type Issued } from '../testing/certificates.ts';
import { TemporaryFolder } from '../testing/temporary-folder.ts';
import { TlsServer } from '../testing/tls-server.ts';

const { signal } = new AbortController();

const RULES = [
  'hostssl all certain 127.0.0.1/32 cert',
  'hostssl all strict    127.0.0.1/32 scram-sha-256 clientcert=verify-full',
  'hostssl all secure  127.0.0.1/32 scram-sha-256',
  'host    all secure  127.0.0.1/32 reject',
  'hostssl all old     127.0.0.1/32 md5',
  'hostssl all anybody 127.0.0.1/32 trust',
];

let server: TlsServer;
let folder: TemporaryFolder;
let authority: Authority;
let right: Issued;
let ca: string;

beforeAll(async () => {
  folder = await TemporaryFolder.create();
  authority = await Authority.create('Weir test authority');
  right = await authority.issue({ name: 'db', hosts: ['localhost', 'db.example'], addresses: ['127.0.0.1'] });
  server = await TlsServer.start(right, { authority: authority.pem, rules: RULES });
  ca = await folder.write('ca.pem', authority.pem);
  for (const role of ['certain', 'strict', 'secure', 'anybody']) await server.sql(`CREATE ROLE ${role} LOGIN PASSWORD 'pw'`);
  await server.sql("DO $$ BEGIN SET LOCAL password_encryption = md5; CREATE ROLE old LOGIN PASSWORD 'pw'; END $$");
});

afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

function config(role: string, options: Partial<ConnectionConfig> = {}, search = ''): ConnectionConfig {
  return { url: new Secret(`postgres://${role}:pw@localhost:${server.port}/postgres${search}`), ...options };
}

/** Connects, and tells whether the server sees TLS. */
async function encrypted(wanted: ConnectionConfig, look: (client: pg.Client) => void = () => {}): Promise<boolean> {
  const client = await connect(wanted, signal);
  try {
    look(client);
    const [row] = await query(client, 'SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()');
    return row!['ssl'] === 't';
  } finally {
    await client.end();
  }
}

describe('the certificate of the server', () => {
  test('of an authority that is given and with the name of the host is taken', async () => {
    expect(await encrypted(config('secure', { tls: { ca } }))).toBe(true);
    expect(await encrypted(config('secure', {}, `?sslmode=verify-full&sslrootcert=${encodeURIComponent(ca)}`))).toBe(true);
  });

  test('with the address of the host is taken', async () => {
    const url = new Secret(`postgres://secure:pw@127.0.0.1:${server.port}/postgres`);
    expect(await encrypted({ url, tls: { ca } })).toBe(true);
  });

  test('of an authority that nobody gave is refused, with the line that gives it', async () => {
    const error = await failure(connect(config('secure', { tls: 'verify-full' }), signal));
    expect(error).toMatchObject({ code: 'WEIR_PG_TLS', path: 'tls' });
    expect(error.fix).toContain('tls: { ca: FILE }');
  });

  test('with another name is refused, unless that name is said, or names do not count', async () => {
    await server.present(await authority.issue({ name: 'x', hosts: ['other.example'] }));
    const error = await failure(connect(config('secure', { tls: { ca } }), signal));
    expect(error).toMatchObject({ code: 'WEIR_PG_TLS', path: 'tls' });
    expect(`${error.message} ${error.fix}`).toMatch(/localhost.*other\.example.*server_name: NAME/);
    expect(await encrypted(config('secure', { tls: { ca, server_name: 'other.example' } }))).toBe(true);
    expect(await encrypted(config('secure', { tls: { ca, mode: 'verify-ca' } }))).toBe(true);
  });

  test('that has expired is refused; it goes on once it is renewed, without another word', async () => {
    await server.present(await authority.issue({ name: 'db', hosts: ['localhost'], validForDays: -1 }));
    const error = await failure(connect(config('secure', { tls: { ca } }), signal));
    expect(error).toMatchObject({ code: 'WEIR_PG_TLS', policy: { policy: 'stop-at-start' } });
    expect(`${error.message} ${error.fix}`).toMatch(/expired.*Renew/);
    expect((await failure(connect(config('secure', { tls: { ca, mode: 'verify-ca' } }), signal))).code).toBe('WEIR_PG_TLS');
    await server.present(right);
    expect(await encrypted(config('secure', { tls: { ca } }))).toBe(true);
  });

  test('is not looked at with require, and check says so', async () => {
    let level = '';
    expect(await encrypted(config('secure', { tls: 'require' }), (client) => ({ level } = encryptionResult(client)))).toBe(true);
    expect(level).toBe('warning');
    expect(await encrypted(config('secure', { tls: { ca } }), (client) => ({ level } = encryptionResult(client)))).toBe(true);
    expect(level).toBe('ok');
  });
});

describe('a server that wants TLS', () => {
  test('refuses an unencrypted connection, and the fix says which option', async () => {
    const error = await failure(connect(config('secure', { tls: 'disable' }), signal));
    expect(error).toMatchObject({ code: 'WEIR_PG_TLS', path: 'tls' });
    expect(error.fix).toContain('tls: verify-full');
  });
});

describe('a client certificate', () => {
  test('takes the place of a password', async () => {
    const { cert, key } = await authority.issue({ name: 'certain' });
    const files = { cert: await folder.write('client.pem', cert), key: await folder.write('client.key', key) };
    expect(await encrypted(config('certain', { tls: { ca, ...files } }))).toBe(true);
    expect(await encrypted(config('certain', {}, parameters({ sslrootcert: ca, sslcert: files.cert, sslkey: files.key })))).toBe(true);
  });

  test('can be wanted beside a password', async () => {
    const { cert, key } = await authority.issue({ name: 'strict' });
    const files = { cert: await folder.write('strict.pem', cert), key: await folder.write('strict.key', key) };
    expect(await encrypted(config('strict', { tls: { ca, ...files } }))).toBe(true);
  });

  test('that is missing, of another role or of another authority is refused with the option to set', async () => {
    const missing = await failure(connect(config('certain', { tls: { ca } }), signal));
    expect(missing).toMatchObject({ code: 'WEIR_PG_TLS', path: 'tls' });
    expect(missing.fix).toContain('tls: { cert: FILE, key: FILE }');
    const other = await authority.issue({ name: 'somebody' });
    const files = { cert: await folder.write('other.pem', other.cert), key: await folder.write('other.key', other.key) };
    expect((await failure(connect(config('certain', { tls: { ca, ...files } }), signal))).code).toBe('WEIR_PG_TLS');
    const stranger = await (await Authority.create('another')).issue({ name: 'certain' });
    const foreign = { cert: await folder.write('s.pem', stranger.cert), key: await folder.write('s.key', stranger.key) };
    expect((await failure(connect(config('certain', { tls: { ca, ...foreign } }), signal))).code).toBe('WEIR_PG_TLS');
  });

  test('is read anew at every connect', async () => {
    const [first, second] = [await authority.issue({ name: 'somebody' }), await authority.issue({ name: 'certain' })];
    const files = { cert: await folder.write('renewed.pem', first.cert), key: await folder.write('renewed.key', first.key) };
    expect((await failure(connect(config('certain', { tls: { ca, ...files } }), signal))).code).toBe('WEIR_PG_TLS');
    await folder.write('renewed.pem', second.cert);
    await folder.write('renewed.key', second.key);
    expect(await encrypted(config('certain', { tls: { ca, ...files } }))).toBe(true);
  });

  test('whose files are missing, no PEM or of two pairs names the file', async () => {
    const [one, two] = [await authority.issue({ name: 'a' }), await authority.issue({ name: 'b' })];
    const pair = { cert: await folder.write('one.pem', one.cert), key: await folder.write('two.key', two.key) };
    const text = await folder.write('text.pem', 'none');
    for (const tls of [{ ca: `${ca}.gone` }, { ca: text }, { ca, ...pair }, { ca, cert: pair.cert, key: text }]) {
      const error = await failure(connect(config('certain', { tls }), signal));
      expect(error).toMatchObject({ code: 'WEIR_PG_TLS_FILE', path: 'tls' });
      expect(error.message).toContain(folder.path);
    }
  });
});

describe('channel binding', () => {
  test('is used when the server offers it, required when that is said', async () => {
    for (const binding of ['prefer', 'require', 'disable'] as const) {
      expect(await encrypted(config('secure', { tls: { ca }, channel_binding: binding })), binding).toBe(true);
    }
    const required = `?sslmode=verify-full&sslrootcert=${encodeURIComponent(ca)}&channel_binding=require`;
    expect(await encrypted(config('secure', {}, required))).toBe(true);
  });

  test('that is required and not offered refuses, before anything of the password is sent', async () => {
    for (const role of ['old', 'anybody']) {
      const error = await failure(connect(config(role, { tls: { ca }, channel_binding: 'require' }), signal));
      expect(error, role).toMatchObject({ code: 'WEIR_PG_CHANNEL_BINDING', path: 'channel_binding' });
      expect(await encrypted(config(role, { tls: { ca } })), role).toBe(true);
    }
  });

  test('cannot be required without TLS', async () => {
    const error = await failure(connect(config('secure', { tls: 'disable', channel_binding: 'require' }), signal));
    expect(error).toMatchObject({ code: 'WEIR_CONFIG_INVALID', path: 'channel_binding' });
  });
});

test('rows of a copy and a replication session go through TLS', async () => {
  await server.sql('ALTER ROLE secure REPLICATION');
  const client = await connect(config('secure', { tls: { ca } }), signal, { replication: true });
  await using wire = new Wire(client);
  const column = { name: 'text', type: { kind: 'string' }, nullable: true, sourceType: 'text' } as const;
  const table = { namespace: 'public', name: 'rows', version: 1, columns: [column], key: [] };
  const sql = "COPY (SELECT repeat('x', 1000) FROM generate_series(1, 20000)) TO STDOUT";
  let rows = 0;
  for await (const batch of new CopyReader(wire).read(sql, { table, rewrites: [null], skip: false })) {
    rows += batch.rows;
    batch.release();
  }
  expect(rows).toBe(20_000);
});

test('a connection that is encrypted is watched like any other: the socket of an abort is the one below', async () => {
  const client = await connect(config('secure', { tls: { ca } }), signal);
  socketOf(client).destroy();
  await expect(client.query('SELECT 1')).rejects.toThrow(/terminated|destroyed|closed/i);
});

function parameters(of: Record<string, string>): string {
  return `?${Object.entries(of).map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join('&')}`;
}
