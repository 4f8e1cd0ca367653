import { WeirError, type Secret } from '@weir/sdk';
import pg from 'pg';
import { cutOnAbort, socketOf } from './client-socket.ts';
import { connectionError } from './connection-error.ts';
import { runPasswordCommand } from './password-command.ts';
import { passwordFromFile } from './password-file.ts';
import { oneBufferSocket } from './socket-reads.ts';
import { tlsOptions } from './tls-options.ts';
import type { Host, Target } from './target.ts';

/** How long nothing may come before the kernel asks whether the peer still lives; without an answer it gives up 10 s later. */
const KEEPALIVE_MS = 30_000;

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
 * Connects to one host within `connectTimeoutMs`, and sets what every session of ours has. A password command has its own
 * bound; the clock of the server's answer stands still meanwhile.
 * @param accept throws when the session is not the one that is wanted
 * @throws WeirError with what the server or the network answered; the signal's reason
 */
export async function openClient(
  target: Target,
  host: Host,
  { signal, replication, accept }: { signal: AbortSignal; replication: boolean; accept: (client: pg.Client) => Promise<void> },
): Promise<pg.Client> {
  signal.throwIfAborted();
  const ssl = await tlsOptions(target, host);
  const authentication = new Authentication(target, ssl !== false);
  using deadline = new Deadline(target.connectTimeoutMs);
  const client = new pg.Client({
    host: host.host,
    port: host.port,
    user: target.user,
    database: target.database,
    password: () => deadline.pausedWhile(async () => (await authentication.password(target, host, signal)).reveal()),
    ssl,
    enableChannelBinding: ssl !== false && target.channelBinding !== 'disable',
    application_name: target.applicationName,
    ...(target.options === null ? {} : { options: target.options }),
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEPALIVE_MS,
    stream: oneBufferSocket,
    ...(replication ? ({ replication: 'database' } as object) : {}),
  });
  // A connection that breaks while idle must not end the process; the next use of it fails instead.
  client.on('error', () => {});
  authentication.watch(client);
  using _ = cutOnAbort(client, signal);
  try {
    deadline.start((error) => socketOf(client).destroy(error));
    await client.connect();
    authentication.refuseUnbound();
    const settings = Object.entries(SESSION_SETTINGS).map(([name, value]) => `SET ${name} = '${value}'`);
    await client.query(settings.join('; '));
    await accept(client);
  } catch (error) {
    socketOf(client).destroy();
    signal.throwIfAborted();
    throw connectionError(error, { target, host, replication });
  }
  return client;
}

/** Ends the wait for a host. */
class Deadline implements Disposable {
  readonly #ms: number;
  #timer: NodeJS.Timeout | undefined;
  #expire: (error: Error) => void = () => {};

  constructor(ms: number) {
    this.#ms = ms;
  }

  start(expire: (error: Error) => void): void {
    this.#expire = expire;
    this.#timer = setTimeout(() => expire(new Error(`no answer within ${this.#ms / 1000} s`)), this.#ms);
  }

  async pausedWhile<T>(work: () => Promise<T>): Promise<T> {
    clearTimeout(this.#timer);
    const result = await work();
    this.start(this.#expire);
    return result;
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }
}

/** Where the password comes from, and what it may be given to. */
class Authentication {
  readonly #bindingRequired: boolean;
  #bound = false;

  constructor({ channelBinding }: Target, encrypted: boolean) {
    this.#bindingRequired = channelBinding === 'require';
    if (!this.#bindingRequired || encrypted) return;
    throw new WeirError('WEIR_CONFIG_INVALID', 'channel_binding: require needs TLS', {
      path: 'channel_binding',
      fix: 'Set tls: verify-full, or leave channel_binding out.',
    });
  }

  /** pg takes the mechanism with channel binding whenever it is offered; what it chose is not told later. */
  watch(client: pg.Client): void {
    const { connection } = client as unknown as { connection: NodeJS.EventEmitter };
    connection.on('authenticationSASL', ({ mechanisms }: { mechanisms: string[] }) => {
      this.#bound = mechanisms.includes('SCRAM-SHA-256-PLUS');
    });
  }

  /** Asked only when the server wants a password, before anything of it is sent. */
  async password(target: Target, host: Host, signal: AbortSignal): Promise<Secret> {
    this.refuseUnbound();
    const { user, database, passwordCommand } = target;
    if (target.password !== null) return target.password;
    const entry = { ...host, user, database };
    if (passwordCommand !== null) return await runPasswordCommand(passwordCommand, entry, signal);
    const found = await passwordFromFile(target.passwordFile, entry);
    if (found !== null) return found;
    throw new WeirError('WEIR_PG_AUTH', `${host.host}:${host.port} wants a password for ${user}, and none is given`, {
      path: 'url',
      fix: 'Give it in `url`, with `password_command`, or in a password file (~/.pgpass).',
    });
  }

  refuseUnbound(): void {
    if (!this.#bindingRequired || this.#bound) return;
    const message = 'the server did not offer SCRAM with channel binding, which channel_binding: require asks for';
    throw new WeirError('WEIR_PG_CHANNEL_BINDING', message, { path: 'channel_binding' });
  }
}
