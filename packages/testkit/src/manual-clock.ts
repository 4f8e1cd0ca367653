import { WeirError, type Clock } from '@weir/sdk';
import { seededRandom } from './seeded-random.ts';

/** Wake-ups after which a run counts as endless. */
const MOST_WAKES = 200_000;

interface Sleeper {
  readonly at: number;
  readonly wake: () => void;
}

/**
 * A clock that moves when it is told to. Sleepers wake one by one, in the order of their times, and what one of them sets
 * off runs before the next wakes; so a run is the same each time. For code that waits for nothing but this clock and for
 * promises of the same process.
 */
export class ManualClock implements Clock {
  readonly #sleepers: Sleeper[] = [];
  readonly #random: () => number;
  #now: number;

  /** @param options `now` in ms since 1970 */
  constructor(options: { readonly now?: number; readonly seed?: number } = {}) {
    this.#now = options.now ?? Date.UTC(2026, 0, 1);
    this.#random = seededRandom(options.seed ?? 1);
  }

  now(): number {
    return this.#now;
  }

  random(): number {
    return this.#random();
  }

  /** How many sleep now. */
  get sleepers(): number {
    return this.#sleepers.length;
  }

  /** How long until the next one wakes, in ms; null when nobody sleeps. */
  get nextWakeMs(): number | null {
    const next = this.#sleepers[0];
    return next === undefined ? null : next.at - this.#now;
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    await new Promise<void>((resolve, reject) => {
      const onAbort = (): void => {
        this.#sleepers.splice(this.#sleepers.indexOf(sleeper), 1);
        reject(signal!.reason as Error);
      };
      const wake = (): void => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      };
      const sleeper = { at: this.#now + Math.max(0, ms), wake };
      const later = this.#sleepers.findIndex(({ at }) => at > sleeper.at);
      this.#sleepers.splice(later === -1 ? this.#sleepers.length : later, 0, sleeper);
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }

  /** Lets everything run that can run without time going by. */
  async settle(): Promise<void> {
    await new Promise<void>((resolve) => {
      setImmediate(resolve);
    });
  }

  /** Moves on by `ms`, waking who is due on the way. */
  async advance(ms: number): Promise<void> {
    const until = this.#now + ms;
    await this.settle();
    while (this.#sleepers.length > 0 && this.#sleepers[0]!.at <= until) await this.#wakeNext();
    this.#now = until;
  }

  /**
   * Moves on until the promise has settled, however it did: true. False when it cannot settle any more, since nobody
   * sleeps.
   * @param mostWakes wake-ups after which it counts as endless
   * @throws WeirError WEIR_SDK_USE when it is endless
   */
  async settles(promise: Promise<unknown>, mostWakes: number = MOST_WAKES): Promise<boolean> {
    let settled = false;
    const note = (): void => {
      settled = true;
    };
    promise.then(note, note);
    await this.settle();
    for (let wakes = 0; !settled; wakes++) {
      if (this.#sleepers.length === 0) return false;
      if (wakes === mostWakes) throw new WeirError('WEIR_SDK_USE', `still not settled after ${mostWakes} wake-ups`);
      await this.#wakeNext();
    }
    return true;
  }

  /** Moves on until the promise has settled, and hands on its outcome. @throws WeirError WEIR_SDK_USE when it hangs */
  async outcome<T>(promise: Promise<T>): Promise<T> {
    if (await this.settles(promise)) return await promise;
    throw new WeirError('WEIR_SDK_USE', 'the promise hangs: nobody sleeps who could settle it');
  }

  async #wakeNext(): Promise<void> {
    const next = this.#sleepers.shift()!;
    this.#now = next.at;
    next.wake();
    await this.settle();
  }
}
