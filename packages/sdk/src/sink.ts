import type { Batch } from './batch.ts';
import type { CheckResult } from './check-result.ts';
import type { ErrorCode } from './error-codes.ts';
import type { KeyRange } from './key-range.ts';
import type { Checkpoint, Json } from './position.ts';
import type { TableReader } from './table-reader.ts';
import type { Table } from './table.ts';

/** Who writes: together the key of the checkpoint in the sink. */
export interface Shard {
  readonly pipeline: string;
  readonly sink: string;
  /** 0 until a pipeline is sharded. */
  readonly shard: number;
}

/** Why a table is stopped at a sink. */
export interface StopReason {
  readonly code: ErrorCode;
  readonly message: string;
}

export interface SinkBase extends AsyncDisposable {
  /** Takes a batch in. What it wrote may still be undone until the checkpoint is committed. Must not keep the batch. */
  write(batch: Batch): Promise<void>;
  /**
   * The tables that are stopped at this sink, by `namespace.name`, as of `recover`. Their rows are not written to it, until
   * a `create` starts the table again and takes the mark away. Absent when the sink cannot remember that.
   */
  readonly stoppedTables?: ReadonlyMap<string, StopReason>;
  /** Marks a table as stopped; durable with the next commit, as rows are. */
  stopTable?(table: { readonly namespace: string; readonly name: string }, reason: StopReason): Promise<void>;
  /**
   * The rows of a mirror whose keys lie in a range, as `read` rows with canonical cells, in any order: as they are behind
   * everything that was written, and only those columns of the table that the mirror has. Who stops in the middle is not
   * told the rest. Absent where no mirror is kept.
   */
  readRange?(table: Table, range: KeyRange): AsyncIterable<Batch>;
}

/** Class A: the checkpoint is in the sink's own transaction, guarded by a fence (invariants 4 and 5). */
export interface TransactionalSession extends SinkBase {
  readonly mode: 'transactional';
  /** The last committed checkpoint, null before the first. Fails when another session has taken the fence (invariant 5). */
  recover(): Promise<Checkpoint | null>;
  /** Makes everything written and the checkpoint durable at once, or nothing. After an error the session is disposed. */
  commit(checkpoint: Checkpoint): Promise<void>;
}

/** Class B: durable intent first, then an idempotent apply. */
export interface StagedSession extends SinkBase {
  readonly mode: 'staged';
  /** The last applied checkpoint, null before the first. Fails when another session has taken the fence (invariant 5). */
  recover(): Promise<Checkpoint | null>;
  stage(checkpoint: Checkpoint): Promise<Json>;
  apply(staged: Json): Promise<void>;
}

/** Classes C and D: the store holds the checkpoint. */
export interface FlushedSession extends SinkBase {
  readonly mode: 'idempotent' | 'at-least-once';
  flush(): Promise<void>;
}

/** How strong a sink is shows in its type. */
export type SinkSession = TransactionalSession | StagedSession | FlushedSession;

/** The answer to a query: values as the sink's own text, NULL as null. */
export interface QueryResult {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (string | null)[])[];
  /** True when rows were left out because of the limit. */
  readonly truncated: boolean;
}

/** What a column becomes at a sink. */
export interface ColumnPlan {
  readonly column: string;
  readonly sourceType: string;
  /** See `logicalTypeName`. */
  readonly logicalType: string;
  /** The sink's own name of the type; null when it has none for it. */
  readonly sinkType: string | null;
  /** What is different or lost there, for a person. */
  readonly note?: string;
}

/** What one table becomes at a sink. */
export interface TablePlan {
  /** `namespace.name` at the source. */
  readonly table: string;
  /** Its name at the sink, as people there write it. */
  readonly target: string;
  /** `create`: it is missing there. `use`: it is there and Weir's own. `refuse`: the findings say why. */
  readonly action: 'create' | 'use' | 'refuse';
  readonly columns: readonly ColumnPlan[];
  readonly findings: readonly CheckResult[];
}

export interface Sink {
  /** Takes the fence, then reads (invariant 5). */
  open(shard: Shard, signal: AbortSignal): Promise<SinkSession>;
  check(signal: AbortSignal): Promise<CheckResult[]>;
  /**
   * Forgets how far a shard is, so that it starts from nothing: under a fence of its own, and with the tables left as they
   * are. The copy that follows starts them over.
   * @returns whether there was anything to forget
   */
  forget?(shard: Shard, signal: AbortSignal): Promise<boolean>;
  /**
   * What each table of a source would become here; changes nothing. Whatever `write` would refuse about a table that can be
   * known before is a finding here, with the same code.
   */
  plan?(tables: readonly Table[], signal: AbortSignal): Promise<TablePlan[]>;
  /** All rows of the mirror of a source's table as `read` rows with canonical cells, in any order; for verification. */
  scan?(table: Table, signal: AbortSignal): AsyncIterable<Batch>;
  /** Reads many tables as `scan` does, at less cost. Absent where `scan` opens nothing that could be kept. */
  reader?(): TableReader;
  /** Answers a read-only query of a person. @param limit most rows to answer */
  query?(sql: string, limit: number, signal: AbortSignal): Promise<QueryResult>;
}
