import { createHash } from 'node:crypto';
import { parseLsn } from '@weir/pgoutput';
import { closeClient, connect, cutOnAbort, query, quoteIdentifier, quoteLiteral } from '@weir/postgres';
import { WeirError, crashPoint } from '@weir/sdk';
import type pg from 'pg';
import type { PostgresConfig } from './config.ts';
import { FAILOVER_SLOTS, serverVersion } from './server-version.ts';
import type { SharedConnection } from './shared-connection.ts';

/** Characters that a name of a slot may have. */
const NAME_LENGTH = 63;
const COPY_SUFFIX = '_catch_up';

export interface SlotRow {
  readonly plugin: string;
  readonly database: string;
  readonly walStatus: string;
  /** Why the server gave it up; null when it did not, or does not say. */
  readonly reason: string | null;
  readonly confirmed: bigint;
  /** The server process that reads it, or its copy. */
  readonly activePid: string | null;
  /** Decodes at PREPARE TRANSACTION: rows of a transaction that is rolled back later would be delivered. */
  readonly twoPhase: boolean;
  /** Standbys keep a copy of it. */
  readonly failover: boolean;
  /** It is, or was before a promotion, such a copy. */
  readonly synced: boolean;
}

export interface SlotOptions {
  readonly failover: boolean;
}

/**
 * The slot to start with when there is no checkpoint, and where it stands. An existing one was left by a start that died
 * before its first checkpoint, or made by hand: nothing was delivered from it yet, so it is moved to the present. Its name
 * is the pipeline's, so there is none that nobody knows of: see decision 11.
 */
export async function createSlot(client: pg.Client, slot: string, options: SlotOptions): Promise<bigint> {
  const found = await findSlot(client, slot);
  if (found === null) {
    await makeSlot(client, slot, options);
  } else {
    await refuseForeign(client, slot, found);
    const advance = 'SELECT pg_replication_slot_advance($1, pg_current_wal_flush_lsn())';
    await query(client, advance, [slot], { timeoutMs: null });
  }
  return (await findSlot(client, slot))!.confirmed;
}

/** Drops the slot of a position that was lost, if it is there, and makes it anew. Returns where it stands. */
export async function remakeSlot(client: pg.Client, slot: string, options: SlotOptions): Promise<bigint> {
  const found = await findSlot(client, slot);
  if (found !== null) {
    await refuseOthers(client, slot, found);
    refuseActive(slot, found);
    await query(client, 'SELECT pg_drop_replication_slot($1)', [slot]);
  }
  await makeSlot(client, slot, options);
  return (await findSlot(client, slot))!.confirmed;
}

async function makeSlot(client: pg.Client, slot: string, { failover }: SlotOptions): Promise<void> {
  const kind = failover ? ', false, false, true' : '';
  await query(client, `SELECT pg_create_logical_replication_slot($1, 'pgoutput'${kind})`, [slot], { timeoutMs: null });
  crashPoint('source.slot-created');
}

/**
 * Holds the slot against the checkpoint: it must still be able to give every change behind it (invariant 6). That it stands
 * at or behind the checkpoint is enough, whoever made it and when: a slot gives every transaction that commits behind the
 * place where it was made, and one that is made later than the checkpoint stands past it.
 * @param from LSN of the checkpoint
 * @throws WeirError WEIR_PG_SLOT_LOST, WEIR_PG_SLOT_INVALIDATED, WEIR_PG_SLOT_ADVANCED, WEIR_PG_SLOT_IN_USE,
 * WEIR_PG_SLOT_FOREIGN
 */
export async function checkSlot(client: pg.Client, slot: string, from: bigint): Promise<SlotRow> {
  const found = await findSlot(client, slot);
  if (found === null) throw new WeirError('WEIR_PG_SLOT_LOST', `replication slot ${slot} is gone`);
  await refuseForeign(client, slot, found);
  // A start below it would be moved forward by the server without a word.
  if (found.confirmed > from) {
    throw new WeirError('WEIR_PG_SLOT_ADVANCED', `replication slot ${slot} was moved past the checkpoint, or made again`);
  }
  return found;
}

/**
 * Holds the slot against what was confirmed, once the server streams from it: from then on nobody else can move it. Between
 * the look of `checkSlot` and that somebody may have, such as a runner that began from nothing and was suspended then; the
 * server would start there without a word.
 * @param confirmed what is confirmed by now: asked for behind the look, since the slot may have followed meanwhile
 * @throws WeirError WEIR_PG_SLOT_LOST, WEIR_PG_SLOT_ADVANCED (invariant 6)
 */
export async function checkStreamedSlot(control: SharedConnection, slot: string, confirmed: () => bigint): Promise<void> {
  const found = await control.use(async (client) => await findSlot(client, slot));
  if (found === null) throw new WeirError('WEIR_PG_SLOT_LOST', `replication slot ${slot} is gone`);
  if (found.confirmed > confirmed()) {
    throw new WeirError('WEIR_PG_SLOT_ADVANCED', `replication slot ${slot} was moved while it was opened`);
  }
}

/** Lets standbys keep a copy of a slot that was made without. */
export async function enableFailover(config: PostgresConfig, slot: string, signal: AbortSignal): Promise<void> {
  const client = await connect(config, signal, { replication: true });
  try {
    using _ = cutOnAbort(client, signal);
    await query(client, `ALTER_REPLICATION_SLOT ${quoteIdentifier(slot)} ( FAILOVER true )`);
  } finally {
    await closeClient(client);
  }
}

/** @throws WeirError WEIR_PG_SLOT_FOREIGN, WEIR_PG_SLOT_INVALIDATED, WEIR_PG_SLOT_IN_USE */
async function refuseForeign(client: pg.Client, slot: string, found: SlotRow): Promise<void> {
  await refuseOthers(client, slot, found);
  if (found.walStatus === 'lost') throw invalidated(slot, found);
  refuseActive(slot, found);
}

/** @throws WeirError WEIR_PG_SLOT_FOREIGN when the slot is not one that Weir would have made */
export async function refuseOthers(client: pg.Client, slot: string, found: SlotRow): Promise<void> {
  const [here] = await query(client, 'SELECT current_database() AS database');
  if (found.plugin !== 'pgoutput' || found.database !== here!['database']) {
    const what = `replication slot ${slot} is of plugin ${found.plugin} in database ${found.database}`;
    throw new WeirError('WEIR_PG_SLOT_FOREIGN', what, { path: 'slot' });
  }
  if (found.twoPhase) {
    const what = `replication slot ${slot} has two_phase on, so it sends what is prepared and not committed`;
    const fix = `Give this pipeline its own \`slot\`, or copy again after: ${dropSql(slot)}`;
    throw new WeirError('WEIR_PG_SLOT_FOREIGN', what, { fix, path: 'slot' });
  }
}

/** @throws WeirError WEIR_PG_SLOT_IN_USE */
export function refuseActive(slot: string, { activePid }: SlotRow): void {
  if (activePid === null) return;
  const end = `SELECT pg_terminate_backend(${activePid});`;
  const fix = `Stop the process that uses it (server process ${activePid}: ${end}), or give this pipeline its own \`slot\`.`;
  throw new WeirError('WEIR_PG_SLOT_IN_USE', `replication slot ${slot} is in use`, { fix, path: 'slot' });
}

/** What the server says in `pg_replication_slots.invalidation_reason`, and what keeps it from happening again. */
const invalidations: Readonly<Record<string, { readonly why: string; readonly mend: string }>> = {
  wal_removed: {
    why: 'the server removed log that it needs',
    mend: 'Raise max_slot_wal_keep_size at the server if it was too small',
  },
  rows_removed: {
    why: 'rows of the catalog that it needs were removed',
    mend: 'At a standby set hot_standby_feedback = on, with a slot for its own connection to the primary',
  },
  wal_level_insufficient: {
    why: 'the primary’s log has less than logical decoding needs',
    mend: 'Set wal_level = logical at the primary and restart it',
  },
  idle_timeout: {
    why: 'nobody read it for as long as idle_replication_slot_timeout allows',
    mend: 'Raise idle_replication_slot_timeout at the server, or set it to 0',
  },
};

/** That the server gave a slot up. */
export function invalidated(slot: string, { reason }: Pick<SlotRow, 'reason'>): WeirError {
  const { why, mend } = invalidations[reason ?? 'wal_removed'] ?? { why: `the server says ${reason}`, mend: 'Mend that' };
  const again = 'set `on_lost_position: resnapshot` (or `repair`) to copy all tables again';
  const fix = `${mend}, then ${again}. Or: ${dropSql(slot)}`;
  return new WeirError('WEIR_PG_SLOT_INVALIDATED', `replication slot ${slot} is lost: ${why}`, { fix });
}

/** SQL that drops a slot. */
export function dropSql(slot: string): string {
  return `SELECT pg_drop_replication_slot(${quoteLiteral(slot)});`;
}

/** The name of a slot's copy, from which a source that is far behind reads: there is one while somebody does so. */
export function copyName(slot: string): string {
  const name = `${slot}${COPY_SUFFIX}`;
  if (name.length <= NAME_LENGTH) return name;
  const hash = createHash('sha256').update(slot).digest('hex').slice(0, 8);
  return `${slot.slice(0, NAME_LENGTH - COPY_SUFFIX.length - 9)}_${hash}${COPY_SUFFIX}`;
}

export async function findSlot(client: pg.Client, slot: string): Promise<SlotRow | null> {
  const hasFailover = (await serverVersion(client)) >= FAILOVER_SLOTS;
  const none = "NULL AS invalidation_reason, 'f' AS failover, 'f' AS synced";
  const newer = hasFailover ? 'invalidation_reason, failover, synced' : none;
  const sql = `SELECT plugin, database, coalesce(wal_status, 'lost') AS wal_status, confirmed_flush_lsn, two_phase, ${newer},
                      coalesce(active_pid, (SELECT active_pid FROM pg_replication_slots WHERE slot_name = $2)) AS active_pid
                 FROM pg_replication_slots WHERE slot_name = $1`;
  const [row] = await query(client, sql, [slot, copyName(slot)]);
  if (row === undefined) return null;
  const reason = row['invalidation_reason'] ?? null;
  return {
    plugin: row['plugin'] ?? 'none (physical)',
    database: row['database'] ?? 'none',
    walStatus: reason === null ? row['wal_status']! : 'lost',
    reason,
    confirmed: parseLsn(row['confirmed_flush_lsn'] ?? '0/0'),
    activePid: row['active_pid'] ?? null,
    twoPhase: row['two_phase'] === 't',
    failover: row['failover'] === 't',
    synced: row['synced'] === 't',
  };
}
