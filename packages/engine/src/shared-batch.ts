import type { Batch } from '@weir/sdk';
import type { ByteBudget } from './byte-budget.ts';

/**
 * What a batch takes beside the bytes that it tells: its own objects and those of its arrays (measured: 3.7 kB). A batch of
 * one row is mostly that, and a queue of such batches would grow to many times its bound without it (invariant 8).
 */
const OBJECT_BYTES = 4096;

/** What a batch counts for in budgets and queues, in bytes. */
export function heldBytes(batch: Batch): number {
  return batch.bytes + OBJECT_BYTES;
}

/** A batch as the source gave it, and what transforms did to its rows (invariant 7). */
export interface BatchOrigin {
  readonly source: Batch;
  readonly made: number;
  readonly filtered: number;
}

/** A batch on its way to several sinks: its memory goes back when the last of them has let go. */
export class SharedBatch {
  readonly batch: Batch;
  readonly origin: BatchOrigin;
  /** Taken from the budget, in bytes. */
  readonly bytes: number;
  readonly #budget: ByteBudget;
  #holders: number;

  /** @param budget has given the `heldBytes` of `origin.source` */
  constructor(batch: Batch, origin: BatchOrigin, budget: ByteBudget, holders: number) {
    this.batch = batch;
    this.origin = origin;
    this.bytes = heldBytes(origin.source);
    this.#budget = budget;
    this.#holders = holders;
  }

  letGo(): void {
    if (--this.#holders > 0) return;
    this.#budget.release(this.bytes);
    this.batch.release();
  }
}
