import { parseLsn } from '@weir/pgoutput';
import { query } from '@weir/postgres';
import { WeirError, crashPoint } from '@weir/sdk';
import type pg from 'pg';

interface SlotRow {
  readonly plugin: string;
  readonly database: string;
  readonly walStatus: string;
  readonly confirmed: bigint;
  readonly activePid: string | null;
  /** Decodes at PREPARE TRANSACTION: rows of a transaction that is rolled back later would be delivered. */
  readonly twoPhase: boolean;
}

/**
 * The slot to start with when there is no checkpoint, and where it stands. An existing one was left by a start that died
 * before its first checkpoint, or made by hand: nothing was delivered from it yet, so it is moved to the present.
 */
export async function createSlot(client: pg.Client, slot: string): Promise<bigint> {
  const found = await findSlot(client, slot);
  if (found === null) {
    await query(client, "SELECT pg_create_logical_replication_slot($1, 'pgoutput')", [slot], { timeoutMs: null });
    crashPoint('source.slot-created');
  } else {
    await refuseForeign(client, slot, found);
    const advance = 'SELECT pg_replication_slot_advance($1, pg_current_wal_flush_lsn())';
    await query(client, advance, [slot], { timeoutMs: null });
  }
  return (await findSlot(client, slot))!.confirmed;
}

/**
 * Holds the slot against the checkpoint: it must still be able to give every change behind it (invariant 6).
 * @param from LSN of the checkpoint
 * @throws WeirError WEIR_PG_SLOT_LOST, WEIR_PG_SLOT_INVALIDATED, WEIR_PG_SLOT_ADVANCED, WEIR_PG_SLOT_IN_USE,
 * WEIR_PG_SLOT_FOREIGN
 */
export async function checkSlot(client: pg.Client, slot: string, from: bigint): Promise<void> {
  const found = await findSlot(client, slot);
  if (found === null) throw new WeirError('WEIR_PG_SLOT_LOST', `replication slot ${slot} is gone`);
  await refuseForeign(client, slot, found);
  // A start below it would be moved forward by the server without a word.
  if (found.confirmed > from) {
    throw new WeirError('WEIR_PG_SLOT_ADVANCED', `replication slot ${slot} was moved past the checkpoint, or made again`);
  }
}

async function refuseForeign(client: pg.Client, slot: string, found: SlotRow): Promise<void> {
  const [here] = await query(client, 'SELECT current_database() AS database');
  if (found.plugin !== 'pgoutput' || found.database !== here!['database']) {
    const what = `replication slot ${slot} is of plugin ${found.plugin} in database ${found.database}`;
    throw new WeirError('WEIR_PG_SLOT_FOREIGN', what, { path: 'slot' });
  }
  if (found.twoPhase) {
    const what = `replication slot ${slot} has two_phase on, so it sends what is prepared and not committed`;
    const fix = `Give this pipeline its own \`slot\`, or copy again after: SELECT pg_drop_replication_slot('${slot}');`;
    throw new WeirError('WEIR_PG_SLOT_FOREIGN', what, { fix, path: 'slot' });
  }
  if (found.walStatus === 'lost') {
    const drop = `SELECT pg_drop_replication_slot('${slot}'); then copy again from scratch.`;
    const message = `replication slot ${slot} is lost: the server removed log that it needs`;
    throw new WeirError('WEIR_PG_SLOT_INVALIDATED', message, { fix: drop });
  }
  if (found.activePid !== null) {
    const fix = `Stop the process that uses it (server process ${found.activePid}), or give this pipeline its own \`slot\`.`;
    throw new WeirError('WEIR_PG_SLOT_IN_USE', `replication slot ${slot} is in use`, { fix, path: 'slot' });
  }
}

async function findSlot(client: pg.Client, slot: string): Promise<SlotRow | null> {
  const sql = `SELECT plugin, database, coalesce(wal_status, 'lost') AS wal_status, confirmed_flush_lsn, active_pid,
                      two_phase
                 FROM pg_replication_slots WHERE slot_name = $1`;
  const [row] = await query(client, sql, [slot]);
  if (row === undefined) return null;
  return {
    plugin: row['plugin'] ?? 'none (physical)',
    database: row['database'] ?? 'none',
    walStatus: row['wal_status']!,
    confirmed: parseLsn(row['confirmed_flush_lsn'] ?? '0/0'),
    activePid: row['active_pid'] ?? null,
    twoPhase: row['two_phase'] === 't',
  };
}
