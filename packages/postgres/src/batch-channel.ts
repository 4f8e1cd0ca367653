/** A queue of sized items between producers that wait while it is full and one consumer (invariant 8). */
export class BatchChannel<T extends { readonly bytes: number }> {
  readonly #limit: number;
  readonly #items: T[] = [];
  #bytes = 0;
  #ended = false;
  #failure: Error | null = null;
  #consumer: (() => void) | null = null;
  #producers: (() => void)[] = [];

  /** @param limit bytes held before producers wait; one item more per producer may be held */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Resolves when there is room for the next item. After `end` or `fail` the item is dropped. */
  async push(item: T): Promise<void> {
    if (this.#ended) return;
    this.#items.push(item);
    this.#bytes += item.bytes;
    this.#wakeConsumer();
    while (this.#bytes > this.#limit && !this.#ended) {
      await new Promise<void>((resolve) => this.#producers.push(resolve));
    }
  }

  /** No more items: the consumer gets what is left. */
  end(): void {
    this.#ended = true;
    this.#wakeConsumer();
    this.#wakeProducers();
  }

  /** The consumer gets `error` at once. */
  fail(error: unknown): void {
    if (this.#ended) return;
    this.#failure = error instanceof Error ? error : new Error(String(error));
    this.end();
  }

  /** The next item; null after `end`. @throws what `fail` was given */
  async next(): Promise<T | null> {
    while (this.#items.length === 0 && !this.#ended) {
      await new Promise<void>((resolve) => {
        this.#consumer = resolve;
      });
    }
    if (this.#failure !== null) throw this.#failure;
    const item = this.#items.shift();
    if (item === undefined) return null;
    this.#bytes -= item.bytes;
    this.#wakeProducers();
    return item;
  }

  #wakeConsumer(): void {
    this.#consumer?.();
    this.#consumer = null;
  }

  #wakeProducers(): void {
    for (const resolve of this.#producers.splice(0)) resolve();
  }
}
