import type { VisibleTransactions } from '../stream/visible-transactions.ts';

/** Ids that are remembered one by one; more than that are covered by waiting for all transactions. */
const MOST_IDS = 100_000;

/**
 * Transactions that the stream has passed, though a snapshot may not see them yet: one that waits for a standby is in the
 * log before it is visible. What a chunk is read in has to see all of them, for the stream does not bring them again.
 */
export class PassedTransactions {
  readonly #ids = new Set<number>();
  /** Transactions below this id have to have ended; null until the server was asked for one that all others are below. */
  gate: bigint | null = null;

  /** The stream begins a transaction that will be delivered. @param id its low 32 bits */
  passed(id: number): void {
    if (this.#ids.size < MOST_IDS) this.#ids.add(id);
    else this.startOver();
  }

  /**
   * What was passed before now is not known.
   * @param gate transactions below this id have to end; by default all that are open
   */
  startOver(gate: bigint | null = null): void {
    this.#ids.clear();
    this.gate = gate;
  }

  /** Whether a snapshot that was taken behind the gate sees all that was passed; those are forgotten then. */
  areVisibleIn(snapshot: VisibleTransactions): boolean {
    if (this.gate === null || snapshot.first < this.gate) return false;
    for (const id of this.#ids) if (!snapshot.sees(id)) return false;
    this.#ids.clear();
    return true;
  }
}
