import { isIP } from 'node:net';
import { Secret, WeirError } from '@weir/sdk';
import type { ConnectionConfig, TlsConfig, TlsMode } from './connection-config.ts';

/** Everything that connecting takes. */
export interface Target {
  /** A name, an address, or the path of a Unix socket. */
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: Secret | null;
  readonly database: string | null;
  readonly tls: TlsConfig & { readonly mode: TlsMode };
  readonly connectTimeoutMs: number;
}

const PORT = 3306;
const CONNECT_TIMEOUT_MS = 15_000;

/** Scheme, user and password, host, port, database. The last `@` ends the password, as in any URL. */
const URL_PARTS = /^(?:mysql|mariadb):\/\/(?:([^/?#]*)@)?(\[[0-9a-fA-F:.]+\]|[^:/?#@[\]]*)(?::(\d{1,5}))?(?:\/([^/?#]*))?$/;

/**
 * What a block says. Everything in a URL is percent-encoded, the path of a Unix socket as well:
 * `mysql://root@%2Frun%2Fmysqld%2Fmysqld.sock/shop`. No variable of the environment is read.
 * @throws WeirError WEIR_CONFIG_INVALID, which repeats nothing of the URL (invariant 10)
 */
export function resolveTarget(config: ConnectionConfig): Target {
  const said = config.url === undefined ? config : { ...config, ...parseUrl(config.url.reveal()) };
  const { host = '127.0.0.1', port = PORT, user = 'root', password, database } = said;
  const { tls } = config;
  const own: TlsConfig = tls === undefined ? {} : typeof tls === 'string' ? { mode: tls } : { mode: 'verify-full', ...tls };
  return {
    host,
    port,
    user,
    password: password ?? null,
    database: database ?? null,
    tls: { ...own, mode: host.startsWith('/') ? 'disable' : (own.mode ?? (isLocal(host) ? 'disable' : 'verify-full')) },
    connectTimeoutMs: config.connect_timeout ?? CONNECT_TIMEOUT_MS,
  };
}

/** Loopback and Unix sockets: nobody is in between. */
export function isLocal(host: string): boolean {
  return host.startsWith('/') || host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

/** `host:port` for people. */
export function hostText({ host, port }: Pick<Target, 'host' | 'port'>): string {
  if (host.startsWith('/')) return host;
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

type Said = Pick<ConnectionConfig, 'host' | 'port' | 'user' | 'password' | 'database'>;

function parseUrl(text: string): Said {
  const [, userInfo = '', host = '', port, database = ''] = URL_PARTS.exec(text) ?? refuse();
  if (port !== undefined && (Number(port) < 1 || Number(port) > 65_535)) refuse();
  const colon = userInfo.indexOf(':');
  const user = decode(colon < 0 ? userInfo : userInfo.slice(0, colon));
  const password = colon < 0 ? '' : decode(userInfo.slice(colon + 1));
  return {
    host: decode(host.replace(/^\[|\]$/g, '')) || undefined,
    port: port === undefined ? undefined : Number(port),
    user: user || undefined,
    password: password === '' ? undefined : new Secret(password),
    database: decode(database) || undefined,
  };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return refuse();
  }
}

function refuse(): never {
  const message = 'expected mysql://user:password@host:port/database';
  const fix = 'Write @ : / ? # and % of a user or password as %40 %3A %2F %3F %23 and %25; options stand beside `url`, as `tls` does.';
  throw new WeirError('WEIR_CONFIG_INVALID', message, { path: 'url', fix });
}
