import { formatLsn, parseLsn } from '@weir/pgoutput';
import { query } from '@weir/postgres';
import { WeirError } from '@weir/sdk';
import type pg from 'pg';
import { copyName } from '../slot.ts';

/** Where a slot, its copy and the log stand. */
export interface LogExtent {
  /** The log is on disk up to here. */
  readonly end: bigint;
  /** Up to here the copy has given everything. */
  readonly at: bigint;
  /** From here on the server reads for the copy's next piece: the oldest transaction that was open at `at` began behind it. */
  readonly restart: bigint;
}

/** What every session that reads pieces has. A server that sends nothing notices in time that nobody is there any more. */
const SETTINGS = "SET client_connection_check_interval = '2s'; SET work_mem = '64MB'";

/**
 * Copies a slot for this session, which has it until it ends, and moves the copy to `from`. The slot itself stays where it
 * is, and keeps its log.
 * @param from LSN of the checkpoint
 * @throws WeirError WEIR_PG_SLOT_ADVANCED; what the server says, when it has no room for another slot
 */
export async function copySlot(client: pg.Client, slot: string, from: bigint): Promise<void> {
  await client.query(SETTINGS);
  const copy = 'SELECT lsn FROM pg_copy_logical_replication_slot($1, $2, true)';
  const [row] = await query(client, copy, [slot, copyName(slot)]);
  const at = parseLsn(row!['lsn']!);
  if (at > from) throw new WeirError('WEIR_PG_SLOT_ADVANCED', `replication slot ${slot} was moved past the checkpoint`);
  if (at === from) return;
  await query(client, 'SELECT pg_replication_slot_advance($1, $2)', [copyName(slot), formatLsn(from)], { timeoutMs: null });
}

/** @throws WeirError WEIR_PG_SLOT_LOST, WEIR_PG_SLOT_ADVANCED when it is past what was confirmed (invariant 6) */
export async function logExtent(client: pg.Client, slot: string, confirmed: bigint): Promise<LogExtent> {
  const sql = `SELECT pg_current_wal_flush_lsn() AS end, own.confirmed_flush_lsn AS confirmed,
                      copy.confirmed_flush_lsn AS at, copy.restart_lsn AS restart
                 FROM pg_replication_slots own LEFT JOIN pg_replication_slots copy ON copy.slot_name = $2
                WHERE own.slot_name = $1`;
  const [row] = await query(client, sql, [slot, copyName(slot)]);
  if (row === undefined) throw new WeirError('WEIR_PG_SLOT_LOST', `replication slot ${slot} is gone`);
  if (parseLsn(row['confirmed'] ?? '0/0') > confirmed) {
    throw new WeirError('WEIR_PG_SLOT_ADVANCED', `replication slot ${slot} was moved while it was read`);
  }
  if (row['restart'] == null) throw new WeirError('WEIR_PG_SLOT_INVALIDATED', `the copy of replication slot ${slot} is lost`);
  return { end: parseLsn(row['end']!), at: parseLsn(row['at']!), restart: parseLsn(row['restart']) };
}

/** The server may forget everything below `lsn`; a slot that is past it already stays. */
export async function advanceSlot(client: pg.Client, slot: string, lsn: bigint): Promise<void> {
  const sql = `SELECT pg_replication_slot_advance(slot_name, $2) FROM pg_replication_slots
                WHERE slot_name = $1 AND confirmed_flush_lsn <= $2`;
  await query(client, sql, [slot, formatLsn(lsn)], { timeoutMs: null });
}
