import type { Batch } from '@weir/sdk';
import type { ByteBudget } from './byte-budget.ts';

/** A batch on its way to several sinks: its memory goes back when the last of them has let go. */
export class SharedBatch {
  readonly batch: Batch;
  /** What transforms did to it, for the counters (invariant 7). */
  readonly made: number;
  readonly filtered: number;
  readonly #budget: ByteBudget;
  #holders: number;

  constructor(batch: Batch, budget: ByteBudget, holders: number, changes: { made: number; filtered: number }) {
    this.batch = batch;
    this.made = changes.made;
    this.filtered = changes.filtered;
    this.#budget = budget;
    this.#holders = holders;
  }

  letGo(): void {
    if (--this.#holders > 0) return;
    this.#budget.release(this.batch.bytes);
    this.batch.release();
  }
}
