import type { Batch } from './batch.ts';
import type { CheckResult } from './check-result.ts';
import type { ErrorCode } from './error-codes.ts';
import type { Checkpoint, Position } from './position.ts';
import type { TableReader } from './table-reader.ts';
import type { Table } from './table.ts';

/** How far the first copy of one table is. */
export interface TableProgress {
  /** `namespace.name` */
  readonly table: string;
  readonly rows: number;
  /** The planner's guess; 0 when unknown. */
  readonly estimatedRows: number;
  readonly done: boolean;
}

export interface SourceStatus {
  readonly phase: 'connecting' | 'snapshot' | 'stream';
  /** The tables being copied; empty in the other phases. */
  readonly snapshot: readonly TableProgress[];
  /** Bytes of log between what was last confirmed and the server's end; null when unknown. */
  readonly lagBytes: number | null;
  /** Bytes of log that the server keeps for this pipeline; null when unknown. */
  readonly retainedBytes?: number | null;
  /** How many of them are allowed; null without a bound. */
  readonly retainedLimitBytes?: number | null;
  /** It is far behind, and reads in a way that is faster and not as prompt as the stream; false when that is not known. */
  readonly isCatchingUp?: boolean;
  /** The pipeline's position was lost, and everything was copied again since; null when that never happened. */
  readonly begunAnew?: BegunAnew | null;
}

/** That a pipeline has begun anew behind a gap, as `on_lost_position: resnapshot` allows (invariant 6). */
export interface BegunAnew {
  /** What was lost. */
  readonly code: ErrorCode;
  /** When, in ms since 1970. */
  readonly at: number;
}

/**
 * How a table is copied once more.
 *
 * - `anew`: sinks start it empty
 * - `in-place`: rows are read over those that mirrors have, by key. What the stream says of keys that were not read yet is
 *   left out, since a mirror may lack their rows; so is what the reading has seen
 * - `repair`: as `in-place`, but a mirror writes only the ranges of keys in which it has other rows
 */
export type CopyAgain = 'anew' | 'in-place' | 'repair';

/** One run of a source from a checkpoint. Its owner calls `batches` once and disposes it. */
export interface SourceSession extends AsyncDisposable {
  /**
   * The batches after the checkpoint that the session was opened with, in commit order. Pulling is the only demand:
   * a consumer that stops pulling stops the source, whose own buffers are bounded (invariant 8).
   * Ends after `finishAt`; throws a `WeirError` when it cannot go on.
   */
  batches(signal: AbortSignal): AsyncIterable<Batch>;
  /** Everything up to this checkpoint is durable, upstream may forget it (invariant 1). Cumulative and idempotent. */
  confirm(checkpoint: Checkpoint): Promise<void>;
  /** Ends `batches` after the first checkpoint at or past `position`. */
  finishAt(position: Position): void;
  /**
   * Copies tables once more while the stream goes on. Resolves when that has a place in the stream.
   * @param tables names as `namespace.name`
   * @throws WeirError WEIR_TABLE_UNKNOWN; WEIR_TABLE_NO_KEY for all but `anew`
   */
  copyAgain?(tables: readonly string[], how: CopyAgain): Promise<void>;
  status(): SourceStatus;
}

/** How rows of a table that are there already come: in chunks beside the stream, in one snapshot before it, or not at all. */
export type CopyMethod = 'by-key' | 'snapshot' | 'none';

/** A table that a start would capture. */
export interface CapturePlan {
  readonly table: Table;
  /** The planner's guess; 0 when unknown. */
  readonly estimatedRows: number;
  /** It was captured before, so that a start goes on with it instead of copying it. */
  readonly known: boolean;
  /** How its rows are copied where they are. */
  readonly copy: CopyMethod;
  /** For a person: why it is copied so, or what of it is not captured; null when there is nothing to say. */
  readonly note: string | null;
  /** Why a start would refuse it; null when it would not. */
  readonly problem: CheckResult | null;
}

export interface SourcePlan {
  readonly tables: readonly CapturePlan[];
  /** `namespace.name` of what was captured before and is not any more: its rows stay at the sinks. */
  readonly removed: readonly string[];
  /** What the source has and this pipeline would not capture, and why. */
  readonly others: readonly { readonly table: string; readonly why: string }[];
  /** What a start would make or change at the source, as statements in its language. */
  readonly changes: readonly string[];
}

export interface Source {
  /**
   * @param from null starts from nothing: with a snapshot
   * @param reach the furthest position that any sink has; absent when it is that of `from`. No copy goes on before the stream is
   * there. What is copied again lies beyond it, and all that a source gives that begins anew: a sink would take it for a replay.
   */
  open(from: Checkpoint | null, signal: AbortSignal, reach?: Position | null): Promise<SourceSession>;
  /** The position of the source's last commit now. */
  head(signal: AbortSignal): Promise<Position>;
  discover(signal: AbortSignal): Promise<Table[]>;
  check(signal: AbortSignal): Promise<CheckResult[]>;
  /** What a start would capture, and what it would make or change at the source; changes nothing. */
  plan?(signal: AbortSignal): Promise<SourcePlan>;
  /**
   * Removes what this pipeline has left at the source, and nothing of anybody else: its place there, after which only a start
   * from nothing is possible. Refused while it is in use.
   * @returns what was done, a line each, for a person
   */
  reset?(signal: AbortSignal): Promise<readonly string[]>;
  /** All rows of a table as `read` rows with canonical cells, in any order; for verification. */
  scan(table: Table, signal: AbortSignal): AsyncIterable<Batch>;
  /** Reads many tables as `scan` does, at less cost. Absent where `scan` opens nothing that could be kept. */
  reader?(): TableReader;
}
