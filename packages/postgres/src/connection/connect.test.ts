import { setTimeout as sleep } from 'node:timers/promises';
import { Secret } from '@weir/sdk';
import { failure } from '@weir/testkit';
import pg from 'pg';
import { describe, expect, test } from 'vitest';
import { connect } from './connect.ts';
import type { ConnectionConfig } from './connection-config.ts';
import { quoteIdentifier, quoteLiteral } from '../quote.ts';
import { serverError } from './server-error.ts';
import { tcpServer } from '../testing/tcp-server.ts';

const { signal } = new AbortController();

function config(url: string): ConnectionConfig {
  return { url: new Secret(url) };
}

describe('a URL', () => {
  test.each([
    'mysql://app:s3cret@db/shop',
    'app:s3cret@db',
    'postgres://app:s3%cret@db/shop',
    'postgres://app:s3cret@db:port/shop',
    'postgres://app:12?s3cret@db/shop',
  ])('that is none is refused and not repeated (invariant 10): %s', async (url) => {
    const error = await failure(connect(config(url), signal));
    expect(error).toMatchObject({ code: 'WEIR_CONFIG_INVALID', path: 'url' });
    expect(`${error.message} ${error.fix} ${JSON.stringify(error)}`).not.toMatch(/s3|cret/);
  });
});

describe('a server that is none', () => {
  test('and closes the connection: what failed and where, without the password (invariant 10)', async () => {
    await using server = await tcpServer((socket) => socket.destroy());
    const error = await failure(connect(config(`postgres://app:s3cret@127.0.0.1:${server.port}/shop`), signal));
    expect(error).toMatchObject({ code: 'WEIR_PG_CONNECT', path: 'url', policy: { policy: 'retry' } });
    expect(error.message).toContain(`127.0.0.1:${server.port}/shop as app`);
    expect(error.message).not.toContain('s3cret');
  });

  test('and says nothing: an abort ends the wait at once and closes the connection', async () => {
    await using server = await tcpServer(() => {});
    const abort = new AbortController();
    const connecting = connect(config(`postgres://app@127.0.0.1:${server.port}/shop`), abort.signal);
    await expect.poll(() => server.sockets.length).toBe(1);
    const ended = new Promise((resolve) => server.sockets[0]!.resume().once('close', resolve).once('end', resolve));
    abort.abort(new Error('aborted by the test'));
    await expect(Promise.race([connecting, sleep(1_000, 'late')])).rejects.toThrow('aborted by the test');
    expect(await Promise.race([ended, sleep(1_000, 'late')])).not.toBe('late');
  });

  test('an abort that came before is thrown without a connection', async () => {
    await using server = await tcpServer(() => {});
    const aborted = AbortSignal.abort(new Error('aborted by the test'));
    await expect(connect(config(`postgres://app@127.0.0.1:${server.port}/shop`), aborted)).rejects.toThrow(
      'aborted by the test',
    );
    expect(server.sockets).toHaveLength(0);
  });
});

describe('what a server answers to a statement', () => {
  test.each([
    ['55006', 'WEIR_PG_SLOT_IN_USE'],
    ['53400', 'WEIR_PG_SLOTS_FULL'],
    ['57P01', 'WEIR_PG_CONNECTION_LOST'],
    ['42501', 'WEIR_PG_GRANT_SELECT'],
    ['ECONNRESET', 'WEIR_PG_CONNECTION_LOST'],
    ['', 'WEIR_PG_CONNECTION_LOST'],
    ['42601', 'WEIR_PG_QUERY'],
  ])('%j becomes %s', (code, expected) => {
    expect(serverError(Object.assign(new Error('what happened'), { code }), 'asking')).toMatchObject({
      code: expected,
      message: 'asking: what happened',
    });
  });

  test('comes without the DETAIL, which holds values, also as a cause (invariant 10)', () => {
    const answer = new pg.DatabaseError('duplicate key', 1, 'error');
    Object.assign(answer, { code: '23505', detail: 'Key (email)=(a@b.example) already exists.' });
    const error = serverError(answer, 'asking');
    expect(error.message).toBe('asking: duplicate key');
    expect(error.cause).toBeUndefined();
  });
});

test('identifiers and literals are quoted', () => {
  expect(quoteIdentifier('a "b"')).toBe('"a ""b"""');
  expect(quoteLiteral("it's \\")).toBe("'it''s \\'");
});
