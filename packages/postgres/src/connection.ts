import { isIP, Socket } from 'node:net';
import { WeirError, type ErrorCode, type Secret } from '@weir/sdk';
import pg from 'pg';

/** Where a server is and how it is spoken to. */
export interface ConnectionConfig {
  /** `postgres://user:password@host:port/database` */
  readonly url: Secret;
  /** Default: none on loopback, `verify-full` elsewhere. */
  readonly tls?: 'verify-full' | 'disable' | undefined;
}

/** Connecting, TLS and authentication together; a server that does not answer must not hang a start. */
const CONNECT_TIMEOUT_MS = 15_000;
/** What the socket gathers before it stops reading: room for the bytes that come while a batch is decoded. */
const SOCKET_BUFFER_BYTES = 1 << 20;

/** The session settings that make the server's text canonical, or a step away from it. */
const SESSION_SETTINGS: Record<string, string> = {
  TimeZone: 'UTC',
  DateStyle: 'ISO, MDY',
  IntervalStyle: 'iso_8601',
  bytea_output: 'hex',
  extra_float_digits: '3',
  client_encoding: 'UTF8',
  statement_timeout: '0',
  idle_in_transaction_session_timeout: '0',
  lock_timeout: '30000',
  // Where row security would hide rows from a copy, fail instead.
  row_security: 'off',
};

/**
 * @param signal gives up when it aborts; it has no power over the connection afterwards, see {@link cutOnAbort}
 * @throws WeirError with what the server or the network answered; the signal's reason
 */
export async function connect(
  config: ConnectionConfig,
  signal: AbortSignal,
  options: { replication?: boolean } = {},
): Promise<pg.Client> {
  signal.throwIfAborted();
  const url = parseUrl(config);
  const client = new pg.Client({
    ...connectionOptions(url, config),
    application_name: 'weir',
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
    stream: () => new Socket({ highWaterMark: SOCKET_BUFFER_BYTES } as object),
    ...(options.replication === true ? ({ replication: 'database' } as object) : {}),
  });
  // A connection that breaks while idle must not end the process; the next use of it fails instead.
  client.on('error', () => {});
  using _ = cutOnAbort(client, signal);
  try {
    await client.connect();
    const settings = Object.entries(SESSION_SETTINGS).map(([name, value]) => `SET ${name} = '${value}'`);
    await client.query(settings.join('; '));
  } catch (error) {
    await client.end().catch(() => {});
    signal.throwIfAborted();
    throw connectionError(error, url, options.replication === true);
  }
  return client;
}

/** While it stands, an abort cuts the connection, so that whatever waits for the server fails at once. */
export function cutOnAbort(client: pg.Client, signal: AbortSignal): Disposable {
  const cut = (): void => void socketOf(client).destroy();
  signal.addEventListener('abort', cut);
  return { [Symbol.dispose]: () => signal.removeEventListener('abort', cut) };
}

/** The socket under a client; pg does not declare it. */
export function socketOf(client: pg.Client): Socket {
  return (client as unknown as { connection: { stream: Socket } }).connection.stream;
}

function parseUrl(config: ConnectionConfig): URL {
  try {
    const url = new URL(config.url.reveal());
    for (const part of [url.username, url.password, url.pathname, url.hostname]) decodeURIComponent(part);
    if (url.protocol === 'postgres:' || url.protocol === 'postgresql:') return withoutParameters(url);
  } catch (error) {
    // Any other error's message is not shown: it may hold a part of the text, and so of the password.
    if (error instanceof WeirError) throw error;
  }
  throw new WeirError('WEIR_CONFIG_INVALID', 'expected postgres://user:password@host:port/database', { path: 'url' });
}

/** A parameter that is not looked at, `sslmode` above all, must not seem to be. Its name may be part of a misread password. */
function withoutParameters(url: URL): URL {
  if (url.search === '') return url;
  const fix = 'Take what follows the ? out of the URL; for TLS set `tls: verify-full` or `tls: disable` beside `url`.';
  throw new WeirError('WEIR_CONFIG_INVALID', 'the URL has parameters behind a ?, which are not read', { path: 'url', fix });
}

function connectionOptions(url: URL, config: ConnectionConfig): pg.ClientConfig {
  const host = decodeURIComponent(url.hostname).replace(/^\[|\]$/g, '') || '127.0.0.1';
  const loopback = host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
  const tls = config.tls ?? (loopback ? 'disable' : 'verify-full');
  return {
    host,
    port: url.port === '' ? 5432 : Number(url.port),
    user: decodeURIComponent(url.username) || 'postgres',
    password: decodeURIComponent(url.password),
    database: decodeURIComponent(url.pathname.slice(1)) || 'postgres',
    ssl: tls === 'verify-full' ? { rejectUnauthorized: true, servername: isIP(host) === 0 ? host : '' } : false,
  };
}

const CONNECT_CODES: Record<string, ErrorCode> = {
  ENOTFOUND: 'WEIR_PG_HOST',
  '28P01': 'WEIR_PG_AUTH',
  '28000': 'WEIR_PG_AUTH',
  '3D000': 'WEIR_PG_DATABASE',
  '42501': 'WEIR_PG_AUTH',
};

/** What the same answers mean to who wants to replicate. */
const REPLICATION_CODES: Record<string, ErrorCode> = {
  '42501': 'WEIR_PG_GRANT_REPLICATION',
  '53300': 'WEIR_PG_SENDERS_FULL',
};

function connectionError(error: unknown, url: URL, replication: boolean): WeirError {
  if (error instanceof WeirError) return error;
  const { code = '', message } = error as { code?: string; message: string };
  const where = `${url.hostname || '127.0.0.1'}:${url.port || '5432'}${url.pathname} as ${decodeURIComponent(url.username)}`;
  const answered = (replication ? REPLICATION_CODES[code] : undefined) ?? CONNECT_CODES[code];
  const known = answered ?? (isTlsError(code, message) ? 'WEIR_PG_TLS' : undefined);
  const refused = message.includes('password must be a string') ? 'WEIR_PG_AUTH' : known;
  return new WeirError(refused ?? 'WEIR_PG_CONNECT', `cannot connect to ${where}: ${message || code}`, {
    cause: error,
    path: 'url',
  });
}

function isTlsError(code: string, message: string): boolean {
  return /CERT|TLS|SSL|SIGNATURE/.test(code) || /does not support SSL|certificate/i.test(message);
}

const QUERY_CODES: Record<string, ErrorCode> = {
  '55006': 'WEIR_PG_SLOT_IN_USE',
  '55P03': 'WEIR_PG_LOCKED',
  '53400': 'WEIR_PG_SLOTS_FULL',
  '57P01': 'WEIR_PG_CONNECTION_LOST',
  '57P02': 'WEIR_PG_CONNECTION_LOST',
  '57P03': 'WEIR_PG_CONNECTION_LOST',
  '42501': 'WEIR_PG_GRANT_SELECT',
  '55000': 'WEIR_PG_SLOT_INVALIDATED',
  '58P01': 'WEIR_PG_SLOT_LOST',
};

/**
 * What the server answered to a statement, as a coded error. Its DETAIL line is left out, also as part of the cause: it may
 * hold row values (invariant 10).
 */
export function serverError(error: unknown, doing: string): WeirError {
  if (error instanceof WeirError) return error;
  const { code = '', message } = error as { code?: string; message: string };
  const lost = code === '' || /^E[A-Z]+$/.test(code);
  const known = QUERY_CODES[code] ?? (lost ? 'WEIR_PG_CONNECTION_LOST' : 'WEIR_PG_QUERY');
  return new WeirError(known, `${doing}: ${message}`, error instanceof pg.DatabaseError ? {} : { cause: error });
}

/** Values stay the text that the server sent. */
const asText = { getTypeParser: () => (text: string) => text } as pg.CustomTypesConfig;

/** Runs a statement and returns its rows as text or null. @throws WeirError, see {@link serverError} */
export async function query(
  client: pg.Client,
  sql: string,
  values: unknown[] = [],
): Promise<Record<string, string | null>[]> {
  try {
    const result = await client.query<Record<string, string | null>>({ text: sql, values, types: asText });
    return result.rows;
  } catch (error) {
    throw serverError(error, 'the server refused a statement');
  }
}

export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

export function quoteLiteral(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
