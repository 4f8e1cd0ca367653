import { connect as connectSocket, type Socket } from 'node:net';
import { createConnection, type Connection, type ConnectionOptions } from 'mysql2';
import { MysqlClient } from '../client.ts';
import { quoteLiteral } from '../quote.ts';
import type { ConnectionConfig } from './connection-config.ts';
import { connectionError } from './mysql-error.ts';
import { resolveTarget, type Target } from './target.ts';
import { tlsOptions } from './tls-options.ts';

/** How long nothing may come before the kernel asks whether the peer still lives. */
const KEEPALIVE_MS = 30_000;

/**
 * What every session of ours has, whatever the server's defaults. Strict: a value that does not fit is refused, never cut.
 * Without ANSI_QUOTES and NO_BACKSLASH_ESCAPES, so that `quoteLiteral` holds.
 */
const SESSION_SETTINGS: Readonly<Record<string, string>> = {
  time_zone: '+00:00',
  sql_mode: 'STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION,NO_AUTO_VALUE_ON_ZERO',
};

/**
 * Connects, and sets what every session of ours has.
 * @param signal gives up when it aborts; it has no power over the connection afterwards, see `cutOnAbort`
 * @throws WeirError with what the server or the network answered; the signal's reason
 */
export async function connect(config: ConnectionConfig, signal: AbortSignal): Promise<MysqlClient> {
  signal.throwIfAborted();
  const target = resolveTarget(config);
  const ssl = await tlsOptions(target);
  signal.throwIfAborted();
  const socket = openSocket(target);
  const cut = (): void => void socket.destroy(new Error('aborted'));
  const late = setTimeout(() => socket.destroy(new Error(`no answer within ${target.connectTimeoutMs / 1000} s`)), target.connectTimeoutMs);
  signal.addEventListener('abort', cut);
  try {
    const connection = createConnection(optionsOf(target, socket, ssl));
    // A connection that breaks while idle must not end the process; the next use of it fails instead.
    connection.on('error', () => {});
    await loggedIn(connection, socket);
    const client = new MysqlClient(connection, target);
    const settings = Object.entries(SESSION_SETTINGS).map(([name, value]) => `SESSION ${name} = ${quoteLiteral(value)}`);
    await client.run('SET NAMES utf8mb4');
    await client.run(`SET ${settings.join(', ')}`);
    return client;
  } catch (error) {
    socket.destroy();
    signal.throwIfAborted();
    throw connectionError(error, target);
  } finally {
    clearTimeout(late);
    signal.removeEventListener('abort', cut);
  }
}

function openSocket({ host, port }: Target): Socket {
  const socket = host.startsWith('/') ? connectSocket({ path: host }) : connectSocket({ host, port });
  socket.setNoDelay(true);
  socket.setKeepAlive(true, KEEPALIVE_MS);
  return socket;
}

function optionsOf(target: Target, socket: Socket, ssl: object | null): ConnectionOptions {
  const { tls, host, user, password, database } = target;
  return {
    // The connection is made above; here it is the name that the certificate must have.
    host: tls.server_name ?? host,
    stream: () => socket,
    user,
    ...(password === null ? {} : { password: password.reveal() }),
    ...(database === null ? {} : { database }),
    ...(ssl === null ? {} : { ssl }),
    charset: 'utf8mb4',
    supportBigNumbers: true,
    connectTimeout: target.connectTimeoutMs,
    connectAttributes: { program_name: 'weir' },
    // A server that asks for files of ours gets none.
    flags: ['-LOCAL_FILES'],
  };
}

function loggedIn(connection: Connection, socket: Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('the connection was closed')));
    connection.connect((error) => (error === null || error === undefined ? resolve() : reject(error)));
  });
}
