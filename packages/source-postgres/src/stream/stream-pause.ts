import { WeirError, type Batch } from '@weir/sdk';

/** Hands over a batch that is put into the stream. @returns false when nobody takes it any more */
export type Give = (batch: Batch) => Promise<boolean>;

/** Work that is done while nothing is decoded. */
export type PauseWork = (give: Give) => Promise<void>;

/** Work that waits for a boundary of the stream; one at a time. */
export class StreamPause {
  #wanted: { readonly work: PauseWork; readonly settle: (isDone: boolean) => void } | null = null;

  get isWanted(): boolean {
    return this.#wanted !== null;
  }

  /** Resolves with true when the work is done; with false when it failed, or when there will be no boundary for it. */
  async want(work: PauseWork): Promise<boolean> {
    if (this.#wanted !== null) throw new WeirError('WEIR_INTERNAL', 'the stream was to be paused twice');
    return await new Promise<boolean>((settle) => {
      this.#wanted = { work, settle };
    });
  }

  /** Does what waits. @throws what the work throws */
  async work(give: Give): Promise<void> {
    const wanted = this.#wanted;
    this.#wanted = null;
    if (wanted === null) return;
    try {
      await wanted.work(give);
      wanted.settle(true);
    } catch (error) {
      wanted.settle(false);
      throw error;
    }
  }

  cancel(): void {
    this.#wanted?.settle(false);
    this.#wanted = null;
  }
}
