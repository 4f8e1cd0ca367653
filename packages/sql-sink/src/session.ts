import {
  WeirError,
  crashPoint,
  tableRows,
  toWeirError,
  type Batch,
  type Checkpoint,
  type Clock,
  type ErrorCode,
  type KeyRange,
  type SinkOptions,
  type StopReason,
  type Table,
  type TransactionalSession,
} from '@weir/sdk';
import type { Registry } from './registry.ts';
import type { SqlTransaction } from './sql-transaction.ts';
import type { TargetTables } from './target-tables.ts';

type SourceName = Pick<Table, 'namespace' | 'name'>;

/** One shard's row of Weir's own table of checkpoints, held by a session that took its fence (invariant 5). */
export interface FencedCheckpoint {
  /** The last committed checkpoint; null before the first. */
  read(): Promise<Checkpoint | null>;
  /** Begins the transaction of a commit group and locks the row: until its end nobody takes the fence unnoticed. */
  begin(): Promise<void>;
  /** Writes the checkpoint and commits, unless another session has taken the fence. @param now milliseconds since 1970 */
  commit(checkpoint: Checkpoint, now: number): Promise<void>;
  /** The error that says that another session has taken the fence. */
  fenced(): WeirError;
}

export interface SessionParts<E> {
  readonly transaction: SqlTransaction;
  /** The row whose fence was taken, before anything else was read (invariant 5). */
  readonly checkpoint: FencedCheckpoint;
  readonly registry: Registry;
  readonly tables: TargetTables<E>;
  readonly options: SinkOptions;
  readonly clock: Clock;
  /** Whether a session whose connection broke with this code has a successor. */
  readonly lost: { readonly code: ErrorCode; readonly isLost: () => Promise<boolean> };
  /** Done behind all rows of a commit, in its transaction. */
  readonly beforeCommit?: () => Promise<void>;
  /** Done when the commit is through. */
  readonly afterCommit: () => Promise<void>;
  /** Ends all connections of the session, and with them what is not committed. */
  readonly end: () => Promise<void>;
}

/**
 * Class A: rows and the checkpoint are written in one transaction of the server. It locks the checkpoint's row first and
 * changes it only while it holds the fence. A commit group is everything written until `commit`.
 */
export class SqlSession<E> implements TransactionalSession {
  readonly mode = 'transactional';
  readonly stoppedTables: ReadonlyMap<string, StopReason>;
  /** Only where a mirror is kept. */
  readonly readRange?: (table: Table, range: KeyRange) => AsyncGenerator<Batch>;
  readonly #parts: SessionParts<E>;
  /** Marks that are not written yet: they do not begin a transaction, which might then wait for long. */
  #stops: { readonly table: SourceName; readonly reason: StopReason }[] = [];
  /** The call that is running; the engine makes one at a time. */
  #running: Promise<unknown> = Promise.resolve();
  /** Why the session can do no more. A group that failed in the middle must never be committed. */
  #failure: WeirError | null = null;
  #disposed = false;

  private constructor(parts: SessionParts<E>, stopped: ReadonlyMap<string, StopReason>) {
    this.#parts = parts;
    this.stoppedTables = stopped;
    if (parts.options.mode === 'mirror') this.readRange = (table, range) => this.#readRange(table, range);
  }

  static async open<E>(parts: SessionParts<E>): Promise<SqlSession<E>> {
    return new SqlSession(parts, await parts.registry.stopped());
  }

  recover(): Promise<Checkpoint | null> {
    return this.#run(() => this.#parts.checkpoint.read());
  }

  stopTable(table: SourceName, reason: StopReason): Promise<void> {
    return this.#run(async () => void this.#stops.push({ table, reason }));
  }

  write(batch: Batch): Promise<void> {
    return this.#run(async () => {
      await this.#begin();
      for (const change of batch.schemaChanges) await this.#parts.tables.apply(change, batch);
      for (const part of tableRows(batch)) {
        const writer = await this.#parts.tables.writer(part.table);
        await writer.write(batch, part);
      }
    });
  }

  async *#readRange(table: Table, range: KeyRange): AsyncGenerator<Batch> {
    const rows = await this.#run(async () => {
      await this.#begin();
      return await this.#parts.tables.readRange(table, range);
    });
    yield* rows;
  }

  commit(checkpoint: Checkpoint): Promise<void> {
    return this.#run(async () => {
      await this.#begin();
      await this.#parts.tables.settle();
      await this.#parts.beforeCommit?.();
      crashPoint('sink.before-commit');
      await this.#parts.checkpoint.commit(checkpoint, this.#parts.clock.now());
      crashPoint('sink.commit-unanswered');
      await this.#parts.afterCommit();
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#failure ??= new WeirError('WEIR_SDK_USE', 'the session is disposed');
    await this.#parts.end();
    await this.#running.catch(() => {});
  }

  async #begin(): Promise<void> {
    const { transaction, checkpoint, registry } = this.#parts;
    if (!transaction.isOpen) await checkpoint.begin();
    for (const { table, reason } of this.#stops) await registry.stop(table, reason);
    this.#stops = [];
  }

  async #run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#failure !== null) throw this.#failure;
    const running = work();
    this.#running = running;
    try {
      return await running;
    } catch (error) {
      // At once: what failed must hold no lock that a successor would have to wait for.
      await this.#parts.end();
      const failure = await this.#explained(toWeirError(error));
      this.#failure ??= failure;
      throw this.#failure;
    }
  }

  /** A connection that a successor has ended must not be made again: it would take the fence back (invariant 5). */
  async #explained(error: WeirError): Promise<WeirError> {
    const { lost, checkpoint } = this.#parts;
    if (error.code !== lost.code || this.#disposed) return error;
    return (await lost.isLost().catch(() => false)) ? checkpoint.fenced() : error;
  }
}
