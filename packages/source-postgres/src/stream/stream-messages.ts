import { Frames, serverError } from '@weir/postgres';
import { WeirError, type BatchWriter } from '@weir/sdk';

/** Who handles the messages of a replication stream. What it throws ends the stream. */
export interface StreamMessageHandler {
  /** A message of the connection, whose body is in the slab between `start` and `end`. */
  message(type: number, start: number, end: number): void;
  /** What has arrived is handled, or handling was suspended. */
  rested(): void;
  failed(error: WeirError): void;
}

/**
 * Cuts the replication stream's bytes into messages, in the slab of a writer. The handler may suspend it at any message,
 * for work that takes time: then the messages behind wait in the slab, and what arrives nevertheless waits in order.
 */
export class StreamMessages {
  readonly frames: Frames = new Frames();
  readonly #writer: BatchWriter;
  readonly #handler: StreamMessageHandler;
  readonly #handle = (type: number, start: number, end: number): void => this.#handler.message(type, start, end);
  /** Chunks that came while handling was suspended: what Node had read already when the socket was paused. */
  readonly #waiting: Uint8Array[] = [];
  #suspended = false;
  #handling = false;
  #stopped = false;

  constructor(writer: BatchWriter, handler: StreamMessageHandler) {
    this.#writer = writer;
    this.#handler = handler;
  }

  /** No message is handled until the work that was given to `suspend` is done. */
  get suspended(): boolean {
    return this.#suspended;
  }

  take(chunk: Uint8Array): void {
    if (this.#stopped) return;
    if (this.#suspended) this.#waiting.push(Uint8Array.from(chunk));
    else this.#run(() => this.frames.feed(this.#writer, chunk, this.#handle));
  }

  /** Calls `rested` of the handler, if that does not come by itself behind what is being handled. */
  rest(): void {
    if (!this.#stopped && !this.#handling && !this.#suspended) this.#run(() => {});
  }

  /** Handles no message behind the current one before `work` is done; its failure ends the stream. */
  suspend(work: () => Promise<void>): void {
    if (this.#suspended) throw new WeirError('WEIR_INTERNAL', 'the stream was suspended twice');
    this.#suspended = true;
    this.frames.hold();
    // Not at once: first this message is left, and then the loop over the messages.
    Promise.resolve()
      .then(work)
      .then(
        () => this.#goOn(),
        (error: unknown) => this.#fail(error),
      );
  }

  /** Forgets what has arrived and is not handled: another connection takes over. */
  startOver(): void {
    this.#waiting.length = 0;
    this.#writer.truncate(this.frames.consumed);
  }

  /** Handles nothing any more. */
  stop(): void {
    this.#stopped = true;
    this.frames.hold();
    this.#waiting.length = 0;
  }

  #goOn(): void {
    this.#suspended = false;
    this.#run(() => {
      if (!this.#stopped) this.frames.resume(this.#writer, this.#handle);
    });
    while (!this.#suspended && !this.#stopped && this.#waiting.length > 0) this.take(this.#waiting.shift()!);
  }

  #run(work: () => void): void {
    this.#handling = true;
    try {
      work();
      this.#handler.rested();
      // While it is suspended somebody may still read the message that is handled.
      if (!this.#suspended && this.#writer.rows === 0) this.frames.compact(this.#writer);
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#handling = false;
    }
  }

  #fail(error: unknown): void {
    this.#suspended = false;
    this.stop();
    this.#handler.failed(error instanceof WeirError ? error : serverError(error, 'reading the stream'));
  }
}
