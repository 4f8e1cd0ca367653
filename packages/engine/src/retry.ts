import type { Clock, WeirError } from '@weir/sdk';

/** How failures that may pass are tried again. All durations in ms. */
export interface RetryPolicy {
  /** The first wait, before jitter; each further one doubles. */
  readonly firstDelayMs: number;
  readonly maxDelayMs: number;
  /** How long to go on without progress before giving up. */
  readonly budgetMs: number;
}

export const defaultRetry: RetryPolicy = { firstDelayMs: 200, maxDelayMs: 30_000, budgetMs: 15 * 60_000 };

/** Counts the attempts since the last progress and says how long to wait before the next one. */
export class RetryBudget {
  readonly #policy: RetryPolicy;
  readonly #clock: Clock;
  #attempts = 0;
  #failingSince: number | null = null;
  #ran = false;

  constructor(policy: RetryPolicy, clock: Clock) {
    this.#policy = policy;
    this.#clock = clock;
  }

  /** 1 while all is well. */
  get attempt(): number {
    return this.#attempts + 1;
  }

  /** How long there has been no progress, in ms. */
  get failingForMs(): number {
    return this.#failingSince === null ? 0 : this.#clock.now() - this.#failingSince;
  }

  /** The pipeline was open once in this process: what was right then can only have been changed by somebody. */
  opened(): void {
    this.#ran = true;
  }

  progressed(): void {
    this.#attempts = 0;
    this.#failingSince = null;
  }

  /**
   * An attempt ran for this long, with nothing lost on the way, before it failed. Longer than the longest wait is as good as
   * progress: a quiet pipeline that loses its connection now and then must not use up its budget over days.
   */
  ranQuietly(ms: number): void {
    if (ms > this.#policy.maxDelayMs) this.progressed();
  }

  /**
   * The wait before the next attempt in ms, of which half is jitter; null when the error is not to be retried or the budget
   * is spent.
   */
  delayAfter(error: WeirError): number | null {
    return this.mayPass(error) ? this.nextDelay() : null;
  }

  /** Whether trying again can help, see `ErrorPolicy`. */
  mayPass({ policy: { policy } }: WeirError): boolean {
    return policy === 'retry' || (policy === 'stop-at-start' && this.#ran);
  }

  /** The wait before the next attempt in ms, whatever the last one ended with; null when the budget is spent. */
  nextDelay(): number | null {
    this.#failingSince ??= this.#clock.now();
    this.#attempts++;
    if (this.failingForMs >= this.#policy.budgetMs) return null;
    const ceiling = Math.min(this.#policy.maxDelayMs, this.#policy.firstDelayMs * 2 ** Math.min(this.#attempts - 1, 20));
    return ceiling * (0.5 + this.#clock.random() / 2);
  }
}
