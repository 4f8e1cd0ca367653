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

describe('a server', () => {
  /** Answers the first packet with a FATAL error. */
  function refusing(sqlState: string, message: string): ReturnType<typeof tcpServer> {
    const fields = Buffer.from(`SFATAL\0C${sqlState}\0M${message}\0\0`);
    const length = Buffer.alloc(4);
    length.writeInt32BE(fields.length + 4);
    return tcpServer((socket) => socket.once('data', () => socket.end(Buffer.concat([Buffer.from('E'), length, fields]))));
  }

  test.each([
    ['08P01', 'unsupported startup parameter: replication', 'WEIR_PG_POOLER', 'stop-at-start'],
    ['57P03', 'the database system is starting up', 'WEIR_PG_CONNECT', 'retry'],
    ['57P03', 'the database system is not accepting connections', 'WEIR_PG_CONNECT', 'retry'],
    ['28000', 'no pg_hba.conf entry for host "10.0.0.9", user "app", database "shop", no encryption', 'WEIR_PG_TLS', 'stop-at-start'],
    ['28000', 'role "app" is not permitted to log in', 'WEIR_PG_AUTH', 'stop-at-start'],
    ['53300', 'number of requested standby connections exceeds max_wal_senders (currently 10)', 'WEIR_PG_SENDERS_FULL', 'retry'],
    ['53300', 'sorry, too many clients already', 'WEIR_PG_CONNECTIONS_FULL', 'retry'],
    ['42501', 'must be superuser or replication role to start walsender', 'WEIR_PG_GRANT_REPLICATION', 'stop-at-start'],
  ])('that answers %s %s to a replication session', async (sqlState, message, code, policy) => {
    await using server = await refusing(sqlState, message);
    const url = `postgres://app@127.0.0.1:${server.port}/shop`;
    const error = await failure(connect(config(url), signal, { replication: true }));
    expect(error).toMatchObject({ code, policy: { policy } });
    expect(error.message).toContain(message);
    expect(error.fix).not.toBe('');
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
