import type { WeirError } from '@weir/sdk';
import { describe, expect, test } from 'vitest';
import { parseConnectionUrl } from './connection-url.ts';

function refusal(text: string): WeirError {
  try {
    parseConnectionUrl(text);
  } catch (error) {
    return error as WeirError;
  }
  throw new Error('it was taken');
}

describe('a URL says what libpq reads of it', () => {
  test.each<[string, Record<string, string>]>([
    ['postgres://', {}],
    ['postgresql:///shop', { dbname: 'shop' }],
    ['postgres://db', { host: 'db' }],
    ['postgres://app@db:6000/shop', { user: 'app', host: 'db', port: '6000', dbname: 'shop' }],
    ['postgres://app:p%40s:s%2F@db/s%20p', { user: 'app', password: 'p@s:s/', host: 'db', dbname: 's p' }],
    ['postgres://app:p@ss@db/shop', { user: 'app', password: 'p@ss', host: 'db', dbname: 'shop' }],
    ['postgres://h1:5432,h2:5433/db', { host: 'h1,h2', port: '5432,5433', dbname: 'db' }],
    ['postgres://h1,h2:5433/db', { host: 'h1,h2', port: ',5433', dbname: 'db' }],
    ['postgres://[::1]:5433,[fe80::1%25eth0]/db', { host: '::1,fe80::1%eth0', port: '5433,', dbname: 'db' }],
    ['postgres://%2Fvar%2Frun%2Fpostgresql/db', { host: '/var/run/postgresql', dbname: 'db' }],
    ['postgres:///db?host=/var/run/postgresql&port=5433', { host: '/var/run/postgresql', port: '5433', dbname: 'db' }],
    ['postgres://:5433/db', { port: '5433', dbname: 'db' }],
    ['postgres://db?sslmode=require&options=-c%20geqo%3Doff', { host: 'db', sslmode: 'require', options: '-c geqo=off' }],
    ['postgres://?service=shop', { service: 'shop' }],
  ])('%s', (text, expected) => {
    expect(Object.fromEntries(parseConnectionUrl(text))).toEqual(expected);
  });
});

describe('what is not read is refused', () => {
  test.each([
    ['postgres://db/shop?sslcrl=x', /parameter sslcrl, which has no effect/],
    ['postgres://db/shop?keepalives_idle=3', /keepalives_idle/],
    ['postgres://db/shop?sslmod=require', /a parameter that is not known/],
    ['postgres://db/shop?sslmode=require&sslmode=disable', /sslmode twice/],
    ['postgres://db/shop?host=other', /host twice/],
  ])('%s', (text, message) => {
    expect(refusal(text)).toMatchObject({ code: 'WEIR_CONFIG_INVALID', path: 'url' });
    expect(refusal(text).message).toMatch(message);
  });

  test.each([
    'app:s3cret@db/shop',
    'mysql://app:s3cret@db/shop',
    'postgres://app:s3/cret@db/shop',
    'postgres://app:s3#cret@db/shop',
    'postgres://app:s3?cret@db/shop',
    'postgres://app:s3?cret=1@db/shop',
    'postgres://app:s3%cret@db/shop',
    'postgres://app:s3cret@db:port/shop',
    'postgres://app:s3cret@db:70000/shop',
    'postgres://app:s3cret@db,:0/shop',
  ])('%s, and none of its password is repeated (invariant 10)', (text) => {
    const error = refusal(text);
    expect(error.code).toBe('WEIR_CONFIG_INVALID');
    expect(`${error.message} ${error.fix} ${JSON.stringify(error)}`).not.toMatch(/s3|cret\b/);
  });
});
