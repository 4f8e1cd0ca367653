import type { PgType } from '@weir/postgres';
import { WeirError, type BegunAnew, type Checkpoint, type Json, type Key, type KeyRange, type Position } from '@weir/sdk';
import type { ShapeState } from './shape/shape-state.ts';

/**
 * Positions of PostgreSQL, fixed-width lower-case hex so that they compare bytewise (invariant 2):
 *
 * - a row: `epoch.commit LSN.ordinal`, ordinals from 1; `Commit.position` is the part without the ordinal
 * - a boundary: `epoch.commit-end LSN.00000000`. The end of one commit is at most the LSN of the next, so it sorts between.
 * - a chunk of a copy: the boundary at which the stream stands, then `.copy.sequence`. A copy that is started again has a
 *   higher number, so what it brings is never taken for a replay of the copy before.
 *
 * The epoch rises where a pipeline begins anew behind a gap, so that positions and versions ascend across it.
 */
export function commitPosition(epoch: number, commitLsn: bigint): Position {
  return `${hex(epoch, 4)}.${hex(commitLsn, 16)}.00000001`;
}

export function boundaryPosition(epoch: number, endLsn: bigint): Position {
  return `${hex(epoch, 4)}.${hex(endLsn, 16)}.00000000`;
}

export function chunkPosition(epoch: number, endLsn: bigint, copy: number, sequence: number): Position {
  return `${boundaryPosition(epoch, endLsn)}.${hex(copy, 8)}.${hex(sequence, 8)}`;
}

/** The LSN of a position. @throws WeirError WEIR_PG_CHECKPOINT */
export function positionLsn(position: Position): bigint {
  const match = /^[0-9a-f]{4}\.([0-9a-f]{16})\./.exec(position);
  if (match === null) throw new WeirError('WEIR_PG_CHECKPOINT', `not a position of PostgreSQL: ${position}`);
  return BigInt(`0x${match[1]}`);
}

/** The epoch of a position. @throws WeirError WEIR_PG_CHECKPOINT */
export function positionEpoch(position: Position): number {
  positionLsn(position);
  return Number.parseInt(position.slice(0, 4), 16);
}

/**
 * How many copies were begun where a start goes on, so that the next is numbered beyond what any sink has of one. A sink that
 * is ahead in a copy would otherwise keep its place, with the state of a chunk before it, and look like one that has all of it.
 * @param copies that of the checkpoint
 * @param reach the furthest position of any sink; null when no sink has one
 */
export function copiesBegun(copies: number, reach: Position | null): number {
  const match = /^[0-9a-f]{4}\.[0-9a-f]{16}\.0{8}\.([0-9a-f]{8})\./.exec(reach ?? '');
  return Math.max(copies, match === null ? 0 : Number.parseInt(match[1]!, 16));
}

/**
 * The epoch in which a pipeline begins again at an LSN, so that what it gives from there on lies beyond what any sink holds.
 * @param from position of the checkpoint that is given up; null when there is none
 * @param reach the furthest position of any sink; null when no sink has one
 */
export function nextEpoch(from: Position | null, reach: Position | null, lsn: bigint): number {
  const own = from === null ? 0 : positionEpoch(from) + 1;
  const reached = reach === null ? 0 : positionEpoch(reach) + (positionLsn(reach) < lsn ? 0 : 1);
  return Math.max(own, reached);
}

function hex(value: number | bigint, digits: number): string {
  return value.toString(16).padStart(digits, '0');
}

/** Why a table is copied; see `SchemaChange`. */
export type CopyReason = 'first' | 'new' | 'again';

/** What the checkpoint remembers of one table. */
export interface TableState {
  readonly namespace: string;
  readonly name: string;
  readonly oid: number;
  /** The oid of its entry in the publication; 0 in one FOR ALL TABLES. Taken out and put back it is another. */
  readonly member: number;
  /**
   * The LSN before which its rows may have another shape than here: the consistent point of the snapshot that it was copied
   * from, or, when it is copied by key, behind the beginning of that. Null while its copy has not begun.
   */
  readonly copiedAt: string | null;
  readonly reason: CopyReason;
  /** What its rows look like from here on in the log; null while its copy has not begun. */
  readonly shape: ShapeState | null;
  /** How far its copy is; absent when it was copied in one snapshot. */
  readonly chunks?: ChunkState;
}

/** How far a copy by key is. Keys beyond `upTo`, and `holes`, are still to be read: what the stream says of them is left out. */
export interface ChunkState {
  /** The highest key that was read; null before the first. */
  readonly upTo: Key | null;
  /** Keys below it that have to be read once more. */
  readonly holes: readonly Key[];
  /** Everything behind `upTo` was read as well. */
  readonly done: boolean;
  /** How many rows were read. */
  readonly rows: number;
  /** Sinks have the rows beyond `upTo` from an earlier copy, but perhaps not all of them: they compare what is read. */
  readonly compare?: true;
}

export const unreadChunks: ChunkState = { upTo: null, holes: [], done: false, rows: 0 };

/** Of a table that sinks have, but not as it should be. */
export const unrepairedChunks: ChunkState = { ...unreadChunks, compare: true };

/** Nothing is still to be read. */
export function isWhole({ done, holes }: ChunkState): boolean {
  return done && holes.length === 0;
}

/** The chunks that were read last, in one snapshot of the server, until the stream has come by it. */
export interface RoundState {
  /** Text of the `pg_snapshot`. */
  readonly snapshot: string;
  /** LSN behind the snapshot: what commits from here on is in none of the chunks. */
  readonly end: string;
  /** What was read, with the oids of the tables. */
  readonly ranges: readonly (KeyRange & { readonly oid: number })[];
}

/** A publication as a pipeline remembers it. */
export interface Publication {
  readonly name: string;
  readonly oid: number;
  /** Weir created it, so Weir may change it. */
  readonly owned: boolean;
  /** Whether partitions are sent under the name of their root; absent in checkpoints of version 0.1. */
  readonly viaRoot?: boolean;
  /**
   * The end of the log when the pipeline began to use it, as an LSN; absent when that was before the slot was made. Before
   * PostgreSQL 18 a slot cannot decode what is older with it.
   */
  readonly since?: string;
}

/** `Checkpoint.state`. Kept as one frozen object while nothing in it changes. */
export interface PostgresState {
  readonly v: 2;
  /** System identifier of the server's data directory. */
  readonly system: string;
  readonly timeline: number;
  /** Oid of the database; absent in checkpoints of version 0.1. */
  readonly database?: number;
  readonly slot: string;
  readonly publication: Publication;
  /** The publication of the tables that are captured without updates and deletes. */
  readonly inserts?: Publication;
  readonly epoch: number;
  /** How often a copy, or a round of chunks, was begun. */
  readonly copies: number;
  /** Absent when none is remembered. */
  readonly round?: RoundState;
  readonly tables: readonly TableState[];
  /** Types of somebody's own that columns have: the log may have values of one that is dropped by now. */
  readonly types: readonly PgType[];
  /** When the pipeline last began anew behind a gap, and which. */
  readonly begunAnew?: BegunAnew;
}

/** @throws WeirError WEIR_PG_CHECKPOINT when another version or connector wrote it */
export function readState(checkpoint: Checkpoint): PostgresState {
  const state = checkpoint.state as Partial<PostgresState> | null;
  if (state?.v !== 2 || typeof state.system !== 'string' || !Array.isArray(state.tables)) {
    throw new WeirError('WEIR_PG_CHECKPOINT', 'the checkpoint has a form that this version does not know');
  }
  return state as PostgresState;
}

export function stateJson(state: PostgresState): Json {
  return state as unknown as Json;
}
