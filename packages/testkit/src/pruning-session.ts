import {
  BatchBuilder,
  WeirError,
  emptyBatch,
  packVersion,
  tableName,
  type Batch,
  type Checkpoint,
  type Commit,
  type Position,
  type RowValues,
  type SchemaChange,
  type SourceSession,
  type SourceStatus,
  type Table,
  type TableProgress,
} from '@weir/sdk';
import type { FaultScript } from './fault-script.ts';
import type { LoggedChange, PrunedLog } from './pruned-log.ts';
import { boundaryOf, chunkOf, commitOf, transactionOf, type PruningState } from './pruning-position.ts';
import type { Cells } from './table-content.ts';

/** How a log is read. */
export interface ReadingOptions {
  readonly log: PrunedLog;
  /** The tables that are read, others are as if they were not there; all by default. One that is new is copied. */
  readonly tables?: readonly Table[];
  /** Whether tables are copied before they are streamed; else a start from nothing streams from the first transaction. */
  readonly copies?: boolean;
  /** A batch ends after this many rows, in the middle of a transaction too. Default 4. */
  readonly rowsPerBatch?: number;
  /** … or after this many transactions, and behind one that began in the batch before. Default 1. */
  readonly transactionsPerBatch?: number;
  /** Called at each pull: a test may commit more. */
  readonly onPull?: () => void;
  /** Called at each confirm, before anything is deleted. */
  readonly onConfirm?: (checkpoint: Checkpoint) => void;
}

export interface PruningSessionOptions extends ReadingOptions {
  readonly script: FaultScript;
  /** The transaction that the session starts behind. */
  readonly start: number;
  readonly state: PruningState;
  /** The state is of a new epoch, which every sink has to know before anything of it is written. */
  readonly isAnew: boolean;
  readonly handOut: (batch: Batch) => Batch;
}

/** One run of a {@link PruningSource}: the tables that are not copied yet, then the transactions. */
export class PruningSession implements SourceSession {
  readonly #options: PruningSessionOptions;
  readonly #builder = new BatchBuilder();
  #state: PruningState;
  #phase: SourceStatus['phase'] = 'connecting';
  #progress: readonly TableProgress[] = [];
  /** The last transaction that was read to its end, and how many changes were taken of the next. */
  #read: number;
  #taken = 0;
  #confirmed: number;
  #finishAt: Position | null = null;
  #wake = (): void => {};

  constructor(options: PruningSessionOptions) {
    this.#options = options;
    this.#state = options.state;
    this.#read = options.start;
    this.#confirmed = options.start;
  }

  async *batches(signal: AbortSignal): AsyncGenerator<Batch> {
    const copy = this.#copy();
    while (true) {
      const batch = await this.#options.script.perform('source.pull', async () => await this.#next(copy, signal));
      if (batch === null) return;
      yield this.#options.handOut(batch);
    }
  }

  async confirm(checkpoint: Checkpoint): Promise<void> {
    await this.#options.script.perform('source.confirm', async () => {
      this.#assertAttached();
      this.#options.onConfirm?.(checkpoint);
      this.#confirmed = Math.max(this.#confirmed, transactionOf(checkpoint.position));
      this.#options.log.forget(this.#confirmed);
    });
  }

  finishAt(position: Position): void {
    this.#finishAt = position;
    this.#wake();
  }

  status(): SourceStatus {
    return { phase: this.#phase, snapshot: this.#progress, lagBytes: this.#options.log.head - this.#confirmed };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.#options.script.perform('source.dispose', async () => this.#options.log.detach(this));
    } catch (error) {
      this.#options.log.detach(this);
      throw error;
    }
  }

  /** The next batch as soon as there is one; null at the end, and when no more is wanted. */
  async #next(copy: Iterator<Batch>, signal: AbortSignal): Promise<Batch | null> {
    this.#options.onPull?.();
    while (!signal.aborted) {
      this.#assertAttached();
      const copied = copy.next();
      if (copied.done !== true) return copied.value;
      this.#phase = 'stream';
      if (this.#finished()) return null;
      if (this.#read < this.#options.log.head) return this.#stream();
      await this.#change(signal);
    }
    return null;
  }

  #assertAttached(): void {
    if (!this.#options.log.isAttached(this)) throw new WeirError('WEIR_PG_CONNECTION_LOST', 'the connection was cut');
  }

  #finished(): boolean {
    return this.#finishAt !== null && this.#taken === 0 && this.#read >= transactionOf(this.#finishAt);
  }

  /** Resolves when there may be more, or nothing more is wanted. */
  async #change(signal: AbortSignal): Promise<void> {
    const changed = Promise.withResolvers<void>();
    const wake = (): void => changed.resolve();
    this.#wake = wake;
    const forget = this.#options.log.onChange(wake);
    signal.addEventListener('abort', wake, { once: true });
    await changed.promise;
    signal.removeEventListener('abort', wake);
    forget();
  }

  /** All tables that are not copied as they are now: first what starts them empty, then their rows in chunks. */
  *#copy(): Generator<Batch> {
    const { log, start, isAnew, rowsPerBatch = 4 } = this.#options;
    if (isAnew) yield emptyBatch({ position: boundaryOf(start, this.#state.epoch), state: this.#state });
    const isMissing = (table: Table): boolean => this.#state.copied[tableName(table)] === undefined;
    const missing = log.tables.filter((table) => this.#isRead(table) && isMissing(table));
    if (missing.length === 0 || this.#options.copies !== true) return;
    this.#phase = 'snapshot';
    const copies = this.#state.copies + 1;
    this.#state = { ...this.#state, copies };
    let sequence = 0;
    const checkpoint = (): Checkpoint => ({ position: chunkOf(start, copies, ++sequence, this.#state.epoch), state: this.#state });
    const tables = copies % 2 === 0 ? missing.toReversed() : missing;
    const rows = new Map(tables.map((table) => [table, copies % 2 === 0 ? log.rows(table).toReversed() : log.rows(table)]));
    const now = log.head;
    yield emptyBatch(checkpoint(), tables.map((table) => ({ table, change: 'create' })));
    for (const [table, left] of rows) {
      do {
        const chunk = left.splice(0, rowsPerBatch);
        const last = left.length === 0;
        if (last) this.#state = { ...this.#state, copied: { ...this.#state.copied, [tableName(table)]: now } };
        this.#note(tables, table, chunk.length, last);
        yield this.#chunk(table, chunk, last, checkpoint());
      } while (left.length > 0);
    }
    this.#progress = [];
  }

  #note(tables: readonly Table[], table: Table, rows: number, done: boolean): void {
    const known = new Map(this.#progress.map((progress) => [progress.table, progress]));
    this.#progress = tables.map((other) => {
      const progress = known.get(tableName(other)) ?? { table: tableName(other), rows: 0, estimatedRows: 0, done: false };
      return other === table ? { ...progress, rows: progress.rows + rows, done } : progress;
    });
  }

  #chunk(table: Table, rows: readonly Cells[], last: boolean, checkpoint: Checkpoint): Batch {
    const version = this.#version(this.#options.start) + 1n;
    this.#builder.begin({ position: checkpoint.position, version, time: 0, transactionId: '' });
    for (const row of rows) this.#builder.read(table, readRow(table, row));
    return this.#builder.chunk(table, { range: null, last }).build(checkpoint);
  }

  /** What follows, up to a limit; there is something. A change of shape begins a batch, rows before it end one. */
  #stream(): Batch {
    const { log, rowsPerBatch = 4, transactionsPerBatch = 1 } = this.#options;
    let skipped = 0;
    let commit = this.#commit(this.#read + 1);
    // Whoever has waited for the end of a transaction gets its checkpoint, not the beginning of another (invariant 3).
    const endsFirst = this.#taken > 0;
    let isReshaped = false;
    for (let done = 0; done < transactionsPerBatch && this.#read < log.head && this.#builder.rows < rowsPerBatch; ) {
      const number = this.#read + 1;
      const { changes } = log.transaction(number);
      if (this.#taken === 0) this.#builder.begin((commit = this.#commit(number)));
      const last = Math.min(changes.length, this.#taken + rowsPerBatch - this.#builder.rows);
      for (; this.#taken < last; this.#taken++) {
        const change = changes[this.#taken]!;
        if (change.op === 'schema' && this.#builder.rows > 0) break;
        isReshaped ||= change.op === 'schema';
        if (!this.#add(change, number)) skipped++;
      }
      if (this.#taken < changes.length) break;
      this.#read = number;
      this.#taken = 0;
      done++;
      if (endsFirst) break;
      if (isReshaped && this.#builder.rows === 0) break;
    }
    const checkpoint = this.#taken > 0 ? null : { position: boundaryOf(this.#read, this.#state.epoch), state: this.#state };
    const batch = { ...this.#builder.build(checkpoint), skipped };
    // The first commit of a batch is that of its changes, by which a replay of them is known, rows or not.
    const isBare = batch.schemaChanges.length > 0 && batch.commits.length === 0;
    return isBare ? { ...batch, commits: [commit] } : batch;
  }

  #commit(number: number): Commit {
    const time = this.#options.log.transaction(number).at * 1000;
    return { position: commitOf(number, this.#state.epoch), version: this.#version(number), time, transactionId: String(number) };
  }

  #version(number: number): bigint {
    return packVersion(this.#state.epoch, BigInt(number) * 2n);
  }

  #isRead(table: Table): boolean {
    return this.#options.tables?.some((other) => tableName(other) === tableName(table)) ?? true;
  }

  /** False when the copy of the table holds the row already. */
  #add(change: LoggedChange, number: number): boolean {
    if (change.op === 'schema') {
      this.#addSchemaChange(change.change, number);
      return true;
    }
    const { table } = change;
    if (!this.#isRead(table)) return true;
    if (number <= this.#state.copied[tableName(table)]!) return false;
    if (change.op === 'insert') this.#builder.insert(table, change.after);
    else if (change.op === 'update') this.#builder.update(table, change.after, change.before ?? null);
    else if (change.op === 'delete') this.#builder.delete(table, change.before);
    else this.#builder.truncate(table);
    return true;
  }

  /** A table that appears is as good as copied: all its rows are in the log. */
  #addSchemaChange(change: SchemaChange, number: number): void {
    const name = tableName(change.table);
    const { [name]: copied, ...others } = this.#state.copied;
    if (!this.#isRead(change.table) || number <= (copied ?? 0)) return;
    this.#builder.schemaChange(change);
    if (change.change === 'create') this.#state = { ...this.#state, copied: { ...others, [name]: number - 1 } };
    if (change.change === 'drop-table') this.#state = { ...this.#state, copied: others };
  }
}

/** A row of the log as it is given to a builder. */
export function readRow(table: Table, cells: Cells): RowValues {
  return Object.fromEntries(
    table.columns.map(({ name }, column) => {
      const cell = cells[column];
      return [name, typeof cell === 'string' ? new Uint8Array(Buffer.from(cell, 'latin1')) : null];
    }),
  );
}
