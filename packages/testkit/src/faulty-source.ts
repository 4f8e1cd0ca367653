import {
  filterRows,
  type Batch,
  type CheckResult,
  type Checkpoint,
  type Position,
  type Source,
  type SourceSession,
  type Table,
} from '@weir/sdk';
import type { FaultScript } from './fault-script.ts';

/**
 * Any source with things that go wrong. Its operations are `NAME.open`, `.pull` (of the next batch), `.confirm` and
 * `.dispose`. What `partial` leaves of a pull is the first half of a batch, in the middle of its transaction.
 */
export class FaultySource implements Source {
  readonly #inner: Source;
  readonly #name: string;
  readonly #script: FaultScript;

  constructor(inner: Source, name: string, script: FaultScript) {
    this.#inner = inner;
    this.#name = name;
    this.#script = script;
  }

  async open(from: Checkpoint | null, signal: AbortSignal, reach: Position | null = null): Promise<SourceSession> {
    let session: SourceSession | null = null;
    try {
      return await this.#perform('open', async () => {
        session = await this.#inner.open(from, signal, reach);
        return this.#faulty(session);
      });
    } catch (error) {
      // A server notices that the client of a session whose answer was lost is gone.
      await (session as SourceSession | null)?.[Symbol.asyncDispose]();
      throw error;
    }
  }

  async head(signal: AbortSignal): Promise<Position> {
    return await this.#inner.head(signal);
  }

  async discover(signal: AbortSignal): Promise<Table[]> {
    return await this.#inner.discover(signal);
  }

  async check(signal: AbortSignal): Promise<CheckResult[]> {
    return await this.#inner.check(signal);
  }

  scan(table: Table, signal: AbortSignal): AsyncIterable<Batch> {
    return this.#inner.scan(table, signal);
  }

  #faulty(session: SourceSession): SourceSession {
    return {
      batches: (signal) => this.#batches(session, signal),
      confirm: async (checkpoint) => await this.#perform('confirm', async () => await session.confirm(checkpoint)),
      finishAt: (position) => session.finishAt(position),
      ...(session.copyAgain && { copyAgain: async (tables, how) => await session.copyAgain!(tables, how) }),
      status: () => session.status(),
      [Symbol.asyncDispose]: async () => await this.#perform('dispose', async () => await session[Symbol.asyncDispose]()),
    };
  }

  async *#batches(session: SourceSession, signal: AbortSignal): AsyncGenerator<Batch> {
    const batches = session.batches(signal)[Symbol.asyncIterator]();
    try {
      while (true) {
        const { batch, failure } = await this.#pull(batches);
        if (batch !== null) yield batch;
        if (failure !== null) throw failure.error;
        if (batch === null) return;
      }
    } finally {
      await batches.return?.();
    }
  }

  /** The next batch, the first half of one with the failure behind it, or a failure alone. */
  async #pull(batches: AsyncIterator<Batch>): Promise<{ batch: Batch | null; failure: { error: unknown } | null }> {
    let pulled: Batch | null = null;
    const next = async (): Promise<void> => {
      const result = await batches.next();
      pulled = result.done === true ? null : result.value;
    };
    let isHalf = false;
    try {
      await this.#perform('pull', next, async () => {
        await next();
        isHalf = true;
      });
      return { batch: pulled, failure: null };
    } catch (error) {
      const batch = isHalf ? firstHalf(pulled) : null;
      // What nobody gets goes back to its pool.
      if (batch === null) (pulled as Batch | null)?.release();
      return { batch, failure: { error } };
    }
  }

  async #perform<T>(operation: string, work: () => Promise<T>, half?: () => Promise<void>): Promise<T> {
    return await this.#script.perform(`${this.#name}.${operation}`, work, half);
  }
}

/** A range of keys comes whole or not at all. */
function firstHalf(batch: Batch | null): Batch | null {
  if (batch === null || batch.chunk !== null) return null;
  return { ...filterRows(batch, (row) => row < batch.rows / 2), checkpoint: null };
}
