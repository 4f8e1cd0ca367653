import { WeirError, type CopyAgain } from '@weir/sdk';

/** A copy that somebody asked for, once it has a place in the stream. */
export interface OrderedCopy {
  /** Resolves when every sink holds what was copied. @throws WeirError WEIR_NOT_RUNNING when the pipeline ends before */
  readonly done: Promise<void>;
}

/** Tables that are to be copied once more; stays until every sink holds them, over as many attempts as that takes. */
export class CopyOrder {
  readonly tables: readonly string[];
  readonly how: CopyAgain;
  readonly #begun = Promise.withResolvers<void>();
  readonly #done = Promise.withResolvers<void>();

  constructor(tables: readonly string[], how: CopyAgain) {
    this.tables = tables;
    this.how = how;
    // Whoever asked may have gone.
    this.#begun.promise.catch(() => {});
    this.#done.promise.catch(() => {});
  }

  get begun(): Promise<void> {
    return this.#begun.promise;
  }

  get done(): Promise<void> {
    return this.#done.promise;
  }

  begins(): void {
    this.#begun.resolve();
  }

  ends(): void {
    this.#done.resolve();
  }

  fails(error: unknown): void {
    this.#begun.reject(error);
    this.#done.reject(error);
  }
}

/** The copies of a pipeline that are asked for and not done. */
export class CopyOrders {
  readonly #open = new Set<CopyOrder>();

  get open(): CopyOrder[] {
    return [...this.#open];
  }

  add(tables: readonly string[], how: CopyAgain): CopyOrder {
    const order = new CopyOrder(tables, how);
    this.#open.add(order);
    return order;
  }

  done(order: CopyOrder): void {
    this.#open.delete(order);
    order.ends();
  }

  refused(order: CopyOrder, error: unknown): void {
    this.#open.delete(order);
    order.fails(error);
  }

  /** The pipeline ends: what a sink has begun goes on at the next start. */
  close(): void {
    const error = new WeirError('WEIR_NOT_RUNNING', 'the pipeline ended before the copy was done', {
      fix: 'Start it again with `weir run FILE`: a copy that the sinks have begun goes on there; ask again for any other.',
    });
    for (const order of this.#open) this.refused(order, error);
  }
}
