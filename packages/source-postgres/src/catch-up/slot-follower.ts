import { toWeirError, type Clock } from '@weir/sdk';
import type { CopiedSlot } from './slot-copy.ts';

/** A slot is moved on when so much of the log has become durable, or so much time has gone by: the server reads it for that. */
const ADVANCE_BYTES = 256n << 20n;
const ADVANCE_MS = 5_000;
/** A slot that stays is used so often: with `idle_replication_slot_timeout` (a minute at least) the server gives up an idle one. */
const TOUCH_MS = 30_000;

export interface SlotFollowerOptions {
  readonly slot: Pick<CopiedSlot, 'advance' | 'place'>;
  readonly clock: Clock;
  /** Up to where everything is durable. */
  readonly from: bigint;
  readonly failed: (error: Error) => void;
}

/** Moves a slot that nobody streams from behind what is durable, never further (invariant 1). */
export class SlotFollower implements AsyncDisposable {
  readonly #options: SlotFollowerOptions;
  readonly #closed = new AbortController();
  #confirmed: bigint;
  #advanced: bigint;
  #advancedAt: number;
  #following: Promise<void> | null = null;
  /** Ends the wait for more. */
  #due = new AbortController();

  constructor(options: SlotFollowerOptions) {
    this.#options = options;
    this.#confirmed = options.from;
    this.#advanced = options.slot.place;
    this.#advancedAt = options.clock.now();
    // What became durable while nothing was read.
    if (this.#advanced < this.#confirmed) this.#following = this.#follow();
  }

  get confirmed(): bigint {
    return this.#confirmed;
  }

  /** Everything below is durable. Called again and again, also with what was said before. */
  confirm(lsn: bigint): void {
    const isNew = lsn > this.#confirmed;
    if (isNew) this.#confirmed = lsn;
    else if (this.#options.clock.now() - this.#advancedAt < TOUCH_MS) return;
    if (lsn - this.#advanced >= ADVANCE_BYTES) this.#due.abort();
    this.#following ??= this.#follow();
  }

  async #follow(): Promise<void> {
    const { clock, failed } = this.#options;
    try {
      do {
        const signal = AbortSignal.any([this.#due.signal, this.#closed.signal]);
        await clock.sleep(Math.max(0, this.#advancedAt + ADVANCE_MS - clock.now()), signal).catch(() => {});
        this.#due = new AbortController();
        if (!this.#closed.signal.aborted) await this.#advance();
      } while (this.#advanced < this.#confirmed && !this.#closed.signal.aborted);
    } catch (error) {
      if (!this.#closed.signal.aborted) failed(error as Error);
    } finally {
      this.#following = null;
    }
  }

  async #advance(): Promise<void> {
    const { clock, slot } = this.#options;
    const to = this.#confirmed;
    this.#advancedAt = clock.now();
    try {
      await slot.advance(to);
      this.#advanced = to;
    } catch (error) {
      // Somebody else has it for a moment, or reads it and is about to replace us.
      if (toWeirError(error).code !== 'WEIR_PG_SLOT_IN_USE') throw error;
    }
  }

  /** Moves it a last time, if the server can still be asked. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed.abort();
    await this.#following;
    if (this.#advanced < this.#confirmed) await this.#advance().catch(() => {});
  }
}
