import type { Socket } from 'node:net';
import { connect, query, serverError, type ConnectionConfig, type MysqlClient } from '@weir/mysql';
import { WeirError } from '@weir/sdk';
import { dumpCommand, dumpSettings, registration, type DumpRequest } from './dump-request.ts';

/** Of heartbeats: after so many that did not come nobody is there any more. */
const MISSED_HEARTBEATS = 4;

/** Answers in front of the events: that of the registration. */
export const ANSWERS = 1;

/**
 * A connection after login, taken over from mysql2, so that a log goes from the socket into a batch's slab without an object
 * per packet. From then on only this class speaks on it. Its bytes are plain packets: those of TLS are decrypted by the socket,
 * and compression of the protocol is not asked for.
 */
export class BinlogConnection implements AsyncDisposable {
  readonly #socket: Socket;
  #failure: WeirError | null = null;
  #isPaused = false;
  #silenceMs = 0;
  /** Gets what arrives; a chunk is valid until it returns. */
  onData: (chunk: Buffer) => void = () => {};
  onFailure: (error: WeirError) => void = () => {};

  /** @param socket logged in, and idle */
  constructor(socket: Socket) {
    this.#socket = socket;
    for (const event of ['data', 'error', 'close', 'end', 'timeout'] as const) socket.removeAllListeners(event);
    socket.on('data', (chunk: Buffer) => this.onData(chunk));
    socket.on('error', (error) => this.#fail(serverError(error, 'the stream of the log broke')));
    for (const event of ['end', 'close'] as const) socket.on(event, () => this.#fail(lost('the server closed the stream of its log')));
    socket.on('timeout', () => this.#silent());
    if (socket.destroyed) this.#failure = lost('the server closed the connection');
  }

  /**
   * Logs in, and takes the connection over.
   * @throws WeirError what connecting met, or the server's answer to the session's settings; the signal's reason
   */
  static async open(config: ConnectionConfig, request: DumpRequest, signal: AbortSignal): Promise<BinlogConnection> {
    const command = dumpCommand(request);
    let client: MysqlClient | null = await connect(config, signal);
    const cut = (): void => void client?.socket.destroy(new Error('aborted'));
    signal.addEventListener('abort', cut);
    try {
      signal.throwIfAborted();
      await query(client, dumpSettings(request));
      const connection = new BinlogConnection(client.socket);
      client = null;
      connection.start(command, request);
      return connection;
    } catch (error) {
      await client?.close(false);
      signal.throwIfAborted();
      throw error;
    } finally {
      signal.removeEventListener('abort', cut);
    }
  }

  /**
   * Registers the pipeline and asks for the log. Until somebody listens the socket keeps what comes.
   * @param command of {@link dumpCommand}
   */
  start(command: Buffer, { identity, heartbeatMs }: DumpRequest): void {
    this.pause();
    this.#silenceMs = heartbeatMs * MISSED_HEARTBEATS;
    this.#socket.write(registration(identity));
    this.#socket.write(command);
  }

  /** The failure that ended the connection. */
  get failure(): WeirError | null {
    return this.#failure;
  }

  /** Reads no more, so that the server waits (invariant 8). */
  pause(): void {
    if (this.#isPaused) return;
    this.#isPaused = true;
    this.#socket.pause();
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    // What was read meanwhile does not count as silence.
    this.#socket.setTimeout(this.#silenceMs);
    this.#socket.resume();
  }

  /**
   * Cuts the connection. The server does not listen while it sends its log, so a goodbye would wait for its next event; it
   * notices at the next heartbeat, or when this replica comes again.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#fail(lost('the connection was closed from this side'));
    this.onData = () => {};
    const socket = this.#socket;
    if (socket.destroyed) return;
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    socket.destroy();
    await closed;
  }

  #silent(): void {
    if (this.#isPaused) return;
    this.#fail(lost(`the server has sent nothing for ${this.#silenceMs / 1000} s, not even a heartbeat`));
    this.#socket.destroy();
  }

  #fail(error: WeirError): void {
    if (this.#failure !== null) return;
    this.#failure = error;
    this.onFailure(error);
  }
}

function lost(message: string): WeirError {
  return new WeirError('WEIR_MYSQL_CONNECTION_LOST', message);
}
