import { expect, test } from 'vitest';
import { imagesOf } from './container-image.ts';
import { service } from './service.ts';

test('a service has the version that was asked for, else the newest', () => {
  expect(service('postgres', { version: 17 }).title).toBe('postgres 17');
  expect(service('postgres').title).toBe('postgres 18');
});

test('a version without an image is refused at once, with those that there are', () => {
  expect(() => service('postgres', { version: 9 })).toThrow('there is no image of postgres 9; tools/services knows 18, 17');
});

test('the official image is what a registry has, the other one what is built here', () => {
  expect(imagesOf('postgres', 17)).toMatchObject({ official: 'postgres:17', built: 'weir-test/postgres:17' });
});

test('what only a running server knows is refused before it runs', () => {
  expect(() => service('postgres').url).toThrow('postgres 18 has not started; its URL is known in tests and hooks only');
});
