import {
  BatchBuilder,
  packVersion,
  tableName,
  type Batch,
  type Checkpoint,
  type Json,
  type KeyRange,
  type Shard,
  type Sink,
  type SinkOptions,
  type SinkSession,
  type StopReason,
  type Table,
  type TablePlan,
} from '@weir/sdk';
import { CheckpointStore, DrivenSession } from './driven-session.ts';
import { MemoryTarget, type MemoryWriter, type Written } from './memory-target.ts';
import { latin1, seeBatch } from './seen-batch.ts';
import { contractOptions, contractShard, type SinkDriver, type SinkEnvironment } from './sink-driver.ts';
import { spoiled } from './spoiled-batch.ts';
import type { Cells } from './table-content.ts';

const never = new AbortController().signal;

/** How the sessions of a class are, see `SinkSession`. */
export const modes = { A: 'transactional', B: 'staged', C: 'idempotent', D: 'at-least-once' } as const;

/** What several harnesses have in common. */
interface Place {
  readonly mode: SinkSession['mode'];
  readonly environment: SinkEnvironment;
  readonly store: CheckpointStore;
  readonly model: MemoryTarget;
}

/** A sink under test, and beside it one in memory that takes the same batches: what the sink must hold. */
export class SinkHarness implements AsyncDisposable {
  readonly #mode: SinkSession['mode'];
  readonly #environment: SinkEnvironment;
  readonly #store: CheckpointStore;
  readonly #options: Partial<SinkOptions>;
  readonly #shard: Shard;
  readonly #model: MemoryTarget;
  readonly #writer: MemoryWriter;
  readonly #sessions: DrivenSession[] = [];
  #written: Written[] = [];

  private constructor(place: Place, options: Partial<SinkOptions>, shard: Shard) {
    this.#mode = place.mode;
    this.#environment = place.environment;
    this.#store = place.store;
    this.#options = options;
    this.#shard = shard;
    this.#model = place.model;
    this.#writer = place.model.takeFence(shard, { ...contractOptions, ...options });
  }

  /** @param options of the sink, as far as they differ from `contractOptions` */
  static async start(driver: SinkDriver, options: Partial<SinkOptions> = {}): Promise<SinkHarness> {
    return SinkHarness.at(await driver.start(), driver, options);
  }

  /** The same in a place that was started already; it is disposed with the harness. */
  static at(started: SinkEnvironment, driver: SinkDriver, options: Partial<SinkOptions> = {}): SinkHarness {
    const environment = disposedOnce(started);
    const place = { mode: modes[driver.deliveryClass], environment, store: new CheckpointStore(), model: new MemoryTarget() };
    return new SinkHarness(place, options, contractShard);
  }

  /** The same place with other options, for the same pipeline or another; disposed with this harness, or after it. */
  beside(options: Partial<SinkOptions>, shard: Shard = this.#shard): SinkHarness {
    const place = { mode: this.#mode, environment: this.#environment, store: this.#store, model: this.#model };
    return new SinkHarness(place, options, shard);
  }

  /** A session of a new sink object; disposed with the harness if the test does not. */
  async session(of: Shard = this.#shard): Promise<DrivenSession> {
    const inner = await this.sink().open(of, never);
    if (inner.mode !== this.#mode) throw new Error(`the sink's class has ${this.#mode} sessions, this one is ${inner.mode}`);
    const session = new DrivenSession(inner, this.#store, of);
    this.#sessions.push(session);
    return session;
  }

  /** A new sink object. */
  sink(): Sink {
    return this.#environment.sink(this.#options);
  }

  /** Writes a batch and gives it back to its pool, as the engine does. */
  async write(session: DrivenSession, batch: Batch): Promise<void> {
    this.#written.push(seeBatch(batch));
    await session.write(batch);
    spoiled(batch).release();
  }

  /** Marks a table as stopped. */
  async stop(session: DrivenSession, table: Table, reason: StopReason): Promise<void> {
    this.#written.push({ stops: tableName(table), reason });
    if (session.stopTable === undefined) throw new Error('a sink of this class can stop a table');
    await session.stopTable(table, reason);
  }

  /** Commits at the sink and in the model. */
  async commit(session: DrivenSession, checkpoint: Checkpoint): Promise<void> {
    await session.commit(checkpoint);
    this.expectCommitted(checkpoint);
  }

  /** What was written is to be expected from now on. */
  expectCommitted(checkpoint: Checkpoint): void {
    this.#writer.commit(this.#written, checkpoint);
    this.#written = [];
  }

  /** What was written since the last commit is not to be expected any more: its session ended. */
  forget(): void {
    this.#written = [];
  }

  /** The rows that the sink must hold, in one order. */
  expected(table: Table): Cells[] {
    return inOrder(this.#model.rows(table, this.#writer.options).map((row) => comparable(table, row)));
  }

  /** The tables that must be stopped, and why. */
  expectedStops(): ReadonlyMap<string, StopReason> {
    return this.#writer.stopped;
  }

  /** The rows that the sink holds, in the same order. A row that is there twice is here twice. */
  async rows(table: Table): Promise<Cells[]> {
    const sink = this.sink();
    if (sink.scan === undefined) throw new Error('a sink must have scan');
    const rows: Cells[] = [];
    for await (const batch of sink.scan(table, never)) {
      for (const row of seeBatch(batch).rows) rows.push(comparable(table, row.after!));
      batch.release();
    }
    return inOrder(rows);
  }

  /** The rows that a session has in a range of keys, in the same order. */
  async range(session: DrivenSession, table: Table, range: KeyRange): Promise<Cells[]> {
    if (session.readRange === undefined) throw new Error('a mirror of this class must have readRange');
    const rows: Cells[] = [];
    for await (const batch of session.readRange(table, range)) {
      for (const row of seeBatch(batch).rows) rows.push(comparable(table, row.after!));
      batch.release();
    }
    return inOrder(rows);
  }

  async plan(tables: readonly Table[]): Promise<TablePlan[]> {
    const sink = this.sink();
    if (sink.plan === undefined) throw new Error('a sink must have plan');
    return await sink.plan(tables, never);
  }

  /** Ends the sessions that were opened through this harness. */
  async close(): Promise<void> {
    for (const session of this.#sessions.splice(0)) await session[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
    await this.#environment[Symbol.asyncDispose]();
  }
}

/** An environment that several harnesses have in common. */
function disposedOnce(environment: SinkEnvironment): SinkEnvironment {
  let disposed: PromiseLike<void> | null = null;
  return {
    sink: (options) => environment.sink(options),
    [Symbol.asyncDispose]: () => (disposed ??= environment[Symbol.asyncDispose]()),
  };
}

/** The columns of a history that hold JSON which a sink writes itself: there its spaces and its order do not count. */
const ownJson = new Set(['_weir_before', '_weir_unchanged']);

function comparable(table: Table, row: Cells): Cells {
  return row.map((cell, column) => {
    if (typeof cell !== 'string' || !ownJson.has(table.columns[column]!.name)) return cell;
    const value: unknown = JSON.parse(Buffer.from(cell, 'latin1').toString());
    return latin1(JSON.stringify(Array.isArray(value) ? value : withSortedNames(value as object)));
  });
}

export function withSortedNames(object: object): object {
  return Object.fromEntries(Object.entries(object).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

function inOrder(rows: readonly Cells[]): Cells[] {
  const keyed = rows.map((row) => ({ row, text: JSON.stringify(row) }));
  return keyed.toSorted((a, b) => (a.text < b.text ? -1 : a.text > b.text ? 1 : 0)).map(({ row }) => row);
}

/** Numbers transactions: positions rise, and a checkpoint stands at the end of each. */
export class Feed {
  readonly #builder = new BatchBuilder();
  #transactions = 0;

  /**
   * Starts the next transaction; `build` of the builder ends a batch, in its middle too.
   * @param hasTime whether the source knows when it was committed, which it does not of a copied chunk
   */
  begin(hasTime = true): BatchBuilder {
    const position = this.#position(++this.#transactions);
    const version = packVersion(0, BigInt(this.#transactions));
    return this.#builder.begin({
      position,
      version,
      // Never a whole second, so that a commit time that loses digits shows.
      time: hasTime ? 1_700_000_000_000_000 + this.#transactions * 1_000_001 : 0,
      transactionId: String(this.#transactions),
    });
  }

  /** Forgets what was added and not built. */
  abandon(): void {
    this.#builder.build(null).release();
  }

  /** The checkpoint at the end of the current transaction. */
  checkpoint(state: Json = { copied: true }): Checkpoint {
    return { position: this.#position(this.#transactions), state };
  }

  #position(transaction: number): string {
    return String(transaction).padStart(12, '0');
  }
}
