import { isIP } from 'node:net';
import { Secret, WeirError, parseDuration } from '@weir/sdk';
import type { ChannelBinding, ConnectionConfig, SessionAttributes, TlsConfig, TlsMode } from './connection-config.ts';
import { channelBindings, sessionAttributes, tlsModes } from './connection-config.ts';
import { parseConnectionUrl } from './connection-url.ts';
import type { Keywords } from './keywords.ts';
import { readService } from './service-file.ts';

export interface Host {
  /** A name, an address, or the folder of a Unix socket. */
  readonly host: string;
  readonly port: number;
}

/** Everything that connecting takes, from the options, the URL and the service together. */
export interface Target {
  /** In the order in which they are tried. */
  readonly hosts: readonly Host[];
  readonly user: string;
  readonly database: string;
  readonly password: Secret | null;
  readonly passwordCommand: readonly string[] | null;
  /** Null: `PGPASSFILE` or `~/.pgpass`. */
  readonly passwordFile: string | null;
  /** `mode` is undefined where it depends on the host. */
  readonly tls: TlsConfig;
  readonly attributes: SessionAttributes;
  readonly channelBinding: ChannelBinding;
  readonly connectTimeoutMs: number;
  readonly applicationName: string;
  /** Command line options for the server process, as of `psql`. */
  readonly options: string | null;
}

const CONNECT_TIMEOUT_MS = 15_000;
const PORT = 5432;

/**
 * Reads what a block says. What an option and the URL both say is refused, not ranked; the URL goes before the service, the
 * service before the environment (`PGPASSWORD`, `PGPASSFILE`, `PGSERVICEFILE`). No other variable of libpq is read: one
 * process speaks to several servers.
 * @throws WeirError WEIR_CONFIG_INVALID
 */
export async function resolveTarget(config: ConnectionConfig): Promise<Target> {
  const keywords = config.url === undefined ? new Map<string, string>() : parseConnectionUrl(config.url.reveal());
  const service = once(keywords, 'service', config.service, 'service');
  if (service !== undefined) {
    const path = config.service === undefined ? 'url' : 'service';
    for (const [name, value] of await readService(service, path)) if (!keywords.has(name)) keywords.set(name, value);
  }
  const said = new Reader(keywords, config);
  const hosts = said.hosts();
  const passwordCommand = config.password_command ?? null;
  const password = said.text('password') ?? (passwordCommand === null ? process.env['PGPASSWORD'] : undefined);
  if (passwordCommand !== null && password !== undefined) throw twice('the password', 'password_command');
  return {
    hosts,
    user: said.text('user') ?? 'postgres',
    database: said.text('dbname') ?? 'postgres',
    password: password === undefined ? null : new Secret(password),
    passwordCommand,
    passwordFile: said.text('passfile') ?? null,
    tls: said.tls(),
    attributes: said.word('target_session_attrs', sessionAttributes) ?? (hosts.length > 1 ? 'primary' : 'any'),
    channelBinding: said.word('channel_binding', channelBindings) ?? 'prefer',
    connectTimeoutMs: said.connectTimeoutMs(),
    applicationName: said.text('application_name') ?? 'weir',
    options: said.text('options') ?? null,
  };
}

/** Loopback and Unix sockets: nobody is in between. */
export function isLocal(host: string): boolean {
  return host.startsWith('/') || host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

/** What holds for one host. */
export function tlsModeFor({ tls }: Target, { host }: Host): TlsMode {
  // TLS is not spoken on Unix sockets, as with libpq.
  if (host.startsWith('/')) return 'disable';
  // As with libpq: who gives an authority wants it asked.
  if (tls.mode === 'require' && tls.ca !== undefined) return 'verify-ca';
  return tls.mode ?? (isLocal(host) ? 'disable' : 'verify-full');
}

class Reader {
  readonly #keywords: Keywords;
  readonly #config: ConnectionConfig;

  constructor(keywords: Keywords, config: ConnectionConfig) {
    this.#keywords = keywords;
    this.#config = config;
  }

  text(name: string): string | undefined {
    return this.#keywords.get(name) || undefined;
  }

  word<Word extends string>(name: 'target_session_attrs' | 'channel_binding', words: readonly Word[]): Word | undefined {
    const text = once(this.#keywords, name, this.#config[name], name);
    return text === undefined ? undefined : oneOf(words, text, name);
  }

  /** libpq: one port is for all hosts, else there is one for each; an empty one is the default. */
  hosts(): Host[] {
    const hosts = (this.text('host') ?? '127.0.0.1').split(',');
    const ports = (this.text('port') ?? '').split(',');
    if (ports.length > 1 && ports.length !== hosts.length) {
      throw invalid(`there are ${hosts.length} hosts and ${ports.length} ports`, 'url');
    }
    return hosts.map((host, index) => {
      const port = ports[ports.length === 1 ? 0 : index] || String(PORT);
      if (!/^\d{1,5}$/.test(port) || Number(port) < 1 || Number(port) > 65_535) throw invalid('expected a port from 1 to 65535', 'url');
      return { host: host || '127.0.0.1', port: Number(port) };
    });
  }

  tls(): TlsConfig {
    const { tls } = this.#config;
    const own: TlsConfig = tls === undefined ? {} : typeof tls === 'string' ? { mode: tls } : { mode: 'verify-full', ...tls };
    const mode = once(this.#keywords, 'sslmode', own.mode, 'tls');
    const ca = once(this.#keywords, 'sslrootcert', own.ca, 'tls.ca');
    const cert = once(this.#keywords, 'sslcert', own.cert, 'tls.cert');
    const key = once(this.#keywords, 'sslkey', own.key, 'tls.key');
    if ((cert === undefined) !== (key === undefined)) throw invalid('expected sslcert and sslkey together', 'url');
    const wanted = mode ?? (ca ?? cert ? 'verify-full' : undefined);
    return { mode: wanted === undefined ? undefined : oneOf(tlsModes, wanted, 'sslmode'), ca, cert, key, server_name: own.server_name };
  }

  /** libpq counts in seconds, and takes 0 for no bound, which there is none of here. */
  connectTimeoutMs(): number {
    const { connect_timeout: own } = this.#config;
    const text = once(this.#keywords, 'connect_timeout', own?.toString(), 'connect_timeout');
    if (own !== undefined) return own;
    if (text === undefined) return CONNECT_TIMEOUT_MS;
    const ms = /^\d{1,5}$/.test(text) ? parseDuration(`${text}s`) : null;
    if (ms === null || ms === 0) throw invalid('expected connect_timeout as a number of seconds from 1 on', 'url');
    return ms;
  }
}

/** @throws WeirError when an option and the URL (or service) both say it */
function once(keywords: Keywords, name: string, option: string | undefined, path: string): string | undefined {
  const text = keywords.get(name) || undefined;
  if (text !== undefined && option !== undefined && text !== option) throw twice(name, path);
  return option ?? text;
}

function twice(what: string, path: string): WeirError {
  return new WeirError('WEIR_CONFIG_INVALID', `both \`${path}\` and the URL or service say ${what}`, {
    path: path.split('.')[0],
    fix: 'Keep one of them.',
  });
}

function oneOf<Word extends string>(words: readonly Word[], text: string, name: string): Word {
  const word = words.find((other) => other === text);
  if (word !== undefined) return word;
  const why = name === 'sslmode' && (text === 'prefer' || text === 'allow') ? ': it gives up encryption without a word' : '';
  throw invalid(`${name} may be ${words.join(', ')}${why && `, not ${text}${why}`}`, 'url');
}

function invalid(message: string, path: string): WeirError {
  return new WeirError('WEIR_CONFIG_INVALID', message, { path });
}
