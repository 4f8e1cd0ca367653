import { Frames, parseErrorResponse, serverError } from '@weir/postgres';
import { WeirError, type BatchWriter, type ErrorCode } from '@weir/sdk';

const COPY_DATA = 0x64;
const COPY_DONE = 0x63;
const ERROR_RESPONSE = 0x45;
const XLOG_DATA = 0x77;
const KEEPALIVE = 0x6b;
/** Type, start LSN, end LSN and time before the payload of an XLogData message. */
const XLOG_HEADER = 25;
/** Type, end LSN, time and whether a reply is asked for. */
const KEEPALIVE_BYTES = 18;

/** Who handles the messages of a replication stream. What it throws ends the stream. */
export interface StreamMessageHandler {
  /** A message of the output plugin, in the slab between `start` and `end`. */
  change(start: number, end: number): void;
  /** Everything below `endLsn` that there is to send has been sent, but for the rest of what is being sent now. */
  keepalive(endLsn: bigint, asksReply: boolean): void;
  /** What has arrived is handled, or handling was suspended. */
  rested(): void;
  failed(error: WeirError): void;
}

/**
 * Cuts the replication stream's bytes into messages, in the slab of a writer. The handler may suspend it at any message,
 * for work that takes time: then the messages behind wait in the slab, and what arrives nevertheless waits in order.
 *
 * Format: https://www.postgresql.org/docs/current/protocol-replication.html
 */
export class StreamMessages {
  readonly frames: Frames = new Frames();
  readonly #writer: BatchWriter;
  readonly #handler: StreamMessageHandler;
  readonly #handle = (type: number, start: number, end: number): void => this.#message(type, start, end);
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
    if (this.#suspended) this.#waiting.push(chunk);
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

  #message(type: number, start: number, end: number): void {
    if (type === COPY_DATA) this.#copyData(start, end);
    else if (type === ERROR_RESPONSE) throw streamError(parseErrorResponse(this.#writer.data, start, end));
    else if (type === COPY_DONE) throw new WeirError('WEIR_PG_CONNECTION_LOST', 'the server ended the stream');
  }

  #copyData(start: number, end: number): void {
    const { data } = this.#writer;
    const kind = data[start];
    if (kind === XLOG_DATA && end - start > XLOG_HEADER) {
      this.#handler.change(start + XLOG_HEADER, end);
    } else if (kind === KEEPALIVE && end - start === KEEPALIVE_BYTES) {
      const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
      this.#handler.keepalive(view.getBigUint64(start + 1), data[end - 1] === 1);
    } else {
      throw new WeirError('WEIR_PGOUTPUT_DAMAGED', `a message of kind ${kind} with ${end - start} bytes is not known`);
    }
  }
}

/** What the server says when it refuses or ends a stream. */
function streamError(response: { code: string; message: string }): WeirError {
  const codes: Record<string, ErrorCode> = { '42704': 'WEIR_PG_PUBLICATION_MISSING', '53300': 'WEIR_PG_SENDERS_FULL' };
  const known = codes[response.code];
  if (known !== undefined) return new WeirError(known, `the stream: ${response.message}`);
  return serverError(response, 'the stream');
}
