import { createHash } from 'node:crypto';
import { closeClient, connect, type ConnectionConfig } from '@weir/postgres';
import type { Shard } from '@weir/sdk';
import type pg from 'pg';
import { literal } from './sql-text.ts';
import { sinkError } from './postgres-error.ts';

/** PostgreSQL cuts longer names. */
const NAME_BYTES = 63;

/** What the server is told that a session of a shard is: people read it, and a successor knows its predecessor by it. */
export function sessionName(shard: Shard): string {
  const { pipeline, sink, shard: number } = shard;
  const digest = createHash('sha256').update(JSON.stringify([pipeline, sink, number])).digest('hex').slice(0, 12);
  const readable = `weir ${pipeline}/${sink}/${number}`.replace(/[^\x21-\x7e ]/g, '_');
  return `${readable.slice(0, NAME_BYTES - 13)} ${digest}`;
}

export interface SessionSettings {
  readonly name: string;
  readonly idleTimeoutMs: number;
}

/**
 * Connects and sets what a writing session needs.
 * @returns the connection, and whether triggers and foreign keys of the mirror are passed over
 */
export async function connectSession(
  config: ConnectionConfig,
  settings: SessionSettings,
  signal: AbortSignal,
): Promise<{ client: pg.Client; replica: boolean }> {
  const client = await connect(config, signal);
  try {
    await client.query(settingsSql(settings));
    return { client, replica: await becomeReplica(client) };
  } catch (error) {
    await closeClient(client);
    throw sinkError(error, { doing: 'preparing the session' });
  }
}

function settingsSql({ name, idleTimeoutMs }: SessionSettings): string {
  const settings: Record<string, string> = {
    application_name: name,
    standard_conforming_strings: 'on',
    // A holder that stands still lets go of the fence's row at last, also when nobody may end it.
    idle_in_transaction_session_timeout: `${Math.trunc(idleTimeoutMs)}ms`,
    // A holder whose runner is gone notices while it works, or while nothing comes.
    client_connection_check_interval: '2s',
    tcp_keepalives_idle: '30',
    tcp_keepalives_interval: '10',
    tcp_keepalives_count: '6',
    // Staged rows of a usual commit stay in memory.
    temp_buffers: '32MB',
  };
  const set = Object.entries(settings).map(([key, value]) => `SET ${key} = ${literal(value)}`);
  // What is stronger stays.
  const durable = `SELECT set_config('synchronous_commit', 'on', false)
    WHERE current_setting('synchronous_commit') NOT IN ('on', 'remote_apply')`;
  return [...set, durable].join('; ');
}

/** Needs a superuser, or from version 15 on GRANT SET ON PARAMETER session_replication_role. */
async function becomeReplica(client: pg.Client): Promise<boolean> {
  try {
    await client.query('SET session_replication_role = replica');
    return true;
  } catch (error) {
    if ((error as { code?: string }).code === '42501') return false;
    throw error;
  }
}
