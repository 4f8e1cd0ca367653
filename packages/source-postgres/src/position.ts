import { WeirError, type Checkpoint, type Json, type Position } from '@weir/sdk';

/**
 * Positions of PostgreSQL, fixed-width lower-case hex so that they compare bytewise (invariant 2):
 *
 * - a row: `epoch.commit LSN.ordinal`, ordinals from 1; `Commit.position` is the part without the ordinal
 * - a boundary: `epoch.commit-end LSN.00000000`. The end of one commit is at most the LSN of the next, so it sorts between.
 * - a chunk of a copy: the boundary at which the stream stands, then `.copy.sequence`. A copy that is started again has a
 *   higher number, so what it brings is never taken for a replay of the copy before.
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

function hex(value: number | bigint, digits: number): string {
  return value.toString(16).padStart(digits, '0');
}

/** What the checkpoint remembers of one table. */
export interface TableState {
  readonly oid: number;
  /** The oid of its membership in the publication; 0 in one FOR ALL TABLES. Taken out and put back it is another. */
  readonly member: number;
  /** Names, types and key of the columns: see `schemaDigest`. */
  readonly digest: string;
  /** The consistent point of the snapshot that the table was copied from; null while that is not done. */
  readonly copiedAt: string | null;
}

/** `Checkpoint.state`. Kept as one frozen object while nothing in it changes. */
export interface PostgresState {
  readonly v: 1;
  /** System identifier of the server's data directory. */
  readonly system: string;
  readonly timeline: number;
  readonly slot: string;
  readonly publication: { readonly name: string; readonly oid: number; readonly owned: boolean };
  readonly epoch: number;
  /** How often a copy was begun. */
  readonly copies: number;
  /** By `namespace.name`. */
  readonly tables: Readonly<Record<string, TableState>>;
}

/** @throws WeirError WEIR_PG_CHECKPOINT when another version or connector wrote it */
export function readState(checkpoint: Checkpoint): PostgresState {
  const state = checkpoint.state as Partial<PostgresState> | null;
  if (state?.v !== 1 || typeof state.system !== 'string' || typeof state.tables !== 'object') {
    throw new WeirError('WEIR_PG_CHECKPOINT', 'the checkpoint has a form that this version does not know');
  }
  return state as PostgresState;
}

export function stateJson(state: PostgresState): Json {
  return state as unknown as Json;
}
