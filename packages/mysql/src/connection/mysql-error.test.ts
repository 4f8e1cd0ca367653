import { Secret } from '@weir/sdk';
import { describe, expect, it } from 'vitest';
import { connectionError, isServerAnswer, serverError } from './mysql-error.ts';
import { resolveTarget } from './target.ts';

const target = resolveTarget({ url: new Secret('mysql://weir:hunter2@db.example.com/shop') });

function answer(errno: number, sqlMessage: string): Error {
  return Object.assign(new Error(sqlMessage), { errno, sqlMessage, code: 'ER', sql: "INSERT INTO t VALUES ('a row’s value')" });
}

describe('what connecting met', () => {
  it.each([
    [answer(1045, 'Access denied'), 'WEIR_MYSQL_AUTH'],
    [answer(1049, 'Unknown database'), 'WEIR_MYSQL_DATABASE'],
    [answer(1040, 'Too many connections'), 'WEIR_MYSQL_CONNECTIONS_FULL'],
    [Object.assign(new Error('getaddrinfo ENOTFOUND'), { code: 'ENOTFOUND', errno: -3008 }), 'WEIR_MYSQL_HOST'],
    [Object.assign(new Error('self-signed certificate'), { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' }), 'WEIR_MYSQL_TLS'],
    [Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED', errno: -111 }), 'WEIR_MYSQL_CONNECT'],
  ])('%s', (error, code) => {
    const found = connectionError(error, target);
    expect(found).toMatchObject({ code, message: expect.stringContaining('db.example.com:3306 as weir') as string });
    expect(found.message).not.toContain('hunter2');
  });
});

describe('what a statement met', () => {
  it('is coded, and does not repeat the statement (invariant 10)', () => {
    const error = serverError(answer(1213, 'Deadlock found'), 'merging');
    expect(error).toMatchObject({ code: 'WEIR_MYSQL_LOCKED', message: 'merging: Deadlock found' });
    expect(JSON.stringify([error, error.cause])).not.toContain('value');
    expect(serverError(answer(1064, 'syntax'), 'x').code).toBe('WEIR_MYSQL_QUERY');
  });

  it('is a lost connection when the server ended the session, or the socket broke', () => {
    const killed = answer(1317, 'Query execution was interrupted');
    expect(isServerAnswer(killed)).toBe(false);
    expect(serverError(killed, 'x').code).toBe('WEIR_MYSQL_CONNECTION_LOST');
    const broken = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET', errno: -104 });
    expect(serverError(broken, 'x').code).toBe('WEIR_MYSQL_CONNECTION_LOST');
  });
});
