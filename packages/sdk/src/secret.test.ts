import { format, inspect } from 'node:util';
import { serialize } from 'node:v8';
import { describe, expect, test } from 'vitest';
import { Secret, redactUrls } from './secret.ts';

const value = 's3cret-of-the-shop';
const shown = new Secret(value);

describe('Secret (invariant 10)', () => {
  test('gives its value to who asks for it', () => {
    expect(shown.reveal()).toBe(value);
  });

  test('is *** as text and as JSON', () => {
    const careless: unknown = shown;
    expect(`url: ${careless as string}`).toBe('url: ***');
    expect('url: ' + (careless as string)).toBe('url: ***');
    expect(String(shown)).toBe('***');
    expect([shown].join()).toBe('***');
    expect(JSON.stringify({ url: shown, list: [shown] })).toBe('{"url":"***","list":["***"]}');
  });

  test.each(['%s', '%o', '%O', '%j', '%d', '%i', '%c', 'no place'])('is not in console.log with %s', (place) => {
    expect(format(place, shown)).not.toContain(value);
    expect(format(place, { nested: { url: shown } })).not.toContain(value);
  });

  test('is not in what inspect shows, however deep it looks', () => {
    const everything = { showHidden: true, customInspect: false, depth: null, getters: true };
    for (const options of [{}, { showHidden: true }, { customInspect: false }, everything]) {
      expect(inspect(shown, options)).not.toContain(value);
      expect(inspect({ nested: [new Map([[shown, shown]])] }, { ...options, depth: 9 })).not.toContain(value);
    }
    expect(inspect({ url: shown })).toBe('{ url: *** }');
  });

  test('is not in copies, entries, clones and errors', () => {
    const copies = [Object.entries(shown), Object.assign({}, shown), Object.getOwnPropertyNames(shown)];
    expect(JSON.stringify(copies)).not.toContain(value);
    expect(inspect(structuredClone({ shown }))).not.toContain(value);
    expect(serialize({ shown }).toString('latin1')).not.toContain(value);
    expect(inspect(new Error('failed', { cause: { shown } }))).not.toContain(value);
  });
});

describe('redactUrls', () => {
  test.each([
    ['postgres://app:s3cret@db:5432/shop', 'postgres://app:***@db:5432/shop'],
    ['cannot reach postgres://app:s3cret@db/shop: refused', 'cannot reach postgres://app:***@db/shop: refused'],
    ['amqps://:s3cret@queue', 'amqps://:***@queue'],
    ['mongodb+srv://app:s3cret@db', 'mongodb+srv://app:***@db'],
    ['POSTGRES://app:s3cret@db', 'POSTGRES://app:***@db'],
    ['postgres://app:p@s3cret@db/shop', 'postgres://app:***@db/shop'],
    ['postgres://app:p/s3cret@db/shop', 'postgres://app:***@db/shop'],
    ['postgres://app:p:s3cret?x#y@db/shop', 'postgres://app:***@db/shop'],
    ['{"url":"postgres://app:s3cret@db","to":"a@b"}', '{"url":"postgres://app:***@b"}'],
    ['"postgres://app:s3cret@db" and "mysql://app:s3cret@db"', '"postgres://app:***@db" and "mysql://app:***@db"'],
    ['postgres://db/shop?user=app&password=s3cret&tls=1', 'postgres://db/shop?user=app&password=***&tls=1'],
    ['host=db password=s3cret dbname=shop', 'host=db password=*** dbname=shop'],
    ['https://bucket/key?access_token=s3cret', 'https://bucket/key?access_token=***'],
  ])('%s', (text, redacted) => expect(redactUrls(text)).toBe(redacted));

  test.each([
    'postgres://db:5432/shop',
    'postgres://app@db/shop',
    'a: b@c',
    'see https://example.org/a:b',
    'the password is wrong',
    '',
  ])('leaves %j as it is', (text) => expect(redactUrls(text)).toBe(text));

  test('takes time in proportion to the text: these would take minutes otherwise', () => {
    for (const part of ['a', 'x://a:b', 'x://a', 'password', 'password=']) {
      const long = part.repeat(200_000);
      expect(redactUrls(long).length).toBeLessThanOrEqual(long.length);
      expect(redactUrls(`${long}@`).length).toBeLessThanOrEqual(long.length + 5);
    }
  });
});
