import type { Checkpoint, ErrorCode, LogicalType, Source } from '@weir/sdk';

/** What a transaction does to the table `items(id, label, large)`: an integer as key, and two texts that may be NULL. */
export type Change =
  | { readonly op: 'insert'; readonly id: number; readonly label: string | null; readonly large?: string | null }
  /** A column that is left out keeps its value, and is not named in the statement. */
  | { readonly op: 'update'; readonly id: number; readonly label?: string | null; readonly large?: string | null }
  | { readonly op: 'delete'; readonly id: number }
  | { readonly op: 'changeKey'; readonly id: number; readonly to: number }
  | { readonly op: 'truncate' };

/** What a transaction does to the shape of `items`, and to rows by the names that its columns have by then. */
export type ShapeStatement =
  /** A text column. Rows that are there get `value`, by a constant default; NULL without one. */
  | { readonly op: 'addColumn'; readonly column: string; readonly value: string | null }
  | { readonly op: 'dropColumn'; readonly column: string }
  | { readonly op: 'renameColumn'; readonly column: string; readonly from: string }
  /** A column that is not named gets its default. */
  | { readonly op: 'insertRow'; readonly id: number; readonly values: Readonly<Record<string, string | null>> }
  | { readonly op: 'updateRow'; readonly id: number; readonly values: Readonly<Record<string, string | null>> };

/** One column of the table of edge values: what the database is given is the driver's own, what must come out is here. */
export interface TypeCase {
  readonly column: string;
  readonly type: LogicalType;
  /** The canonical cell of row 1, 2, …; rows behind the end are NULL. */
  readonly cells: readonly (string | Uint8Array | null)[];
}

/** A database of its own with one pipeline on it. `items` exists, is empty, and is captured. */
export interface SourceEnvironment extends AsyncDisposable {
  /** A new object on the same database, under the same pipeline name. */
  source(): Source;
  /** One transaction on a connection of its own, so calls may overlap; the statements in their order. */
  apply(changes: readonly (Change | ShapeStatement)[], end?: 'commit' | 'rollback'): Promise<void>;
  /** Inserts items `first` to `first + count - 1` in one transaction, with `label` for all of them and a NULL `large`. */
  fill(first: number, count: number, label: string): Promise<void>;
  /** Makes the captured table `types(id, …)` of the driver's type cases and inserts its rows. */
  createTypes(): Promise<void>;
  /** In one transaction: empties `types` and inserts the same rows again. */
  insertTypes(): Promise<void>;
  /** Writes at least 4 MiB of log that is not about captured tables. */
  otherActivity(): Promise<void>;
  /** Bytes of log that the server keeps for the pipeline, as little as it can by now. */
  retainedBytes(): Promise<number>;
  /** Cuts the source's connections; resolves when the server has noticed. */
  disconnect(): Promise<void>;
}

/** Something after which a checkpoint does not lead to the next change any more. */
export interface Discontinuity<Environment extends SourceEnvironment = SourceEnvironment> {
  readonly name: string;
  readonly code: ErrorCode;
  /** Whether it happens between two sessions, or under one that streams. */
  readonly when: 'stopped' | 'streaming';
  /**
   * Makes it happen. While streaming it goes on to a change that shows it, in `items` or what became of it.
   * @returns the checkpoint to open from instead, where that is the doctored part
   */
  cause(environment: Environment, checkpoint: Checkpoint): Promise<Checkpoint | void>;
}

/** What `sourceContract` needs of a database. */
export interface SourceDriver<Environment extends SourceEnvironment = SourceEnvironment> {
  /** For the titles of the tests. */
  readonly name: string;
  start(): Promise<Environment>;
  /** Asked for when the tests run: it may depend on the server. */
  readonly typeCases: readonly TypeCase[];
  readonly discontinuities: readonly Discontinuity<Environment>[];
  /** Large values that an update did not touch are left out of the log. */
  readonly omitsUnchanged: boolean;
  /** What was confirmed is forgotten upstream. */
  readonly prunes: boolean;
  /** A statement that defines something ends the transaction before it, TRUNCATE among them, and cannot be undone. Default false. */
  readonly definesAtOnce?: boolean;
  /** The database is in the process of the tests: what it holds itself is not held by the source. Default false. */
  readonly inProcess?: boolean;
  /** Most bytes that a source may hold for a consumer that does not pull; 64 MiB by default. */
  readonly heldBytes?: number;
}
