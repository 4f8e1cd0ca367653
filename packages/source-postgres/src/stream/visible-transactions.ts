const EPOCH = 1n << 32n;

/** Which transactions a snapshot of the server sees; from the text of a `pg_snapshot`: `xmin:xmax:xip,xip`. */
export class VisibleTransactions {
  readonly #first: bigint;
  readonly #next: bigint;
  readonly #open: ReadonlySet<bigint>;

  constructor(snapshot: string) {
    const [first, next, open = ''] = snapshot.split(':');
    this.#first = BigInt(first!);
    this.#next = BigInt(next!);
    this.#open = new Set(open === '' ? [] : open.split(',').map(BigInt));
  }

  /** Every transaction with a lower id has ended. */
  get first(): bigint {
    return this.#first;
  }

  /** No transaction with this id, or a higher one, had ended; it may have begun. */
  get next(): bigint {
    return this.#next;
  }

  /** @param id the low 32 bits of a transaction's id, as the stream has them; it ended not long ago, or is about to */
  sees(id: number): boolean {
    // The nearest id with these low bits.
    let full = (this.#next & ~(EPOCH - 1n)) | BigInt(id);
    if (full - this.#next > EPOCH / 2n) full -= EPOCH;
    else if (this.#next - full > EPOCH / 2n) full += EPOCH;
    return full < this.#first || (full < this.#next && !this.#open.has(full));
  }
}
