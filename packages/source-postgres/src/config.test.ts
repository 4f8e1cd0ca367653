import { expect, test } from 'vitest';
import { defaultName, postgresConfig } from './config.ts';

const url = 'postgres://app:s3cret@db.example/shop';

test('a URL is enough', () => {
  const config = postgresConfig.parse({ url });
  expect(config).toMatchObject({ tables: ['public.*'], snapshot: { max_connections: 2 } });
  expect(config.url.reveal()).toBe(url);
});

test('the password is in no print of the configuration (invariant 10)', () => {
  const config = postgresConfig.parse({ url });
  expect(`${JSON.stringify(config)} ${String(config.url)}`).not.toContain('s3cret');
});

test.each([
  [{ url, tables: [] }, 'tables'],
  [{ url, tables: ['orders'] }, 'tables.0'],
  [{ url, slot: 'My-Slot' }, 'slot'],
  [{ url, tabels: ['public.*'] }, ''],
  [{ url, snapshot: { max_connections: 0 } }, 'snapshot.max_connections'],
  [{}, 'url'],
])('%j is refused at its place', (config, path) => {
  const result = postgresConfig.safeParse(config);
  expect(result.success).toBe(false);
  expect(result.error!.issues.map((issue) => issue.path.join('.'))).toContain(path);
});

test('a pipeline’s name becomes one that PostgreSQL takes', () => {
  expect(defaultName('shop')).toBe('weir_shop');
  expect(defaultName('Shop-EU 2')).toBe('weir_shop_eu_2');
  expect(defaultName('x'.repeat(100))).toHaveLength(63);
});
