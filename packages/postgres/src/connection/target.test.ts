import { Secret } from '@weir/sdk';
import { failure } from '@weir/testkit';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { ConnectionConfig } from './connection-config.ts';
import { isLocal, resolveTarget, tlsModeFor, type Target } from './target.ts';
import { TemporaryFolder } from '../testing/temporary-folder.ts';

afterEach(() => {
  vi.unstubAllEnvs();
});

async function target(url: string, options: Partial<ConnectionConfig> = {}): Promise<Target> {
  return await resolveTarget({ url: new Secret(url), ...options });
}

async function refusal(url: string, options: Partial<ConnectionConfig> = {}): Promise<[string, string | undefined, string]> {
  const { code, path, message } = await failure(target(url, options));
  return [code, path, message];
}

describe('defaults', () => {
  test('of a URL that says nothing', async () => {
    expect(await target('postgres://')).toEqual({
      hosts: [{ host: '127.0.0.1', port: 5432 }],
      user: 'postgres',
      database: 'postgres',
      password: null,
      passwordCommand: null,
      passwordFile: null,
      tls: {},
      attributes: 'any',
      channelBinding: 'prefer',
      connectTimeoutMs: 15_000,
      applicationName: 'weir',
      options: null,
    });
  });

  test('several hosts are looked through for the primary', async () => {
    const { hosts, attributes } = await target('postgres://h1,h2:5433,[::1]/db');
    expect(attributes).toBe('primary');
    expect(hosts).toEqual([
      { host: 'h1', port: 5432 },
      { host: 'h2', port: 5433 },
      { host: '::1', port: 5432 },
    ]);
  });

  test('one port is for all hosts', async () => {
    const { hosts } = await target('postgres:///db?host=h1,h2&port=6000');
    expect(hosts.map(({ port }) => port)).toEqual([6000, 6000]);
  });

  test('TLS with everything verified off this machine, none on it', async () => {
    const modes = await Promise.all(
      ['db.example', '10.0.0.1', 'localhost', '127.0.0.2', '[::1]', '%2Ftmp'].map(async (host) => {
        const found = await target(`postgres://${host}/db`);
        return tlsModeFor(found, found.hosts[0]!);
      }),
    );
    expect(modes).toEqual(['verify-full', 'verify-full', 'disable', 'disable', 'disable', 'disable']);
    expect(isLocal('127.example')).toBe(false);
  });

  test('who names an authority wants it verified, on this machine too', async () => {
    const found = await target('postgres://localhost/db', { tls: { ca: 'ca.pem' } });
    expect(tlsModeFor(found, found.hosts[0]!)).toBe('verify-full');
    const required = await target('postgres://db/db?sslmode=require&sslrootcert=ca.pem');
    expect(tlsModeFor(required, required.hosts[0]!)).toBe('verify-ca');
    const url = await target('postgres://localhost/db?sslrootcert=ca.pem');
    expect(tlsModeFor(url, url.hosts[0]!)).toBe('verify-full');
  });
});

describe('what is refused', () => {
  test.each<[string, Partial<ConnectionConfig>, string, RegExp]>([
    ['postgres://db?sslmode=prefer', {}, 'url', /not prefer: it gives up encryption/],
    ['postgres://db?sslmode=verify', {}, 'url', /sslmode may be verify-full/],
    ['postgres://db?sslmode=require', { tls: 'verify-full' }, 'tls', /both `tls`.*sslmode/],
    ['postgres://db?sslcert=a', {}, 'url', /sslcert and sslkey together/],
    ['postgres://db?target_session_attrs=master', {}, 'url', /target_session_attrs may be any/],
    ['postgres://db?connect_timeout=0', {}, 'url', /number of seconds/],
    ['postgres://db?connect_timeout=5', { connect_timeout: 10_000 }, 'connect_timeout', /both/],
    ['postgres://app:pw@db', { password_command: ['echo'] }, 'password_command', /both.*password/],
    ['postgres:///db?host=h1,h2&port=1,2,3', {}, 'url', /2 hosts and 3 ports/],
    ['postgres:///db?host=h1&port=x', {}, 'url', /port/],
  ])('%s with %o', async (url, options, path, message) => {
    const [code, at, text] = await refusal(url, options);
    expect([code, at]).toEqual(['WEIR_CONFIG_INVALID', path]);
    expect(text).toMatch(message);
  });
});

describe('a service', () => {
  test('says what the URL leaves open; the environment says where its file is', async () => {
    await using folder = await TemporaryFolder.create();
    vi.stubEnv('PGSERVICEFILE', await folder.write('services', '[shop]\nhost=db.example\nuser=app\nsslmode=require\n'));
    const found = await target('postgres://other@/shop', { service: 'shop' });
    expect(found).toMatchObject({ hosts: [{ host: 'db.example', port: 5432 }], user: 'other', database: 'shop', tls: { mode: 'require' } });
    expect(await resolveTarget({ service: 'shop' })).toMatchObject({ user: 'app' });
    expect(await target('postgres://?service=shop')).toMatchObject({ user: 'app' });
    expect(await failure(resolveTarget({ service: 'gone' }))).toMatchObject({ code: 'WEIR_CONFIG_INVALID', path: 'service' });
  });
});

test('the password of the environment is the last but the password file, and none beside a command', async () => {
  vi.stubEnv('PGPASSWORD', 'of the environment');
  expect((await target('postgres://app:own@db')).password?.reveal()).toBe('own');
  expect((await target('postgres://app@db')).password?.reveal()).toBe('of the environment');
  expect((await target('postgres://app@db', { password_command: ['echo'] })).password).toBeNull();
  expect(JSON.stringify(await target('postgres://app@db'))).not.toContain('of the environment');
});
