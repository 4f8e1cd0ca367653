import type { WeirError } from '@weir/sdk';
import type { StreamProtocol } from './stream-protocol.ts';

/** Who reads a log: hears of bytes as they arrive, and of what the messages in them say, in the order of the log. */
export interface LogListener {
  /** Bytes of the connection, to be cut into messages; valid until this returns. */
  arrived(chunk: Uint8Array): void;
  /** The connection is lost. */
  failed(error: WeirError): void;
  /** A message of the output plugin, in the slab between `start` and `end`. */
  change(start: number, end: number): void;
  /** Everything below `endLsn` that there is to send has been sent, but for the rest of what is being sent now. */
  keepalive(endLsn: bigint, asksReply: boolean): void;
}

/** How the changes of a slot are asked for, and how they come. */
export interface LogReader extends AsyncDisposable {
  /** How the messages are to be decoded. */
  readonly protocol: StreamProtocol;
  /** The failure that ended the connection. */
  readonly failure: WeirError | null;
  /** Reads past the WAL sender: in pieces, each of which the server prepares in silence. */
  readonly isCatchUp: boolean;

  /** Asks for what commits from `from` on; again only behind `withoutStreaming`. */
  start(from: bigint, listener: LogListener): void;

  /**
   * Handles a message of the connection, whose body is in the slab between `start` and `end`.
   * @throws WeirError what the server says when it refuses or ends the stream; WEIR_PGOUTPUT_DAMAGED
   */
  message(type: number, data: Uint8Array, start: number, end: number): void;

  /** The server may forget everything below `confirmed` (invariant 1). @param asksReply somebody waits for a keepalive */
  status(confirmed: bigint, asksReply: boolean): void;

  /** Another connection in the place of this one, on which every transaction comes at its end. */
  withoutStreaming(): Promise<void>;

  pause(): void;
  resume(): void;

  /** Cuts the connection at once. */
  abandon(): void;
}
