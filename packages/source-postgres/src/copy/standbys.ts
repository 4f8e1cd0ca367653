import { formatLsn } from '@weir/pgoutput';
import { query } from '@weir/postgres';
import type { Clock } from '@weir/sdk';
import type pg from 'pg';

/** How long a round waits for standbys, in ms: the stream waits with it. */
const WAIT_MS = 1_000;
const ASK_AGAIN_MS = 20;

/**
 * Standbys by which the server holds back failover slots; none before PostgreSQL 17, or where none are named.
 * A physical slot's `restart_lsn` is what its standby has written to disk.
 */
const HAVE_ALL = `
  SELECT bool_and(restart_lsn >= $1::pg_lsn) AS have FROM pg_replication_slots
   WHERE slot_name = ANY (regexp_split_to_array(current_setting('synchronized_standby_slots', true), '\\s*,\\s*'))`;

/**
 * Whether the standbys that a failover slot waits for have everything below an LSN: what a chunk holds must be at a standby
 * that is promoted, as what the stream brings is.
 */
export async function standbysHave(client: pg.Client, lsn: bigint, clock: Clock, signal: AbortSignal): Promise<boolean> {
  const until = clock.now() + WAIT_MS;
  while (true) {
    const [row] = await query(client, HAVE_ALL, [formatLsn(lsn)]);
    if (row!['have'] !== 'f') return true;
    if (clock.now() >= until) return false;
    await clock.sleep(ASK_AGAIN_MS, signal);
  }
}
