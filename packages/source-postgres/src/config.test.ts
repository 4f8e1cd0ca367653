import { expect, test } from 'vitest';
import { z } from 'zod';
import { defaultName, postgresConfig } from './config.ts';

const url = 'postgres://app:s3cret@db.example/shop';

test('a URL is enough', () => {
  const config = postgresConfig.parse({ url });
  expect(config).toMatchObject({
    tables: ['public.*'],
    partitions: 'root',
    columns: {},
    rows: {},
    without_key: 'refuse',
    snapshot: { max_connections: 2 },
  });
  expect(config.url!.reveal()).toBe(url);
});

test('the password is in no print of the configuration (invariant 10)', () => {
  const config = postgresConfig.parse({ url });
  expect(`${JSON.stringify(config)} ${String(config.url)}`).not.toContain('s3cret');
});

test.each([
  [{ service: 'shop' }],
  [{ url, tls: 'require' }],
  [{ url, tls: { mode: 'verify-ca', ca: 'ca.pem', cert: 'c.pem', key: 'k.pem', server_name: 'db' } }],
  [{ url, password_command: ['aws', 'rds', 'generate-db-auth-token'], connect_timeout: '5s' }],
  [{ url, target_session_attrs: 'prefer-standby', channel_binding: 'require' }],
])('%j is taken', (config) => {
  expect(postgresConfig.safeParse(config).error).toBeUndefined();
});

test.each([
  [{ url, tables: [] }, 'tables'],
  [{ url, tls: 'prefer' }, 'tls'],
  [{ url, tls: { cert: 'c.pem' } }, 'tls'],
  [{ url, password_command: 'aws' }, 'password_command'],
  [{ url, connect_timeout: 10 }, 'connect_timeout'],
  [{ url, target_session_attrs: 'master' }, 'target_session_attrs'],
  [{ url, tables: ['orders'] }, 'tables.0'],
  [{ url, slot: 'My-Slot' }, 'slot'],
  [{ url, tabels: ['public.*'] }, ''],
  [{ url, snapshot: { max_connections: 0 } }, 'snapshot.max_connections'],
  [{ url, partitions: 'each' }, 'partitions'],
  [{ url, without_key: true }, 'without_key'],
  [{ url, columns: { 'public.users': [] } }, 'columns.public.users'],
  [{ url, columns: { 'public.*': ['id'] } }, 'columns.public.*'],
  [{ url, columns: { users: ['id'] } }, 'columns.users'],
  [{ url, rows: { 'public.orders': ' ' } }, 'rows.public.orders'],
  [{ url, rows: { '!public.orders': 'true' } }, 'rows.!public.orders'],
  // 63 bytes is what PostgreSQL keeps of a name; the rest would be cut off without an error.
  [{ url, publication: 'ü'.repeat(32) }, 'publication'],
  [{}, 'url'],
])('%j is refused at its place', (config, path) => {
  const result = postgresConfig.safeParse(config);
  expect(result.success).toBe(false);
  expect(result.error!.issues.map((issue) => issue.path.join('.'))).toContain(path);
});

test('every option has a description in the JSON Schema, for editors', () => {
  const { properties } = z.toJSONSchema(postgresConfig, { io: 'input', unrepresentable: 'any' });
  const options = Object.entries(properties ?? {});
  const described = options.filter(([, option]) => typeof option === 'object' && 'description' in option);
  const names = described.map(([name]) => name);
  expect(names).toEqual(options.map(([name]) => name).filter((name) => name !== 'snapshot'));
  expect(names).toEqual(expect.arrayContaining(['partitions', 'columns', 'rows', 'without_key']));
});

test('a pipeline’s name becomes one that PostgreSQL takes', () => {
  expect(defaultName('shop')).toBe('weir_shop');
  expect(defaultName('Shop-EU 2')).toBe('weir_shop_eu_2');
  expect(defaultName('x'.repeat(100))).toHaveLength(63);
});
