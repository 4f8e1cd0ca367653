/** A bound on bytes in memory (invariant 8). One owner acquires in order; anyone releases. */
export class ByteBudget {
  readonly limit: number;
  #used = 0;
  #waiting: { bytes: number; resolve: () => void; reject: (reason: unknown) => void } | null = null;

  constructor(limit: number) {
    this.limit = limit;
  }

  get used(): number {
    return this.#used;
  }

  /**
   * Takes `bytes`, waiting until they fit. What is larger than the whole budget is let through alone, so the bound is
   * `limit`, or one batch if that is more. Rejects with the signal's reason.
   */
  async acquire(bytes: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (!this.#fits(bytes)) {
      const onAbort = (): void => this.#waiting?.reject(signal.reason);
      signal.addEventListener('abort', onAbort, { once: true });
      try {
        await new Promise<void>((resolve, reject) => {
          this.#waiting = { bytes, resolve, reject };
        });
      } finally {
        this.#waiting = null;
        signal.removeEventListener('abort', onAbort);
      }
    }
    this.#used += bytes;
  }

  release(bytes: number): void {
    this.#used -= bytes;
    if (this.#waiting !== null && this.#fits(this.#waiting.bytes)) this.#waiting.resolve();
  }

  #fits(bytes: number): boolean {
    return this.#used === 0 || this.#used + bytes <= this.limit;
  }
}
