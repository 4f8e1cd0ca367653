import type { ConnectionConfig } from '@weir/postgres';
import {
  WeirError,
  crashPoint,
  tableRows,
  toWeirError,
  type Batch,
  type Checkpoint,
  type Clock,
  type KeyRange,
  type Shard,
  type SinkOptions,
  type StopReason,
  type Table,
  type TransactionalSession,
} from '@weir/sdk';
import type { CheckpointRow } from './checkpoint.ts';
import { Registry } from './registry.ts';
import { TargetTables } from './target-tables.ts';
import type { Transaction } from './transaction.ts';

type SourceName = Pick<Table, 'namespace' | 'name'>;

export interface SessionOptions {
  readonly connection: ConnectionConfig;
  readonly shard: Shard;
  readonly options: SinkOptions;
  readonly clock: Clock;
}

/**
 * Class A: rows, tables and the checkpoint are written in one transaction of the server. It locks the checkpoint's row first
 * and changes it only while it holds the fence. A commit group is everything written until `commit`.
 */
export class PostgresSession implements TransactionalSession {
  readonly mode = 'transactional';
  readonly stoppedTables: ReadonlyMap<string, StopReason>;
  /** Only where a mirror is kept. */
  readonly readRange?: (table: Table, range: KeyRange) => AsyncGenerator<Batch>;
  readonly #transaction: Transaction;
  readonly #checkpoint: CheckpointRow;
  readonly #registry: Registry;
  readonly #tables: TargetTables;
  readonly #options: SessionOptions;
  /** Marks that are not written yet: they do not begin a transaction, which might then wait for long. */
  #stops: { readonly table: SourceName; readonly reason: StopReason }[] = [];
  /** The call that is running; the engine makes one at a time. */
  #running: Promise<unknown> = Promise.resolve();
  /** Why the session can do no more. A group that failed in the middle must never be committed. */
  #failure: WeirError | null = null;
  #disposed = false;

  private constructor(
    transaction: Transaction,
    checkpoint: CheckpointRow,
    registry: Registry,
    stopped: ReadonlyMap<string, StopReason>,
    options: SessionOptions,
  ) {
    this.#transaction = transaction;
    this.#checkpoint = checkpoint;
    this.#registry = registry;
    this.#tables = new TargetTables(transaction, registry, options.options, options.clock);
    this.#options = options;
    this.stoppedTables = stopped;
    if (options.options.mode === 'mirror') this.readRange = (table, range) => this.#readRange(table, range);
  }

  /** @param checkpoint the row whose fence was taken, before anything else was read (invariant 5) */
  static async open(transaction: Transaction, checkpoint: CheckpointRow, options: SessionOptions): Promise<PostgresSession> {
    const ask = (sql: string) => transaction.run(sql, { doing: 'asking weir.tables' });
    const registry = new Registry(ask, options.shard);
    return new PostgresSession(transaction, checkpoint, registry, await registry.stopped(), options);
  }

  recover(): Promise<Checkpoint | null> {
    return this.#run(() => this.#checkpoint.read());
  }

  stopTable(table: SourceName, reason: StopReason): Promise<void> {
    return this.#run(async () => void this.#stops.push({ table, reason }));
  }

  write(batch: Batch): Promise<void> {
    return this.#run(async () => {
      await this.#begin();
      for (const change of batch.schemaChanges) await this.#tables.apply(change, batch);
      for (const part of tableRows(batch)) {
        const writer = await this.#tables.writer(part.table);
        await writer.write(batch, part);
      }
    });
  }

  async *#readRange(table: Table, range: KeyRange): AsyncGenerator<Batch> {
    const rows = await this.#run(async () => {
      await this.#begin();
      return await this.#tables.readRange(table, range);
    });
    yield* rows;
  }

  commit(checkpoint: Checkpoint): Promise<void> {
    return this.#run(async () => {
      await this.#begin();
      await this.#tables.settle();
      crashPoint('sink.before-commit');
      await this.#checkpoint.commit(checkpoint, this.#options.clock.now());
      crashPoint('sink.commit-unanswered');
      this.#tables.startGroup();
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#failure ??= new WeirError('WEIR_SDK_USE', 'the session is disposed');
    await this.#transaction.end();
    await this.#running.catch(() => {});
  }

  async #begin(): Promise<void> {
    if (!this.#transaction.isOpen) await this.#checkpoint.begin();
    for (const { table, reason } of this.#stops) await this.#registry.stop(table, reason);
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
      await this.#transaction.end();
      const failure = await this.#explained(toWeirError(error));
      this.#failure ??= failure;
      throw this.#failure;
    }
  }

  /** A connection that a successor has ended must not be made again: it would take the fence back (invariant 5). */
  async #explained(error: WeirError): Promise<WeirError> {
    if (error.code !== 'WEIR_PG_CONNECTION_LOST' || this.#disposed) return error;
    const isLost = await this.#checkpoint.isLost(this.#options.connection).catch(() => false);
    return isLost ? this.#checkpoint.fenced() : error;
  }
}
