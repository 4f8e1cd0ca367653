import type { LogPosition } from '@weir/binlog';
import type { Batch, Table } from '@weir/sdk';
import type { SnapshotMoment, StreamPlace } from './copy/chunk-snapshot.ts';
import type { SnapshotOptions } from './copy/snapshot-connection.ts';
import { readSnapshot } from './copy/table-snapshot.ts';

/**
 * The copy of a table that has no key, or one that only the server can order: all of it as it is at one place of the log, which is open from when it is begun until its rows
 * are read. They are read when the stream is at that very place; what it brings of the table before is in them.
 */
export class WholeCopy implements AsyncDisposable {
  readonly table: Table;
  readonly moment: SnapshotMoment;
  readonly #ending: AbortController;
  readonly #passed: PromiseWithResolvers<void>;
  readonly #rows: Handover;
  readonly #reading: Promise<boolean>;

  private constructor(table: Table, moment: SnapshotMoment, parts: { ending: AbortController; passed: PromiseWithResolvers<void>; rows: Handover; reading: Promise<boolean> }) {
    this.table = table;
    this.moment = moment;
    this.#ending = parts.ending;
    this.#passed = parts.passed;
    this.#rows = parts.rows;
    this.#reading = parts.reading;
  }

  /** Where its rows belong. */
  get at(): LogPosition {
    return this.moment.high;
  }

  /**
   * @param place where the stream stands, and waits meanwhile
   * @returns null when it cannot be begun now
   * @throws what `readSnapshot` throws
   */
  static async begin(options: SnapshotOptions, table: Table, place: StreamPlace, signal: AbortSignal): Promise<WholeCopy | null> {
    const ending = new AbortController();
    const passed = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<SnapshotMoment>();
    const rows = new Handover();
    const begin = async (moment: SnapshotMoment): Promise<void> => {
      begun.resolve(moment);
      await passed.promise;
      ending.signal.throwIfAborted();
    };
    const give = async (_table: Table, batch: Batch): Promise<void> => await rows.give(batch);
    // Exact: of every transaction it has to be known whether its rows are there.
    const reading = readSnapshot({ ...options, isLocking: true }, [table], place, { begin, give, end: async () => {} }, AbortSignal.any([signal, ending.signal]));
    const ended = reading.then(
      () => rows.end(),
      () => rows.end(),
    );
    const moment = await Promise.race([begun.promise, reading.then(() => null)]);
    if (moment !== null) return new WholeCopy(table, moment, { ending, passed, rows, reading });
    await ended;
    return null;
  }

  /**
   * Its rows, in batches without checkpoints; the server waits while nobody takes them (invariant 8).
   * @returns false when the table was altered, and nothing was given
   * @throws what `readSnapshot` throws
   */
  async *read(): AsyncGenerator<Batch, boolean> {
    this.#passed.resolve();
    for (let batch = await this.#rows.take(); batch !== null; batch = await this.#rows.take()) yield batch;
    return await this.#reading;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort();
    this.#passed.resolve();
    this.#rows.refuse();
    await this.#reading.catch(() => {});
  }
}

/** Hands one batch at a time from who reads to who takes. */
export class Handover {
  #ready: Batch | null = null;
  #isOver = false;
  #arrived = Promise.withResolvers<void>();
  #taken = Promise.withResolvers<void>();

  /** Resolves when the next one is wanted. */
  async give(batch: Batch): Promise<void> {
    if (this.#isOver) return batch.release();
    this.#ready = batch;
    this.#arrived.resolve();
    await this.#taken.promise;
  }

  /** Nothing more comes. */
  end(): void {
    this.#isOver = true;
    this.#arrived.resolve();
  }

  /** Nothing more is taken. */
  refuse(): void {
    this.#ready?.release();
    this.#ready = null;
    this.#isOver = true;
    this.#taken.resolve();
    this.#arrived.resolve();
  }

  /** The next batch; null at the end. */
  async take(): Promise<Batch | null> {
    this.#wantNext();
    await this.#arrived.promise;
    const batch = this.#ready;
    this.#ready = null;
    if (!this.#isOver) this.#arrived = Promise.withResolvers();
    return batch;
  }

  #wantNext(): void {
    const before = this.#taken;
    this.#taken = Promise.withResolvers();
    before.resolve();
  }
}
