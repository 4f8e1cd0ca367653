import {
  WeirError,
  crashPoint,
  tableRows,
  toWeirError,
  type Batch,
  type Checkpoint,
  type Clock,
  type KeyRange,
  type SinkOptions,
  type StopReason,
  type Table,
  type TransactionalSession,
} from '@weir/sdk';
import type { CheckpointRow } from './checkpoint.ts';
import type { Registry } from './registry.ts';
import type { ShapeSteps } from './shape-steps.ts';
import type { SideConnection } from './side-connection.ts';
import type { TargetTables } from './target-tables.ts';
import type { Transaction } from './transaction.ts';

type SourceName = Pick<Table, 'namespace' | 'name'>;

export interface SessionParts {
  readonly transaction: Transaction;
  readonly side: SideConnection;
  /** The row whose fence was taken, before anything else was read (invariant 5). */
  readonly checkpoint: CheckpointRow;
  readonly registry: Registry;
  readonly steps: ShapeSteps;
  readonly tables: TargetTables;
  readonly options: SinkOptions;
  readonly clock: Clock;
  /** Whether a session whose connection broke has a successor. */
  readonly isLost: () => Promise<boolean>;
}

/**
 * Class A: rows and the checkpoint are written in one transaction of the server. It locks the checkpoint's row first and
 * changes it only while it holds the fence. A commit group is everything written until `commit`.
 */
export class MysqlSession implements TransactionalSession {
  readonly mode = 'transactional';
  readonly stoppedTables: ReadonlyMap<string, StopReason>;
  /** Only where a mirror is kept. */
  readonly readRange?: (table: Table, range: KeyRange) => AsyncGenerator<Batch>;
  readonly #parts: SessionParts;
  /** Marks that are not written yet: they do not begin a transaction, which might then wait for long. */
  #stops: { readonly table: SourceName; readonly reason: StopReason }[] = [];
  /** The call that is running; the engine makes one at a time. */
  #running: Promise<unknown> = Promise.resolve();
  /** Why the session can do no more. A group that failed in the middle must never be committed. */
  #failure: WeirError | null = null;
  #disposed = false;

  constructor(parts: SessionParts, stopped: ReadonlyMap<string, StopReason>) {
    this.#parts = parts;
    this.stoppedTables = stopped;
    if (parts.options.mode === 'mirror') this.readRange = (table, range) => this.#readRange(table, range);
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
      const { tables, steps, transaction, clock } = this.#parts;
      await this.#begin();
      await tables.settle();
      const toDo = tables.steps();
      await steps.add(transaction, toDo);
      crashPoint('sink.before-commit');
      await this.#parts.checkpoint.commit(checkpoint, clock.now());
      crashPoint('sink.commit-unanswered');
      if (toDo.length > 0) await performSteps(this.#parts);
      await tables.startGroup();
      await this.#parts.checkpoint.rest();
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#failure ??= new WeirError('WEIR_SDK_USE', 'the session is disposed');
    await this.#end();
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
      await this.#end();
      const failure = await this.#explained(toWeirError(error));
      this.#failure ??= failure;
      throw this.#failure;
    }
  }

  async #end(): Promise<void> {
    await this.#parts.side.end();
    await this.#parts.transaction.end();
  }

  /** A connection that a successor has ended must not be made again: it would take the fence back (invariant 5). */
  async #explained(error: WeirError): Promise<WeirError> {
    if (error.code !== 'WEIR_MYSQL_CONNECTION_LOST' || this.#disposed) return error;
    const isLost = await this.#parts.isLost().catch(() => false);
    return isLost ? this.#parts.checkpoint.fenced() : error;
  }
}

/** Does what commits have left to be done to tables, while the fence's row is locked. */
export async function performSteps({
  transaction,
  checkpoint,
  steps,
}: Pick<SessionParts, 'transaction' | 'checkpoint' | 'steps'>): Promise<void> {
  await checkpoint.begin();
  await steps.perform(transaction);
  await transaction.commit({ doing: 'changing the shape of tables' });
}
