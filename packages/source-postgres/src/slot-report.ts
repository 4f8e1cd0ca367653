import { query } from '@weir/postgres';
import { WeirError, type CheckResult } from '@weir/sdk';
import type pg from 'pg';
import type { PostgresConfig } from './config.ts';
import { dropSql, findSlot, invalidated, refuseOthers } from './slot.ts';

/** What `check` tells of the pipeline's slot, of log that slots keep, and of slots that nobody seems to read any more. */
export async function slotResults(client: pg.Client, config: PostgresConfig, slot: string): Promise<CheckResult[]> {
  const [server] = await query(client, 'SELECT pg_is_in_recovery() AS standby');
  // A standby, which is an error anyway, cannot be asked where its log ends.
  if (server!['standby'] === 't') return [];
  return [
    ...(await ownSlot(client, config, slot)),
    ...(await boundOnLog(client, config)),
    ...(await abandonedSlots(client, slot)),
  ];
}

const RETAINED = 'pg_size_pretty(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn))';

async function ownSlot(client: pg.Client, config: PostgresConfig, slot: string): Promise<CheckResult[]> {
  const found = await findSlot(client, slot);
  if (found === null) return [];
  try {
    await refuseOthers(client, slot, found);
  } catch (error) {
    if (!(error instanceof WeirError)) throw error;
    return [{ code: error.code, level: 'error', message: error.message, fix: error.fix, path: 'slot' }];
  }
  if (found.walStatus === 'lost') {
    const { code, message, fix } = invalidated(slot, found);
    const mends = config.on_lost_position !== 'fail';
    if (mends) return [{ code, level: 'warning', message: `${message}; the next start copies all tables again` }];
    return [{ code, level: 'error', message, fix }];
  }
  const sql = `SELECT ${RETAINED} AS retained FROM pg_replication_slots WHERE slot_name = $1`;
  const [row] = await query(client, sql, [slot]);
  const state = found.activePid === null ? 'nobody reads it now' : `server process ${found.activePid} reads it`;
  const message = `replication slot ${slot} keeps ${row?.['retained'] ?? '0 bytes'} of log (${found.walStatus}); ${state}`;
  if (found.walStatus !== 'unreserved') return [{ code: 'WEIR_PG_SLOT_INVALIDATED', level: 'ok', message }];
  const fix = 'Let the pipeline catch up at once, or raise max_slot_wal_keep_size: the server is about to remove that log.';
  return [{ code: 'WEIR_PG_SLOT_INVALIDATED', level: 'warning', message, fix }];
}

/** A pipeline that is stopped for long must not fill the server's disk. */
async function boundOnLog(client: pg.Client, config: PostgresConfig): Promise<CheckResult[]> {
  const code = 'WEIR_PG_RETAINED_WAL';
  const [row] = await query(client, 'SHOW max_slot_wal_keep_size');
  const bound = row!['max_slot_wal_keep_size']!;
  if (bound !== '-1') return [{ code, level: 'ok', message: `the server keeps at most ${bound} of log for a slot` }];
  if (config.max_retained_wal !== null) {
    const message = `\`max_retained_wal\` bounds the log that is kept while the pipeline runs: ${config.on_exceed}`;
    return [{ code, level: 'ok', message }];
  }
  const message = 'nothing bounds the log that the server keeps for this pipeline: while it is stopped the disk can fill up';
  const alter = "ALTER SYSTEM SET max_slot_wal_keep_size = '20GB'; SELECT pg_reload_conf();";
  return [{ code, level: 'warning', message, fix: `${alter} And \`max_retained_wal: 20GiB\`.`, path: 'max_retained_wal' }];
}

/** Slots that have a name as Weir gives them, are not this pipeline's, and that nobody reads: they keep log for ever. */
async function abandonedSlots(client: pg.Client, slot: string): Promise<CheckResult[]> {
  const sql = `SELECT slot_name, database, coalesce(wal_status, 'lost') AS wal_status,
                      coalesce(${RETAINED}, '0 bytes') AS retained
                 FROM pg_replication_slots
                WHERE slot_name LIKE 'weir\\_%' AND slot_name <> $1 AND plugin = 'pgoutput' AND NOT active AND NOT temporary
                ORDER BY slot_name`;
  return (await query(client, sql, [slot])).map((row) => {
    const name = row['slot_name']!;
    const kept = row['wal_status'] === 'lost' ? 'is lost' : `keeps ${row['retained']} of log`;
    const message = `replication slot ${name} in database ${row['database']} ${kept}, and no pipeline reads it now`;
    const fix = `If its pipeline is no more: ${dropSql(name)}`;
    return { code: 'WEIR_PG_SLOT_ABANDONED', level: 'warning', message, fix };
  });
}
