import { formatLsn, parseLsn } from '@weir/pgoutput';
import { WeirError, type BegunAnew, type Position } from '@weir/sdk';
import type pg from 'pg';
import type { Capture } from './capture/capture.ts';
import { tableNamed } from './capture/catalog.ts';
import { alterPublications, checkPublications } from './capture/publication.ts';
import type { PostgresConfig } from './config.ts';
import { nextTransaction } from './next-transaction.ts';
import {
  copiesBegun,
  nextEpoch,
  positionEpoch,
  positionLsn,
  unrepairedChunks,
  type PostgresState,
  type Publication,
  type TableState,
} from './position.ts';
import { checkLog, checkServer, identify } from './server-identity.ts';
import { FAILOVER_SLOTS, serverVersion } from './server-version.ts';
import { checkSlot, createSlot, enableFailover, remakeSlot } from './slot.ts';

/** Where a session starts. */
export interface Boundary {
  readonly from: bigint;
  /**
   * Transactions below this id have to end before a table is copied; null when all that are open have to. Asked for behind the
   * slot: one that committed before the slot's place, and waits for a standby, is in no stream, so a chunk has to see it.
   */
  readonly gate: bigint | null;
  readonly state: PostgresState;
  /** The state is of a new epoch, which every sink has to know before anything of it is written. */
  readonly isAnew: boolean;
}

export interface Surroundings {
  readonly client: pg.Client;
  readonly config: PostgresConfig;
  readonly slot: string;
  readonly signal: AbortSignal;
}

/** The checkpoint that a start goes on from. */
export interface Resumption {
  readonly state: PostgresState;
  readonly position: Position;
  /** The furthest position of any sink. */
  readonly reach: Position | null;
}

/** No checkpoint: publication, then slot (it cannot decode with a publication younger than its log), nothing copied. */
export async function startFromNothing(around: Surroundings, capture: Capture, reach: Position | null): Promise<Boundary> {
  const { client, config, slot } = around;
  const publications = await publish(client, capture);
  const from = await createSlot(client, slot, config);
  const gate = await nextTransaction(client);
  const epoch = nextEpoch(null, reach, from);
  const here = await identify(client);
  const nothing = { copies: 0, tables: [], types: [] };
  return { from, gate, state: { v: 2, ...here, slot, ...publications, epoch, ...nothing }, isAnew: false };
}

/** Everything that the checkpoint relies on must still hold, or it is refused with its code (invariant 6). */
export async function resume(around: Surroundings, { state, position, reach }: Resumption): Promise<Boundary> {
  const { client, config, signal } = around;
  // The configuration's: one that was given because the checkpoint's is somebody else's must be able to take its place.
  const name = around.slot;
  const from = positionLsn(position);
  const here = await identify(client);
  checkServer(here, state);
  if (reach !== null && positionEpoch(reach) > state.epoch) {
    throw new WeirError('WEIR_PG_EPOCH', 'one sink has begun to copy everything again, and another has not');
  }
  await checkLog(client, config, [here.timeline, state.timeline], furthestLsn(state, position, reach), signal);
  const slot = await checkSlot(client, name, from);
  if (here.timeline !== state.timeline && !slot.synced) {
    const message = `the server is on timeline ${here.timeline}, the checkpoint on ${state.timeline}`;
    throw new WeirError('WEIR_PG_TIMELINE_CHANGED', `${message}, and slot ${name} was not kept in step with that`);
  }
  await checkPublications(client, state);
  const canFailOver = (await serverVersion(client)) >= FAILOVER_SLOTS;
  if (config.failover && canFailOver && !slot.failover) await enableFailover(config, name, signal);
  const copies = copiesBegun(state.copies, reach);
  return { from, gate: null, state: { ...state, ...here, slot: name, copies }, isAnew: false };
}

/**
 * The position is lost: publication and slot are made fit and made anew, and every table is to be copied again, in the next
 * epoch. Also when an earlier start has begun that, and died before every sink knew of it.
 */
export async function beginAnew(
  around: Surroundings,
  capture: Capture,
  { state, position, reach }: Resumption,
  begunAnew: BegunAnew,
): Promise<Boundary> {
  const { client, config, slot } = around;
  const publications = await publish(client, capture);
  const from = await remakeSlot(client, slot, config);
  const gate = await nextTransaction(client);
  const next: PostgresState = {
    v: 2,
    ...(await identify(client)),
    slot,
    ...publications,
    epoch: nextEpoch(position, reach, from),
    copies: state.copies,
    tables: state.tables.map((table) => (repairs(config, table, capture) ? unread(table, from) : forgotten(table, capture))),
    types: config.on_lost_position === 'repair' ? state.types : [],
    begunAnew,
  };
  return { from, gate, state: next, isAnew: true };
}

async function publish(client: pg.Client, capture: Capture): Promise<Pick<PostgresState, 'publication' | 'inserts'>> {
  const { main, inserts } = (await alterPublications(client, capture)).publications;
  return { publication: withoutAge(main), ...(inserts === null ? {} : { inserts: withoutAge(inserts) }) };
}

/** A publication that is older than the slot. */
function withoutAge({ name, oid, owned, viaRoot }: Publication): Publication {
  return { name, oid, owned, ...(viaRoot === undefined ? {} : { viaRoot }) };
}

/** Whether the rows that sinks have of a table can stay until they are read again: all of them are there, by their keys. */
function repairs({ on_lost_position }: PostgresConfig, { oid, namespace, name, chunks }: TableState, { tables }: Capture): boolean {
  if (on_lost_position !== 'repair' || chunks?.done !== true) return false;
  return tableNamed(tables, { namespace, name })?.oid === oid;
}

/** A table whose rows are read over those that the sinks have; what the stream says of them before is left out. */
function unread(table: TableState, from: bigint): TableState {
  return { ...table, copiedAt: formatLsn(from), chunks: unrepairedChunks };
}

/** A table of which the sinks have rows that count no more. One whose name nothing has is told to be gone, later. */
function forgotten({ namespace, name, reason, copiedAt }: TableState, { tables }: Capture): TableState {
  const found = tableNamed(tables, { namespace, name });
  const again = copiedAt === null ? reason : 'again';
  return { namespace, name, oid: found?.oid ?? 0, member: 0, reason: again, copiedAt: null, shape: null };
}

/** Up to where a sink holds something of the log: streamed, or in a table that was copied later than the stream stands. */
function furthestLsn({ tables, round }: PostgresState, position: Position, reach: Position | null): bigint {
  const copies = tables.flatMap(({ copiedAt }) => (copiedAt === null ? [] : [parseLsn(copiedAt)]));
  const reached = reach === null ? 0n : positionLsn(reach);
  const chunks = round === undefined ? 0n : parseLsn(round.end);
  return [positionLsn(position), reached, chunks, ...copies].reduce((a, b) => (a > b ? a : b));
}

/** What is told when a pipeline begins anew: never silently. @param before the checkpoint's slot */
export function anewMessage(error: WeirError, before: string, { state: { epoch, slot } }: Boundary): string {
  const left = before === slot ? '' : `; slot ${before} of before is left as it is`;
  return `the position is lost (${error.message}), so all tables are read again, in epoch ${epoch}${left}`;
}
