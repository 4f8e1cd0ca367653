import { expect, onTestFinished, test, vi } from 'vitest';
import { imagesOf } from './container-image.ts';
import { service } from './service.ts';

test('a service has the version that was asked for, else the newest', () => {
  expect(service('postgres', { version: 17 }).title).toBe('postgres 17');
  expect(service('postgres').title).toBe('postgres 18');
  expect(service('mysql').title).toBe('mysql 9');
  expect(service('mariadb').title).toBe('mariadb 11.8');
  expect(service('mariadb', { version: '10.11' }).title).toBe('mariadb 10.11');
});

test('a version without an image is refused at once, with those that there are', () => {
  expect(() => service('postgres', { version: 9 })).toThrow('there is no image of postgres 9; tools/services knows 18, 17');
  expect(() => service('mariadb', { version: '5.5' })).toThrow('there is no image of mariadb 5.5; tools/services knows 11.8, 10.11');
});

test('the official image is what a registry has, the other one what is built here', () => {
  expect(imagesOf('postgres', 17)).toMatchObject({ official: 'postgres:17', built: 'weir-test/postgres:17' });
  expect(imagesOf('mariadb', '10.11')).toMatchObject({ official: 'mariadb:10.11', built: 'weir-test/mariadb:10.11' });
});

test('what only a running server knows is refused before it runs', () => {
  expect(() => service('postgres').url).toThrow('postgres 18 has not started; its URL is known in tests and hooks only');
  expect(() => service('mysql').url).toThrow('mysql 9 has not started; its URL is known in tests and hooks only');
});

test('a MySQL server that a variable names is taken as it is, and is nothing to restart', async () => {
  vi.stubEnv('WEIR_TEST_MYSQL_URL', 'mysql://root@127.0.0.1');
  onTestFinished(() => void vi.unstubAllEnvs());
  const mysql = service('mysql');
  await mysql.start();
  expect([mysql.url, mysql.upstream]).toEqual(['mysql://root@127.0.0.1', '127.0.0.1:3306']);
  await expect(mysql.restart()).rejects.toThrow('mysql 9 is not a container that was started here');
});
