import { WeirError, toWeirError, type CheckResult } from '@weir/sdk';
import pg from 'pg';
import { connect, hostOf, type ConnectedTo } from '../connection/connect.ts';
import { closeClient, cutOnAbort, socketOf } from '../connection/client-socket.ts';
import type { ConnectionConfig } from '../connection/connection-config.ts';
import { hostText } from '../connection/connection-error.ts';
import { poolerRefusal } from '../connection/known-poolers.ts';
import { query } from '../connection/query.ts';
import type { Host } from '../connection/target.ts';
import { tlsOptions } from '../connection/tls-options.ts';

/** What stands between here and the server. */
export interface Between {
  /** `pooler`: sessions are not ours alone, or cannot replicate. `proxy`: it passes sessions on, also those that replicate. */
  readonly kind: 'pooler' | 'proxy';
  readonly message: string;
  readonly fix: string;
}

/** What PgBouncer says of a parameter that it does not know; PostgreSQL has other words, and says them after the password. */
const PROBE = 'weir_probe';
const UNKNOWN_TO_POOLER = `unsupported startup parameter: ${PROBE}`;

/**
 * Looks for a pooler. It gives a process id of its own, or none, where PostgreSQL tells that of its backend: so this costs one
 * statement where nothing is in between. Proxies that only pass on do the same, so what it is is found out then.
 * @returns null when the server itself answers
 */
export async function between(client: pg.Client, config: ConnectionConfig, signal: AbortSignal): Promise<Between | null> {
  const at = hostOf(client);
  const [row] = await query(client, 'SELECT pg_backend_pid() AS pid');
  if (row!['pid'] === String((client as unknown as { processID: number | null }).processID)) return null;
  const answer = await probe(at, signal);
  if (answer?.includes(UNKNOWN_TO_POOLER)) return poolerAt(at, 'PgBouncer');
  const refusal = await replicationRefusal(config, signal);
  if (refusal !== null) return poolerAt(at, `something that does not replicate (${refusal})`);
  const fix = 'If it is a pooler, name the server itself in `url`; a proxy that only passes on is fine.';
  return { kind: 'proxy', message: `at ${hostText(at)} something answers in the place of the server`, fix };
}

/** For `check`. */
export function betweenResult({ kind, message, fix }: Between): CheckResult {
  return { code: 'WEIR_PG_POOLER', level: kind === 'pooler' ? 'error' : 'warning', message, fix, path: 'url' };
}

/** @throws WeirError WEIR_PG_POOLER */
export async function refusePooler(client: pg.Client, config: ConnectionConfig, signal: AbortSignal): Promise<void> {
  const found = await between(client, config, signal);
  if (found?.kind === 'pooler') throw new WeirError('WEIR_PG_POOLER', found.message, { fix: found.fix, path: 'url' });
}

function poolerAt(at: Host, name: string): Between {
  const { message, fix } = poolerRefusal(at, { name, direct: 'that of the server itself' });
  return { kind: 'pooler', message, fix };
}

/** What answers to a connection with a parameter that nobody knows; no password is sent. */
async function probe(at: ConnectedTo, signal: AbortSignal): Promise<string | null> {
  const { host, port, target } = at;
  const stranger = new pg.Client({
    host,
    port,
    user: target.user,
    database: target.database,
    password: () => Promise.reject(new Error('asked for a password')),
    ssl: await tlsOptions(target, at),
    connectionTimeoutMillis: target.connectTimeoutMs,
  });
  const { getStartupConf } = stranger as unknown as { getStartupConf: () => object };
  Object.assign(stranger, { getStartupConf: () => ({ ...getStartupConf.call(stranger), [PROBE]: '1' }) });
  stranger.on('error', () => {});
  using _ = cutOnAbort(stranger, signal);
  try {
    await stranger.connect();
    return null;
  } catch (error) {
    return (error as Error).message;
  } finally {
    signal.throwIfAborted();
    socketOf(stranger).destroy();
  }
}

/** Null when a replication session opens. */
async function replicationRefusal(config: ConnectionConfig, signal: AbortSignal): Promise<string | null> {
  try {
    const client = await connect(config, signal, { replication: true });
    await closeClient(client);
    return null;
  } catch (error) {
    signal.throwIfAborted();
    return toWeirError(error).message;
  }
}
