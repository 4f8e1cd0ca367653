import { parseErrorResponse, serverError, type Wire } from '@weir/postgres';
import { WeirError, type Clock, type ErrorCode } from '@weir/sdk';
import type { LogListener, LogReader } from './log-reader.ts';
import { standbyStatus } from './standby-status.ts';
import { startReplication, type StreamProtocol } from './stream-protocol.ts';

const COPY_DATA = 0x64;
const COPY_DONE = 0x63;
const ERROR_RESPONSE = 0x45;
const XLOG_DATA = 0x77;
const KEEPALIVE = 0x6b;
/** Type, start LSN, end LSN and time before the payload of an XLogData message. */
const XLOG_HEADER = 25;
/** Type, end LSN, time and whether a reply is asked for. */
const KEEPALIVE_BYTES = 18;

export interface WalsenderReaderOptions {
  readonly wire: Wire;
  /** Another connection in the place of the one before, which is disposed; for a stream that has to be asked for once more. */
  readonly reconnect?: () => Promise<Wire>;
  readonly clock: Clock;
  readonly slot: string;
  readonly publications: readonly string[];
  readonly protocol: StreamProtocol;
}

/**
 * The log of a slot as a WAL sender streams it.
 *
 * Format: https://www.postgresql.org/docs/current/protocol-replication.html
 */
export class WalsenderReader implements LogReader {
  readonly #options: WalsenderReaderOptions;
  readonly isCatchUp: boolean = false;
  #wire: Wire;
  #protocol: StreamProtocol;
  #listener: LogListener | null = null;

  constructor(options: WalsenderReaderOptions) {
    this.#options = options;
    this.#wire = options.wire;
    this.#protocol = options.protocol;
  }

  get protocol(): StreamProtocol {
    return this.#protocol;
  }

  get failure(): WeirError | null {
    return this.#wire.failure;
  }

  start(from: bigint, listener: LogListener): void {
    const { slot, publications } = this.#options;
    const wire = this.#wire;
    this.#listener = listener;
    wire.onData = (chunk) => listener.arrived(chunk);
    wire.onFailure = (error) => listener.failed(error);
    if (wire.failure !== null) listener.failed(wire.failure);
    wire.query(startReplication(slot, from, publications, this.#protocol));
  }

  message(type: number, data: Uint8Array, start: number, end: number): void {
    if (type === COPY_DATA) this.#copyData(data, start, end);
    else if (type === ERROR_RESPONSE) throw streamError(parseErrorResponse(data, start, end));
    else if (type === COPY_DONE) throw new WeirError('WEIR_PG_CONNECTION_LOST', 'the server ended the stream');
  }

  #copyData(data: Uint8Array, start: number, end: number): void {
    const kind = data[start];
    if (kind === XLOG_DATA && end - start > XLOG_HEADER) {
      this.#listener!.change(start + XLOG_HEADER, end);
    } else if (kind === KEEPALIVE && end - start === KEEPALIVE_BYTES) {
      const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
      this.#listener!.keepalive(view.getBigUint64(start + 1), data[end - 1] === 1);
    } else {
      throw new WeirError('WEIR_PGOUTPUT_DAMAGED', `a message of kind ${kind} with ${end - start} bytes is not known`);
    }
  }

  status(confirmed: bigint, asksReply: boolean): void {
    this.#wire.copyData(standbyStatus(confirmed, this.#options.clock.now(), asksReply));
  }

  /** The server lets no stream follow another on the same connection. */
  async withoutStreaming(): Promise<void> {
    const { reconnect } = this.#options;
    if (reconnect === undefined) throw new WeirError('WEIR_SDK_USE', 'the stream cannot be asked for once more');
    this.#wire.onFailure = () => {};
    await this.#wire[Symbol.asyncDispose]();
    this.#wire = await reconnect();
    this.#protocol = { version: this.#protocol.version, streaming: false };
  }

  pause(): void {
    this.#wire.pause();
  }

  resume(): void {
    this.#wire.resume();
  }

  abandon(): void {
    this.#wire.abandon();
  }

  /** Resolves when the server has let go of the slot. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#wire[Symbol.asyncDispose]();
  }
}

/** What the server says when it refuses or ends a stream. */
function streamError(response: { code: string; message: string }): WeirError {
  const codes: Record<string, ErrorCode> = { '42704': 'WEIR_PG_PUBLICATION_MISSING', '53300': 'WEIR_PG_SENDERS_FULL' };
  const known = codes[response.code];
  if (known !== undefined) return new WeirError(known, `the stream: ${response.message}`);
  return serverError(response, 'the stream');
}
