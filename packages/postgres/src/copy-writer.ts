import type pg from 'pg';
import { socketOf } from './connection/client-socket.ts';

/** Room in front of a frame's payload, in bytes, that the writer fills in. */
export const COPY_HEADER = 5;

const COPY_DATA = 0x64;
/** CopyDone: no more data. */
const COPY_DONE = Buffer.from([0x63, 0, 0, 0, 4]);
/** CopyFail with an empty message: the server undoes the statement. */
const COPY_FAIL = Buffer.from([0x66, 0, 0, 0, 5, 0]);

/**
 * One COPY … FROM STDIN, queued on a connection of `pg` between its other statements. Frames are sent without waiting for
 * the server to ask for them: one that refuses the statement drops what still arrives, so a small COPY costs one round trip.
 *
 * Format: https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-COPY
 */
export class CopyWriter {
  readonly #client: pg.Client;
  readonly #submitted: PromiseWithResolvers<void> = Promise.withResolvers<void>();
  readonly #answered: PromiseWithResolvers<number> = Promise.withResolvers<number>();
  #failure: Error | null = null;

  private constructor(client: pg.Client) {
    this.#client = client;
    // Who does not come to `end` since `write` failed must not leave a rejection that nobody handles.
    this.#answered.promise.catch(() => {});
  }

  static start(client: pg.Client, sql: string): CopyWriter {
    const writer = new CopyWriter(client);
    client.query(writer.#query(sql));
    return writer;
  }

  /**
   * Sends a frame: {@link COPY_HEADER} bytes that are filled in here, then rows in COPY's text format, cut anywhere. The
   * frame belongs to the writer until this resolves, when the connection has taken it; that bounds what waits (invariant 8).
   * @throws what the server answered, DETAIL and all: see `serverError`
   */
  async write(frame: Buffer): Promise<void> {
    await this.#submitted.promise;
    this.#throwIfFailed();
    frame[0] = COPY_DATA;
    frame.writeInt32BE(frame.length - 1, 1);
    await this.#send(frame);
    this.#throwIfFailed();
  }

  /** Ends the data. @returns how many rows the server took @throws what the server answered */
  async end(): Promise<number> {
    await this.#submitted.promise;
    if (this.#failure === null) await this.#send(COPY_DONE);
    return await this.#answered.promise;
  }

  /** Gives the statement up. Resolves when the connection can be used again. */
  async fail(): Promise<void> {
    await this.#submitted.promise;
    if (this.#failure === null) await this.#send(COPY_FAIL).catch(() => {});
    await this.#answered.promise.catch(() => {});
  }

  /** What `pg` calls while the statement is its turn. */
  #query(sql: string): pg.Submittable & Record<string, unknown> {
    let rows = 0;
    return {
      submit: (connection: pg.Connection) => {
        connection.query(sql);
        this.#submitted.resolve();
      },
      handleCopyInResponse: () => {},
      handleCommandComplete: (message: { text: string }) => {
        rows = Number(/\d+$/.exec(message.text)?.[0] ?? 0);
      },
      handleReadyForQuery: () => this.#answered.resolve(rows),
      handleError: (error: Error) => {
        this.#failure ??= error;
        this.#submitted.resolve();
        this.#answered.reject(error);
      },
    };
  }

  async #send(bytes: Buffer): Promise<void> {
    const socket = socketOf(this.#client);
    await new Promise<void>((resolve, reject) => {
      socket.write(bytes, (error) => (error ? reject(this.#failure ?? error) : resolve()));
    });
  }

  #throwIfFailed(): void {
    if (this.#failure !== null) throw this.#failure;
  }
}
