import { closeClient } from '@weir/postgres';
import type pg from 'pg';

/** A connection that several parts of a session put questions to: one after the other, so that transactions stay whole. */
export class SharedConnection {
  readonly #client: pg.Client;
  #last: Promise<unknown> = Promise.resolve();

  constructor(client: pg.Client) {
    this.#client = client;
  }

  /** Runs `work` when what was asked before is done; failures are its caller's alone. */
  async use<T>(work: (client: pg.Client) => Promise<T>): Promise<T> {
    const turn = this.#last.then(async () => await work(this.#client));
    this.#last = turn.catch(() => {});
    return await turn;
  }

  /** Closes the connection; what waits fails. */
  async end(): Promise<void> {
    await closeClient(this.#client);
  }
}
