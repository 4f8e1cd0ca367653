/** Ids of subtransactions, four bytes each: a loop that catches errors makes millions in one transaction. */
export class SubtransactionSet {
  #ids = new Uint32Array(0);
  #size = 0;
  #sorted = true;
  /** The answer to the last question: rows of a subtransaction stand together. */
  #asked = -1;
  #answer = false;

  get size(): number {
    return this.#size;
  }

  add(id: number): void {
    if (this.#size === this.#ids.length) {
      const larger = new Uint32Array(Math.max(16, this.#size * 2));
      larger.set(this.#ids);
      this.#ids = larger;
    }
    this.#sorted &&= this.#size === 0 || this.#ids[this.#size - 1]! < id;
    this.#ids[this.#size++] = id;
    this.#asked = -1;
  }

  has(id: number): boolean {
    if (this.#size === 0) return false;
    if (id !== this.#asked) {
      this.#asked = id;
      this.#answer = this.#find(id);
    }
    return this.#answer;
  }

  #find(id: number): boolean {
    if (!this.#sorted) {
      this.#ids.subarray(0, this.#size).sort();
      this.#sorted = true;
    }
    let [low, high] = [0, this.#size];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#ids[middle]! < id) low = middle + 1;
      else high = middle;
    }
    return low < this.#size && this.#ids[low] === id;
  }
}
