import type { Batch, BatchWriter, Checkpoint } from '@weir/sdk';
import { ANSWERS, type BinlogConnection } from './binlog-connection.ts';
import { EventPackets } from './event-packets.ts';

/** What may wait in the slab while nobody asks for more; the server waits then. An event itself can be larger. */
export const AHEAD_BYTES: number = 1 << 20;

/**
 * The events of a connection, one after the other, in the slab of a batch writer:
 *
 * ```ts
 * for (;;) {
 *   while (stream.next()) decoder.decode(writer, stream.start, stream.end);
 *   await stream.more();
 * }
 * ```
 */
export class EventStream implements AsyncDisposable {
  readonly #connection: BinlogConnection;
  readonly #packets: EventPackets;
  readonly #writer: BatchWriter;
  #waiting: (() => void) | null = null;
  #arrivals = 0;
  #seen = 0;

  constructor(connection: BinlogConnection, writer: BatchWriter, answers: number = ANSWERS) {
    this.#connection = connection;
    this.#writer = writer;
    this.#packets = new EventPackets(writer, { answers });
    connection.onData = (chunk) => this.#arrived(chunk);
    connection.onFailure = () => this.#wake();
  }

  /** Of the event, in the writer's slab; see {@link EventPackets}. */
  get start(): number {
    return this.#packets.start;
  }

  get end(): number {
    return this.#packets.end;
  }

  /** Bytes that arrived and were not asked for. */
  get unread(): number {
    return this.#packets.unread;
  }

  /**
   * Goes on to the next event that is here.
   * @returns false when more has to arrive
   * @throws WeirError what the server says instead of an event
   */
  next(): boolean {
    // Events of which nothing is in the batch would fill the slab otherwise (invariant 8).
    if (this.#packets.taken >= AHEAD_BYTES && !this.#writer.pending) this.#packets.forgetTaken();
    const isWhole = this.#packets.next();
    if (!isWhole) this.#seen = this.#arrivals;
    return isWhole;
  }

  /**
   * Waits until something arrived since the last event.
   * @param signal ends the waiting
   * @throws WeirError why nothing comes any more, when all that came was asked for; the signal's reason
   */
  async more(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    if (this.#arrivals > this.#seen) return;
    this.#throwFailure();
    const wake = (): void => this.#wake();
    signal?.addEventListener('abort', wake);
    try {
      await new Promise<void>((resolve) => {
        this.#waiting = resolve;
        this.#connection.resume();
      });
    } finally {
      signal?.removeEventListener('abort', wake);
    }
    signal?.throwIfAborted();
    if (this.#arrivals === this.#seen) this.#throwFailure();
  }

  /** Ends the waiting of `more`, which then returns though nothing arrived. */
  wake(): void {
    this.#wake();
  }

  /** Takes the bytes behind the event out of the slab, while the events of a payload are decoded there. */
  hold(): void {
    this.#packets.hold();
  }

  release(): void {
    this.#packets.release();
  }

  /** Closes the batch of the writer; what is not decoded yet belongs to the next one. */
  close(checkpoint: Checkpoint | null): Batch {
    return this.#packets.close(checkpoint);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#connection[Symbol.asyncDispose]();
  }

  #throwFailure(): void {
    const { failure } = this.#connection;
    if (failure !== null) throw failure;
  }

  #arrived(chunk: Buffer): void {
    this.#packets.arrived(chunk);
    this.#arrivals++;
    if (this.#waiting === null && this.#packets.unread >= AHEAD_BYTES) this.#connection.pause();
    this.#wake();
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = null;
    waiting?.();
  }
}
