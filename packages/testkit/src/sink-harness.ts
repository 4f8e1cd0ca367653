import {
  BatchBuilder,
  packVersion,
  type Batch,
  type Checkpoint,
  type Json,
  type Shard,
  type Table,
  type TransactionalSession,
} from '@weir/sdk';
import { MemoryTarget } from './memory-target.ts';
import { seeBatch, type SeenBatch } from './seen-batch.ts';
import type { SinkDriver, SinkEnvironment } from './sink-driver.ts';
import type { Cells } from './table-content.ts';

const shard: Shard = { pipeline: 'shop', sink: 'warehouse', shard: 0 };
const never = new AbortController().signal;

/** A sink under test, and beside it a mirror in memory that takes the same batches: what the sink must hold. */
export class SinkHarness implements AsyncDisposable {
  readonly #environment: SinkEnvironment;
  readonly #model = new MemoryTarget();
  readonly #fence: number = this.#model.takeFence();
  readonly #sessions: TransactionalSession[] = [];
  #written: SeenBatch[] = [];

  private constructor(environment: SinkEnvironment) {
    this.#environment = environment;
  }

  static async start(driver: SinkDriver): Promise<SinkHarness> {
    return new SinkHarness(await driver.start());
  }

  /** A session of a new sink object; disposed with the harness if the test does not. */
  async session(of: Shard = shard): Promise<TransactionalSession> {
    const session = await this.#environment.sink().open(of, never);
    if (session.mode !== 'transactional')
      throw new Error(`a sink of class A has transactional sessions, not ${session.mode}`);
    this.#sessions.push(session);
    return session;
  }

  /** Writes a batch and gives it back to its pool, as the engine does. */
  async write(session: TransactionalSession, batch: Batch): Promise<void> {
    this.#written.push(seeBatch(batch));
    await session.write(batch);
    batch.release();
  }

  /** Commits at the sink and in the model. */
  async commit(session: TransactionalSession, checkpoint: Checkpoint): Promise<void> {
    await session.commit(checkpoint);
    this.#model.commit(this.#fence, this.#written, checkpoint);
    this.#written = [];
  }

  /** What was written since the last commit is not to be expected any more: its session ended. */
  forget(): void {
    this.#written = [];
  }

  /** The rows that the sink must hold, in one order. */
  expected(table: Table): Cells[] {
    return inOrder(this.#model.rows(table));
  }

  /** The rows that the sink holds, in the same order. A row that is there twice is here twice. */
  async rows(table: Table): Promise<Cells[]> {
    const sink = this.#environment.sink();
    if (sink.scan === undefined) throw new Error('a mirror sink must have scan');
    const rows: Cells[] = [];
    for await (const batch of sink.scan(table, never)) {
      for (const row of seeBatch(batch).rows) rows.push(row.after!);
      batch.release();
    }
    return inOrder(rows);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const session of this.#sessions) await session[Symbol.asyncDispose]();
    await this.#environment[Symbol.asyncDispose]();
  }
}

function inOrder(rows: readonly Cells[]): Cells[] {
  const keyed = rows.map((row) => ({ row, text: JSON.stringify(row) }));
  return keyed.toSorted((a, b) => (a.text < b.text ? -1 : a.text > b.text ? 1 : 0)).map(({ row }) => row);
}

/** Numbers transactions: positions rise, and a checkpoint stands at the end of each. */
export class Feed {
  readonly #builder = new BatchBuilder();
  #transactions = 0;

  /** Starts the next transaction; `build` of the builder ends a batch, in its middle too. */
  begin(): BatchBuilder {
    const position = this.#position(++this.#transactions);
    const version = packVersion(0, BigInt(this.#transactions));
    return this.#builder.begin({
      position,
      version,
      time: 1_700_000_000_000_000,
      transactionId: String(this.#transactions),
    });
  }

  /** The checkpoint at the end of the current transaction. */
  checkpoint(state: Json = { copied: true }): Checkpoint {
    return { position: this.#position(this.#transactions), state };
  }

  #position(transaction: number): string {
    return String(transaction).padStart(12, '0');
  }
}
