import { WeirError } from '@weir/sdk';
import { BUCKETS, bucketOf } from './verify-digest.ts';

/**
 * Counts the rows whose key another row has already, for a range of buckets that it narrows as it fills, so that it stays
 * within its memory. What lies beyond the range is for another pass over the rows.
 */
export class DuplicateCounter {
  readonly #words: Uint32Array;
  readonly #keys: BigUint64Array;
  #length = 0;
  #begin = 0;
  #end = BUCKETS;
  readonly #duplicates: Float64Array = new Float64Array(BUCKETS);

  /** @param memoryBytes 8 for each key that fits; at least 64 */
  constructor(memoryBytes: number) {
    // Zeroed memory of this size comes from the system page by page as it is touched: a small table costs little.
    this.#keys = new BigUint64Array(Math.max(8, Math.floor(memoryBytes / 8)));
    this.#words = new Uint32Array(this.#keys.buffer);
  }

  /** Starts a pass over the rows for the buckets from `begin` on. */
  start(begin: number): void {
    this.#begin = begin;
    this.#end = BUCKETS;
    this.#length = 0;
    this.#duplicates.fill(0);
  }

  /** Takes the first two words of a key's hash. */
  add(high: number, low: number): void {
    const bucket = bucketOf(high);
    if (bucket < this.#begin || bucket >= this.#end) return;
    if (this.#length === this.#keys.length) this.#makeRoom();
    const at = this.#length++ * 2;
    this.#words[at] = high;
    this.#words[at + 1] = low;
  }

  /** Ends the pass. `end` is the first bucket that it did not count; `BUCKETS` when it counted all. */
  finish(): { duplicates: number; end: number } {
    this.#dropDuplicates();
    let duplicates = 0;
    for (let bucket = this.#begin; bucket < this.#end; bucket++) duplicates += this.#duplicates[bucket]!;
    return { duplicates, end: this.#end };
  }

  #makeRoom(): void {
    this.#dropDuplicates();
    while (this.#length * 4 > this.#keys.length * 3) {
      if (this.#end - this.#begin === 1) throw new WeirError('WEIR_INTERNAL', 'one bucket of keys does not fit in memory');
      this.#end -= (this.#end - this.#begin) >> 1;
      this.#dropBeyond();
    }
  }

  /** Sorts the keys and keeps one of each. */
  #dropDuplicates(): void {
    const words = this.#words;
    this.#keys.subarray(0, this.#length).sort();
    let kept = 0;
    for (let i = 0; i < this.#length; i++) {
      const high = words[i * 2]!;
      const low = words[i * 2 + 1]!;
      if (kept > 0 && words[kept * 2 - 2] === high && words[kept * 2 - 1] === low) {
        this.#duplicates[bucketOf(high)]!++;
      } else {
        this.#keep(kept++, high, low);
      }
    }
    this.#length = kept;
  }

  #dropBeyond(): void {
    let kept = 0;
    for (let i = 0; i < this.#length; i++) {
      const high = this.#words[i * 2]!;
      if (bucketOf(high) < this.#end) this.#keep(kept++, high, this.#words[i * 2 + 1]!);
    }
    this.#length = kept;
  }

  #keep(index: number, high: number, low: number): void {
    this.#words[index * 2] = high;
    this.#words[index * 2 + 1] = low;
  }
}
