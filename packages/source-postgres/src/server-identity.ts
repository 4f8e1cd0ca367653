import { formatLsn, parseLsn } from '@weir/pgoutput';
import { closeClient, connect, cutOnAbort, query } from '@weir/postgres';
import { WeirError } from '@weir/sdk';
import type pg from 'pg';
import type { PostgresConfig } from './config.ts';
import type { PostgresState } from './position.ts';

/** Which server and database a connection is to. */
export interface ServerIdentity {
  /** System identifier of the data directory. */
  readonly system: string;
  /** Of the log that is written now. The control file would not do: it says so only at the next checkpoint of the server. */
  readonly timeline: number;
  /** Oid of the database. It keeps it when it is renamed, and at a standby. */
  readonly database: number;
}

export async function identify(client: pg.Client): Promise<ServerIdentity> {
  const sql = `SELECT s.system_identifier AS system,
                      ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::int AS timeline,
                      (SELECT oid FROM pg_database WHERE datname = current_database()) AS database
                 FROM pg_control_system() s`;
  const [row] = await query(client, sql);
  return { system: row!['system']!, timeline: Number(row!['timeline']), database: Number(row!['database']) };
}

/**
 * Holds server and database against a checkpoint (invariant 6).
 * @throws WeirError WEIR_PG_SYSTEM_CHANGED, WEIR_PG_DATABASE_CHANGED
 */
export function checkServer(here: ServerIdentity, state: PostgresState): void {
  if (here.system !== state.system) {
    const message = `the server's system identifier is ${here.system}, the checkpoint's ${state.system}`;
    throw new WeirError('WEIR_PG_SYSTEM_CHANGED', message);
  }
  if (state.database !== undefined && here.database !== state.database) {
    const message = `the database has the oid ${here.database}, the checkpoint's ${state.database}`;
    throw new WeirError('WEIR_PG_DATABASE_CHANGED', message, { path: 'url' });
  }
}

/**
 * Whether the log of this server goes on from what the sinks hold.
 * @param furthest LSN up to which a sink holds something of the log
 * @throws WeirError WEIR_PG_LOG_BEHIND, WEIR_PG_TIMELINE_CHANGED
 */
export async function checkLog(
  client: pg.Client,
  config: PostgresConfig,
  [here, before]: readonly [timeline: number, before: number],
  furthest: bigint,
  signal: AbortSignal,
): Promise<void> {
  const [row] = await query(client, 'SELECT pg_current_wal_insert_lsn() AS lsn');
  const end = parseLsn(row!['lsn']!);
  if (end < furthest) {
    const message = `the server's log ends at ${formatLsn(end)}, and the sinks hold it up to ${formatLsn(furthest)}`;
    throw new WeirError('WEIR_PG_LOG_BEHIND', message);
  }
  if (here === before) return;
  const changed = (what: string): WeirError =>
    new WeirError('WEIR_PG_TIMELINE_CHANGED', `the server is on timeline ${here}, the checkpoint on ${before}, ${what}`);
  const left = here < before ? undefined : (await timelineHistory(config, here, signal)).get(before);
  if (left === undefined) throw changed('which is no part of its history');
  if (furthest > left) {
    throw changed(`which ended at ${formatLsn(left)}: the sinks hold it up to ${formatLsn(furthest)}, which is not here`);
  }
}

/**
 * Where each earlier timeline ended on the way to this one, by its number. The format is that of a timeline history file:
 * `parent <tab> LSN <tab> reason`, with comments behind `#`.
 */
async function timelineHistory(config: PostgresConfig, timeline: number, signal: AbortSignal): Promise<Map<number, bigint>> {
  const client = await connect(config, signal, { replication: true });
  try {
    using _ = cutOnAbort(client, signal);
    const [row] = await query(client, `TIMELINE_HISTORY ${timeline}`);
    const lines = (row?.['content'] ?? '').split('\n').map((line) => /^\s*(\d+)\s+([0-9A-F]+\/[0-9A-F]+)/i.exec(line));
    return new Map(lines.flatMap((match) => (match === null ? [] : [[Number(match[1]), parseLsn(match[2]!)] as const])));
  } finally {
    await closeClient(client);
  }
}
