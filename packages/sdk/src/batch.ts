import type { KeyRange } from './key-range.ts';
import type { Checkpoint, Position } from './position.ts';
import type { SchemaChange, Table } from './table.ts';

/** What a row of a batch says happened. */
export const Op = {
  insert: 1,
  update: 2,
  delete: 3,
  /** A row of a snapshot: the key's state at the snapshot, whatever was there before. */
  read: 4,
  truncate: 5,
  /** A logical message; its image has two cells, prefix and content, and its table is {@link NO_TABLE}. */
  message: 6,
} as const;
export type Op = (typeof Op)[keyof typeof Op];

/** `Batch.length` of a NULL cell. */
export const NULL_CELL = -1;
/** `Batch.length` of a cell that the source did not send because it did not change (TOAST). Never to be read as NULL. */
export const UNCHANGED_CELL = -2;
/** `Batch.before` and `Batch.after` of a row without that image. */
export const NO_IMAGE = -1;
/** `Batch.table` of a logical message. */
export const NO_TABLE = 0xffff;

/** A transaction of the source. */
export interface Commit {
  /** Where the transaction stands; a row's full position is this and its ordinal (invariant 2). */
  readonly position: Position;
  /** See `packVersion`. */
  readonly version: bigint;
  /** Commit time in microseconds since 1970-01-01T00:00:00Z; 0 when the source does not know it. */
  readonly time: number;
  readonly transactionId: string;
}

/** Set when the rows of a batch are part of a snapshot of one table. */
export interface Chunk {
  /** Index into `Batch.tables`. */
  readonly table: number;
  /**
   * The keys that this batch holds whole: a mirror deletes those in the range that the batch does not have. Null when the
   * copy does not go by key. Only of tables that have a `keyOrder`.
   */
  readonly range: KeyRange | null;
  /** True where sinks have the table already: one that holds just these rows in the range needs not write them. */
  readonly compare?: boolean;
  /** True on the last chunk of its table. */
  readonly last: boolean;
}

/**
 * The unit that flows: rows as a structure of arrays over one byte slab, never an object per row.
 * It belongs to its consumer until `SinkSession.write` resolves; who keeps a cell copies it.
 */
export interface Batch {
  /** One schema version each; a schema change ends a batch. */
  readonly tables: readonly Table[];
  /**
   * To be applied before the rows. Those that come with a transaction belong to the first of `commits`, whether it has rows
   * here or not: by that a replay of them is known. A `create` in a batch without commits begins a copy.
   */
  readonly schemaChanges: readonly SchemaChange[];
  /** Number of rows: the first `rows` entries of the row arrays count. */
  readonly rows: number;
  /** See {@link Op}. */
  readonly op: Uint8Array;
  /** Index into `tables`, or {@link NO_TABLE}. */
  readonly table: Uint16Array;
  /** Index into `commits`. */
  readonly commit: Uint32Array;
  /** Place within its transaction, from 1. */
  readonly ordinal: Uint32Array;
  readonly commits: readonly Commit[];
  /** Index into `start` and `length` of the image's first cell, or {@link NO_IMAGE}. An image has a cell for each column. */
  readonly after: Int32Array;
  readonly before: Int32Array;
  readonly data: Uint8Array;
  /** Offset of a cell in `data`, in bytes. */
  readonly start: Int32Array;
  /** Length of a cell in bytes, {@link NULL_CELL} or {@link UNCHANGED_CELL}. */
  readonly length: Int32Array;
  readonly chunk: Chunk | null;
  /** Resume token once all rows up to here are durable; null in the middle of a transaction (invariant 3). */
  readonly checkpoint: Checkpoint | null;
  /** Rows that the source read and left out since a copied chunk holds them; they are in no array (invariant 7). */
  readonly skipped: number;
  /** Memory that the batch holds, in bytes; what budgets and queues count (invariant 8). */
  readonly bytes: number;
  /** Gives the memory back to its pool. Called once, by the engine, when every sink's `write` has resolved. */
  release(): void;
}

/** A batch without rows that carries a checkpoint: an idle source that moved on. */
export function emptyBatch(checkpoint: Checkpoint | null, schemaChanges: readonly SchemaChange[] = [], skipped = 0): Batch {
  return {
    tables: [],
    schemaChanges,
    rows: 0,
    op: new Uint8Array(0),
    table: new Uint16Array(0),
    commit: new Uint32Array(0),
    ordinal: new Uint32Array(0),
    commits: [],
    after: new Int32Array(0),
    before: new Int32Array(0),
    data: new Uint8Array(0),
    start: new Int32Array(0),
    length: new Int32Array(0),
    chunk: null,
    checkpoint,
    skipped,
    bytes: 0,
    release() {},
  };
}

/**
 * The same batch with only the rows that `keep` accepts. Shares the slab, so the original must not be released before it.
 * Returns `batch` itself when every row stays.
 */
export function filterRows(batch: Batch, keep: (row: number) => boolean): Batch {
  const rows = new Uint32Array(batch.rows);
  let count = 0;
  for (let row = 0; row < batch.rows; row++) if (keep(row)) rows[count++] = row;
  if (count === batch.rows) return batch;
  const op = new Uint8Array(count);
  const table = new Uint16Array(count);
  const commit = new Uint32Array(count);
  const ordinal = new Uint32Array(count);
  const after = new Int32Array(count);
  const before = new Int32Array(count);
  for (let to = 0; to < count; to++) {
    const from = rows[to]!;
    op[to] = batch.op[from]!;
    table[to] = batch.table[from]!;
    commit[to] = batch.commit[from]!;
    ordinal[to] = batch.ordinal[from]!;
    after[to] = batch.after[from]!;
    before[to] = batch.before[from]!;
  }
  return { ...batch, rows: count, op, table, commit, ordinal, after, before, release: () => batch.release() };
}

/** Calls `visit` once for each table that has rows, with the row numbers in order. Logical messages are left out. */
export function forEachTable(batch: Batch, visit: (table: Table, rows: Uint32Array) => void): void {
  const counts = new Uint32Array(batch.tables.length);
  for (let row = 0; row < batch.rows; row++) {
    const index = batch.table[row]!;
    if (index !== NO_TABLE) counts[index]!++;
  }
  const groups = Array.from(counts, (count) => new Uint32Array(count));
  const filled = new Uint32Array(batch.tables.length);
  for (let row = 0; row < batch.rows; row++) {
    const index = batch.table[row]!;
    if (index !== NO_TABLE) groups[index]![filled[index]!++] = row;
  }
  for (let index = 0; index < groups.length; index++) {
    if (counts[index]! > 0) visit(batch.tables[index]!, groups[index]!);
  }
}
