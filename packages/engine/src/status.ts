import type { ErrorCode, Position, SourceStatus } from '@weir/sdk';
import type { SchemaEvent, SchemaTotals } from './schema-events.ts';

/**
 * What became of the rows that one sink's lane was given (invariant 7). At every moment
 * `in + made = delivered + filtered + skipped + replayed + same + deadLetters + abandoned + inFlight`.
 */
export interface RowCounters {
  /** Rows read from the source, those it skipped included. */
  in: number;
  /** Rows that transforms added. */
  made: number;
  /** Rows whose checkpoint the sink has committed. */
  delivered: number;
  /** Rows that a named transform left out, and rows of tables that are stopped at this sink. */
  filtered: number;
  /** Rows that the source left out since a copied chunk holds them. */
  skipped: number;
  /** Rows that this sink had committed before; read again for a sink that was behind. */
  replayed: number;
  /** Rows of a repair that this sink had as they are. */
  same: number;
  deadLetters: number;
  /** Rows of an attempt that failed before their commit; they are read again by the next. */
  abandoned: number;
  /** Rows on their way. */
  inFlight: number;
}

export type PipelineState = 'starting' | 'running' | 'draining' | 'retrying' | 'stopped' | 'failed';

export interface SinkStatus {
  /** The last checkpoint that the sink has committed; null before the first. */
  readonly checkpoint: Position | null;
  /** When that was, in ms since 1970; null before the first commit of this process. */
  readonly committedAt: number | null;
  /** Commits of this process. */
  readonly commits: number;
  readonly rows: Readonly<RowCounters>;
  /** Delivered rows by `namespace.name`. */
  readonly rowsByTable: Readonly<Record<string, number>>;
  /** Delivered rows by `namespace.name` (logical messages: the empty name) and operation: insert, update, delete, read, truncate, message. */
  readonly events: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** Commit at the source → durable here, in ms, of the last commit; 0 when nothing is waiting; null during a snapshot. */
  readonly lagMs: number | null;
  /** Bytes waiting for this sink. */
  readonly queueBytes: number;
  /** Duration of the last commit in ms. */
  readonly commitMs: number;
  /** The last 50 schema changes and what became of them, oldest first; without the tables of a first copy. */
  readonly schemaChanges: readonly SchemaEvent[];
  /** All of them, by change and what became of it. */
  readonly schemaChangeTotals: Readonly<SchemaTotals>;
  /** Tables whose rows this sink no longer takes, and why. */
  readonly stoppedTables: readonly TableStop[];
  /** What the last repair of each table found here, of those that were repaired since the process began. */
  readonly repairs: Readonly<Record<string, RepairTally>>;
}

/** What was compared of a table while it was read once more. */
export interface RepairTally {
  /** Ranges of keys that were compared. */
  readonly ranges: number;
  /** How many of them held other rows than the source. */
  readonly different: number;
  /** Rows of those, which were written. */
  readonly rows: number;
}

export interface TableStop {
  /** `namespace.name` */
  readonly table: string;
  readonly code: ErrorCode;
  readonly message: string;
}

export interface PipelineFailure {
  readonly code: ErrorCode;
  readonly message: string;
  readonly fix: string;
  /** When, in ms since 1970. */
  readonly at: number;
}

/** One pipeline, as `weir status --json` and the API show it. */
export interface PipelineStatus {
  readonly name: string;
  readonly state: PipelineState;
  readonly source: SourceStatus;
  readonly sinks: Readonly<Record<string, SinkStatus>>;
  /** Bytes of batches in memory, and their bound (invariant 8). */
  readonly bufferedBytes: number;
  readonly bufferBytes: number;
  /** Attempts since the start or the last progress; 1 while all is well. */
  readonly attempt: number;
  /** The failure being retried, or the one that ended the pipeline; null while all is well. */
  readonly failure: PipelineFailure | null;
}
