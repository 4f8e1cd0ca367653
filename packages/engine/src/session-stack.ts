import type { Clock, Logger } from '@weir/sdk';
import { abortable } from './abortable.ts';

/** How long a session may take to let go, in ms; a hanging server must not hold up a restart. */
const DISPOSE_MS = 10_000;

/** The sessions of an attempt: opened one after the other, let go in the opposite order, whatever happens. */
export class SessionStack implements AsyncDisposable {
  readonly #options: { readonly name: string; readonly clock: Clock; readonly log: Logger };
  readonly #open = new AsyncDisposableStack();

  constructor(options: { readonly name: string; readonly clock: Clock; readonly log: Logger }) {
    this.#options = options;
  }

  /** Takes charge of a session that is being opened, also when it opens only after nobody waits for it any more. */
  async add<T extends AsyncDisposable>(opening: Promise<T>, signal: AbortSignal): Promise<T> {
    let session: T;
    try {
      session = await abortable(opening, signal);
    } catch (error) {
      opening.then(async (late) => await this.#close(late)).catch(() => {});
      throw error;
    }
    this.#open.defer(async () => await this.#close(session));
    return session;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#open.disposeAsync();
  }

  async #close(session: AsyncDisposable): Promise<void> {
    const { name, clock, log } = this.#options;
    const closed = new AbortController();
    const late = clock.sleep(DISPOSE_MS, closed.signal).then(
      () => log.warn({ pipeline: name }, 'a connection did not close in time and was left behind'),
      () => {},
    );
    await Promise.race([this.#dispose(session), late]);
    closed.abort();
  }

  async #dispose(session: AsyncDisposable): Promise<void> {
    try {
      await session[Symbol.asyncDispose]();
    } catch (error) {
      this.#options.log.warn({ pipeline: this.#options.name, error: String(error) }, 'a connection did not close cleanly');
    }
  }
}
