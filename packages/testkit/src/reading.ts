import { expect } from 'vitest';
import {
  WeirError,
  tableName,
  type Batch,
  type Checkpoint,
  type Position,
  type Source,
  type SourceSession,
} from '@weir/sdk';
import { OrderGuard } from './order-guard.ts';
import { seeBatch, type SeenBatch, type SeenRow } from './seen-batch.ts';

/** How long a batch may take to come when there is something to come, in ms. */
const PATIENCE_MS = 20_000;

/** A session of a source under test: pulls batch by batch, keeps a copy of each, and checks their order. */
export class Reading implements AsyncDisposable {
  readonly seen: SeenBatch[] = [];
  readonly session: SourceSession;
  readonly #source: Source;
  readonly #abort = new AbortController();
  readonly #guard: OrderGuard;
  readonly #batches: AsyncIterator<Batch>;

  private constructor(source: Source, session: SourceSession, from: Checkpoint | null) {
    this.session = session;
    this.#source = source;
    this.#guard = new OrderGuard(from);
    this.#batches = session.batches(this.#abort.signal)[Symbol.asyncIterator]();
  }

  /** @param reach the furthest position of any sink */
  static async open(source: Source, from: Checkpoint | null, reach: Position | null = null): Promise<Reading> {
    return new Reading(source, await source.open(from, new AbortController().signal, reach), from);
  }

  /** Every row so far. */
  get rows(): SeenRow[] {
    return this.seen.flatMap(({ rows }) => rows);
  }

  /** The rows of the stream, those of the copy left out. */
  get streamed(): SeenRow[] {
    return this.seen.filter(({ chunk }) => chunk === null).flatMap(({ rows }) => rows);
  }

  /** The rows of the copy. */
  get copied(): SeenRow[] {
    return this.seen.filter(({ chunk }) => chunk !== null).flatMap(({ rows }) => rows);
  }

  /** The last one seen. @throws Error when there is none yet */
  get checkpoint(): Checkpoint {
    const last = this.seen.findLast(({ checkpoint }) => checkpoint !== null)?.checkpoint;
    if (last == null) throw new Error('no checkpoint was seen yet');
    return last;
  }

  /** The next batch; null when the source has ended. */
  async next(): Promise<SeenBatch | null> {
    const result = await withinPatience(this.#batches.next(), 'no batch came');
    if (result.done === true) return null;
    const batch = seeBatch(result.value);
    result.value.release();
    this.seen.push(batch);
    this.#guard.check(batch);
    return batch;
  }

  /** Pulls until a batch is as wanted, and returns it. */
  async until(wanted: (batch: SeenBatch) => boolean): Promise<SeenBatch> {
    for (let batch = await this.next(); batch !== null; batch = await this.next()) if (wanted(batch)) return batch;
    throw new Error('the source ended before what was waited for');
  }

  /** Pulls until the last chunk of each of the tables has come; of every table, if none are named. */
  async untilCopied(tables?: readonly string[]): Promise<void> {
    const left = new Set(tables ?? (await this.#source.discover(this.#abort.signal)).map(tableName));
    await this.until(({ chunk }) => {
      if (chunk?.last === true) left.delete(chunk.table);
      return left.size === 0;
    });
  }

  /** Pulls until the stream has given `count` rows more, and a checkpoint behind them. */
  async untilStreamed(count: number): Promise<void> {
    let rows = 0;
    await this.until((batch) => {
      if (batch.chunk === null) rows += batch.rows.length;
      return rows >= count && batch.checkpoint !== null;
    });
  }

  /** Pulls until the source ends of itself. */
  async untilEnd(): Promise<void> {
    while ((await this.next()) !== null);
  }

  /** Everything that is committed by now, then the end. */
  async untilHead(): Promise<void> {
    this.session.finishAt(await this.head());
    await this.untilEnd();
  }

  async head(): Promise<Position> {
    return await this.#source.head(this.#abort.signal);
  }

  /** Pulls until it fails, and returns the failure. */
  async untilFailure(): Promise<WeirError> {
    return await failure(this.untilEnd());
  }

  get aborted(): boolean {
    return this.#abort.signal.aborted;
  }

  abort(): void {
    this.#abort.abort(new Error('aborted by the test'));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.abort();
    await withinPatience(Promise.resolve(this.session[Symbol.asyncDispose]()), 'the session did not close');
    // A generator of a disposed session may end with the failure that it was about to throw.
    await withinPatience(
      this.#return().catch(() => {}),
      'the batches did not end',
    );
  }

  async #return(): Promise<void> {
    await this.#batches.return?.();
  }
}

/** The coded error that something must fail with. */
export async function failure(work: Promise<unknown>): Promise<WeirError> {
  const error = await work.then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(error, 'it must fail with a WeirError').toBeInstanceOf(WeirError);
  return error as WeirError;
}

async function withinPatience<T>(work: Promise<T>, message: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${message} within ${PATIENCE_MS / 1000} s`)), PATIENCE_MS);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
