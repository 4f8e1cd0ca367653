import type { Socket } from 'node:net';
import { WeirError } from '@weir/sdk';
import type pg from 'pg';
import { GOODBYE_MS, socketOf } from './connection/client-socket.ts';
import { serverError } from './connection/server-error.ts';
import { takeReads } from './connection/socket-reads.ts';

/** Reads of fewer bytes are small … */
const SMALL_BYTES = 16 << 10;
/** … and when so many of them come … */
const SMALL_READS = 16;
/** … within this time, in ms, … */
const BURST_MS = 1;
/** … nothing is read for so long, in ms. A socket holds more than a server sends meanwhile. */
const GATHER_MS = 1;

export interface WireOptions {
  /**
   * Where the server sends many small messages, one by one, they gather in the socket for a millisecond: a read for each would
   * cost more than all that is done with them. A message that comes alone is read at once. Default false.
   */
  readonly gathers?: boolean;
}

/**
 * A connection after login, taken over from `pg` so that COPY data goes from the socket into a batch's slab without an
 * object per message. From then on only this class speaks on it.
 *
 * Format: https://www.postgresql.org/docs/current/protocol-message-formats.html
 */
export class Wire implements AsyncDisposable {
  readonly #socket: Socket;
  #isPaused = false;
  /** Small reads since the burst began, and when that was. */
  #smallReads = 0;
  #burstSince = 0;
  #gathering: NodeJS.Timeout | null = null;
  #failure: WeirError | null = null;
  #closing: Promise<void> | null = null;
  /** Gets what arrives; a chunk is valid until it returns. */
  onData: (chunk: Buffer) => void = () => {};
  onFailure: (error: WeirError) => void = () => {};

  /** @param client connected and idle */
  constructor(client: pg.Client, { gathers = false }: WireOptions = {}) {
    this.#socket = socketOf(client);
    for (const event of ['data', 'error', 'close', 'end'] as const) this.#socket.removeAllListeners(event);
    takeReads(this.#socket, (chunk) => {
      this.onData(chunk);
      if (gathers) this.#gather(chunk.length);
    });
    this.#socket.on('error', (error) => this.#fail(serverError(error, 'the connection broke')));
    // From its end on the server takes nothing more, though the socket closes only later.
    for (const event of ['end', 'close'] as const) this.#socket.on(event, () => this.#fail(closedThere()));
  }

  /** The failure that ended the connection. */
  get failure(): WeirError | null {
    return this.#failure;
  }

  /** Sends a simple query. */
  query(sql: string): void {
    const text = Buffer.from(`${sql}\0`);
    const header = Buffer.alloc(5);
    header[0] = 0x51; // Q
    header.writeInt32BE(text.length + 4, 1);
    this.#socket.write(Buffer.concat([header, text]));
  }

  /** Sends a CopyData message. */
  copyData(payload: Buffer): void {
    if (this.#failure !== null) return;
    const header = Buffer.alloc(5);
    header[0] = 0x64; // d
    header.writeInt32BE(payload.length + 4, 1);
    this.#socket.write(Buffer.concat([header, payload]));
  }

  pause(): void {
    this.#isPaused = true;
    this.#socket.pause();
  }

  resume(): void {
    this.#isPaused = false;
    if (this.#gathering === null) this.#socket.resume();
  }

  #gather(bytes: number): void {
    if (bytes >= SMALL_BYTES) {
      this.#smallReads = 0;
      return;
    }
    if (this.#smallReads++ === 0) this.#burstSince = performance.now();
    if (this.#smallReads < SMALL_READS) return;
    this.#smallReads = 0;
    if (performance.now() - this.#burstSince > BURST_MS || this.#gathering !== null) return;
    this.#socket.pause();
    this.#gathering = setTimeout(() => {
      this.#gathering = null;
      if (!this.#isPaused) this.#socket.resume();
    }, GATHER_MS);
  }

  /** Says goodbye and waits until the server has let go: a slot can be used again at once. Who reads gets a failure. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close();
    await this.#closing;
  }

  /** Cuts the connection at once: for a copy in the middle, whose server would first send all the rest. */
  abandon(): void {
    this.#fail(closedHere());
    this.#socket.destroy();
  }

  async #close(): Promise<void> {
    this.#fail(closedHere());
    this.onData = () => {};
    const socket = this.#socket;
    if (socket.destroyed) return;
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    const late = setTimeout(() => socket.destroy(), GOODBYE_MS);
    // What was written last (a confirm) is sent before the goodbye. What still arrives is read, so that the server gets on.
    socket.end(Buffer.from([0x58, 0, 0, 0, 4])); // X
    this.resume();
    await closed;
    clearTimeout(late);
  }

  #fail(error: WeirError): void {
    if (this.#failure !== null) return;
    this.#failure = error;
    this.onFailure(error);
  }
}

function closedThere(): WeirError {
  return new WeirError('WEIR_PG_CONNECTION_LOST', 'the server closed the connection');
}

function closedHere(): WeirError {
  return new WeirError('WEIR_PG_CONNECTION_LOST', 'the connection was closed from this side');
}

/** The fields of an ErrorResponse that may be shown: severity, code and message, never DETAIL (invariant 10). */
export function parseErrorResponse(data: Uint8Array, start: number, end: number): { code: string; message: string } {
  const fields: Record<string, string> = {};
  let at = start;
  while (at < end && data[at] !== 0) {
    const name = String.fromCharCode(data[at]!);
    const stop = data.indexOf(0, at + 1);
    if (stop < 0 || stop >= end) break;
    fields[name] = Buffer.from(data.buffer, data.byteOffset + at + 1, stop - at - 1).toString();
    at = stop + 1;
  }
  return { code: fields['C'] ?? '', message: fields['M'] ?? 'unknown error' };
}
