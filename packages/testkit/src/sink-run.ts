import { expect } from 'vitest';
import type {
  Batch,
  BatchBuilder,
  Checkpoint,
  KeyRange,
  RowValues,
  Shard,
  SinkOptions,
  StopReason,
  Table,
  WeirError,
} from '@weir/sdk';
import type { DrivenSession } from './driven-session.ts';
import { failure } from './reading.ts';
import type { SinkDriver } from './sink-driver.ts';
import { Feed, SinkHarness } from './sink-harness.ts';

type Fill = (rows: BatchBuilder) => unknown;

/** A sink with one session at a time, and the transactions that it is given. */
export class SinkRun implements AsyncDisposable {
  readonly harness: SinkHarness;
  readonly #feed: Feed;
  #session: DrivenSession;

  private constructor(harness: SinkHarness, session: DrivenSession, feed: Feed) {
    this.harness = harness;
    this.#session = session;
    this.#feed = feed;
  }

  static async start(driver: SinkDriver, options: Partial<SinkOptions> = {}): Promise<SinkRun> {
    const harness = await SinkHarness.start(driver, options);
    return new SinkRun(harness, await harness.session(), new Feed());
  }

  /** Starts with a table that is made and filled in one commit. */
  static async with(driver: SinkDriver, table: Table, fill: Fill, options: Partial<SinkOptions> = {}): Promise<SinkRun> {
    const run = await SinkRun.start(driver, options);
    await run.commit((rows) => {
      rows.schemaChange({ table, change: 'create', reason: 'first' });
      fill(rows);
    });
    return run;
  }

  get session(): DrivenSession {
    return this.#session;
  }

  /** The checkpoint at the end of the current transaction. */
  get checkpoint(): Checkpoint {
    return this.#feed.checkpoint();
  }

  /** Starts the next transaction: what `write` and `end` then take are its batches. */
  begin(): BatchBuilder {
    return this.#feed.begin();
  }

  /** A chunk of a copy, not committed yet: the rows of a range, which may be none. */
  async copy(table: Table, range: KeyRange, rows: readonly RowValues[]): Promise<void> {
    const batch = this.#feed.begin(false);
    for (const row of rows) batch.read(table, row);
    batch.chunk(table, { range, last: range.upTo === null });
    await this.end(batch);
  }

  /** The rows that the session has in a range of keys. */
  async range(table: Table, range: KeyRange): Promise<readonly (readonly unknown[])[]> {
    return await this.harness.range(this.#session, table, range);
  }

  /** Writes what was built as a batch in the middle of the transaction. */
  async write(rows: BatchBuilder): Promise<void> {
    await this.harness.write(this.#session, rows.build(null));
  }

  /** Writes what was built as the transaction's last batch; it is not committed yet. */
  async end(rows: BatchBuilder): Promise<void> {
    await this.harness.write(this.#session, rows.build(this.checkpoint));
  }

  /** A whole transaction in one batch, not committed yet. */
  async transaction(fill: Fill): Promise<void> {
    const rows = this.begin();
    fill(rows);
    await this.end(rows);
  }

  async batch(batch: Batch): Promise<void> {
    await this.harness.write(this.#session, batch);
  }

  /** Commits what was written; with a `fill`, one more transaction before. */
  async commit(fill?: Fill): Promise<void> {
    if (fill !== undefined) await this.transaction(fill);
    await this.harness.commit(this.#session, this.checkpoint);
  }

  async stop(table: Table, reason: StopReason): Promise<void> {
    await this.harness.stop(this.#session, table, reason);
  }

  /**
   * The session dies, and with it what it had not committed; another takes its place.
   * @param options the sink's options from now on
   */
  async restart(options?: Partial<SinkOptions>): Promise<SinkRun> {
    await this.#session[Symbol.asyncDispose]();
    this.harness.forget();
    this.#feed.abandon();
    const harness = options === undefined ? this.harness : this.harness.beside(options);
    return new SinkRun(harness, await harness.session(), this.#feed);
  }

  /** Another pipeline, or another sink of it, that writes to the same place. */
  async beside(shard: Shard, options: Partial<SinkOptions> = {}): Promise<SinkRun> {
    const harness = this.harness.beside(options, shard);
    return new SinkRun(harness, await harness.session(), new Feed());
  }

  /** The tables that are stopped, as the session finds them; the same as in the model. */
  async stopped(): Promise<ReadonlyMap<string, StopReason>> {
    await this.#session.recover();
    const stopped = this.#session.stoppedTables;
    if (stopped === undefined) throw new Error('a sink of this class remembers which tables are stopped');
    expect(Object.fromEntries(stopped)).toEqual(Object.fromEntries(this.harness.expectedStops()));
    return stopped;
  }

  /** The error with which a transaction is refused: when it is written, or at the latest when it is committed. */
  async refusal(fill: Fill): Promise<WeirError> {
    const rows = this.begin();
    fill(rows);
    const batch = rows.build(this.checkpoint);
    const error = await failure(this.#session.write(batch).then(() => this.#session.commit(this.checkpoint)));
    batch.release();
    return error;
  }

  /** The sink holds of a table what the model holds. @returns its rows */
  async expectSame(table: Table): Promise<readonly (readonly unknown[])[]> {
    const rows = await this.harness.rows(table);
    expect(rows).toEqual(this.harness.expected(table));
    return rows;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#session[Symbol.asyncDispose]();
    await this.harness[Symbol.asyncDispose]();
  }
}
