import type { TableBinding } from '@weir/pgoutput';
import { WeirError, type Batch } from '@weir/sdk';
import type pg from 'pg';
import { CopyReader } from './copy-reader.ts';
import { Wire } from './wire.ts';

/** One connection for copies of whole tables, one after the other. A copy that does not end takes it along; the next has a new one. */
export class CopyConnection implements AsyncDisposable {
  readonly #open: (signal: AbortSignal) => Promise<pg.Client>;
  #wire: Wire | null = null;

  /** @param open makes a connection, whenever one is needed */
  constructor(open: (signal: AbortSignal) => Promise<pg.Client>) {
    this.#open = open;
  }

  /** Connects where nothing is connected. @throws what `open` throws */
  async connect(signal: AbortSignal): Promise<void> {
    await this.#connected(signal);
  }

  /**
   * Rows of `COPY … TO STDOUT`, as `CopyReader.read` gives them.
   * @throws the signal's reason, what `open` throws, what the server answers, WeirError WEIR_PG_CONNECTION_LOST
   */
  async *read(sql: string, binding: TableBinding, signal: AbortSignal): AsyncGenerator<Batch> {
    const isRested = this.#wire !== null;
    let isBegun = false;
    try {
      for await (const batch of this.#readOnce(sql, binding, signal)) {
        isBegun = true;
        yield batch;
      }
    } catch (error) {
      // The server ended a connection that rested, and its word had not arrived when the copy began.
      const isStale = isRested && !isBegun && error instanceof WeirError && error.code === 'WEIR_PG_CONNECTION_LOST';
      if (!isStale) throw error;
      yield* this.#readOnce(sql, binding, signal);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close();
  }

  async *#readOnce(sql: string, binding: TableBinding, signal: AbortSignal): AsyncGenerator<Batch> {
    const wire = await this.#connected(signal);
    const cut = (): void => wire.abandon();
    signal.addEventListener('abort', cut);
    try {
      signal.throwIfAborted();
      yield* new CopyReader(wire).read(sql, binding);
    } catch (error) {
      signal.throwIfAborted();
      throw error;
    } finally {
      signal.removeEventListener('abort', cut);
      if (wire.failure !== null) await this.#close();
    }
  }

  async #connected(signal: AbortSignal): Promise<Wire> {
    if (this.#wire !== null && this.#wire.failure !== null) await this.#close();
    return (this.#wire ??= new Wire(await this.#open(signal)));
  }

  async #close(): Promise<void> {
    const wire = this.#wire;
    this.#wire = null;
    await wire?.[Symbol.asyncDispose]();
  }
}
