const WORD = 4294967296;
const POWERS = [1, 10, 100, 1000, 10_000, 100_000, 1_000_000];
/** Digits that one step takes in: a word times 10^6 is still exact in a double. */
const STEP_DIGITS = 6;

/** An integer of up to 128 bits, built digit by digit without allocating. Sign and magnitude until it is written. */
export class WideInteger {
  /** Magnitude in words of 32 bits, lowest first. */
  readonly #words = new Float64Array(4);
  #group = 0;
  #groupDigits = 0;

  start(): void {
    this.#words.fill(0);
    this.#group = 0;
    this.#groupDigits = 0;
  }

  /** Appends a decimal digit, 0 to 9. At most 38 in all. */
  digit(digit: number): void {
    this.#group = this.#group * 10 + digit;
    if (++this.#groupDigits === STEP_DIGITS) this.#takeGroup();
  }

  /**
   * Writes the low `words` words, in two's complement, from `at` on.
   * @returns false when the value needs more bits than that
   */
  write(to: Uint32Array, at: number, words: 2 | 4, negative: boolean): boolean {
    this.#takeGroup();
    for (let i = words; i < 4; i++) if (this.#words[i] !== 0) return false;
    let carry = 1;
    for (let i = 0; i < words; i++) {
      let word = this.#words[i]!;
      if (negative) {
        word = WORD - 1 - word + carry;
        carry = word === WORD ? 1 : 0;
        if (carry === 1) word = 0;
      }
      to[at + i] = word;
    }
    const top = to[at + words - 1]!;
    return negative ? top >= WORD / 2 || this.#isZero() : top < WORD / 2;
  }

  /** Writes the value as an unsigned 64-bit integer; false when it does not fit. */
  writeUnsigned64(to: Uint32Array, at: number): boolean {
    this.#takeGroup();
    to[at] = this.#words[0]!;
    to[at + 1] = this.#words[1]!;
    return this.#words[2] === 0 && this.#words[3] === 0;
  }

  #isZero(): boolean {
    return this.#words.every((word) => word === 0);
  }

  #takeGroup(): void {
    const factor = POWERS[this.#groupDigits]!;
    let carry = this.#group;
    for (let i = 0; i < 4; i++) {
      const product = this.#words[i]! * factor + carry;
      carry = Math.floor(product / WORD);
      this.#words[i] = product - carry * WORD;
    }
    this.#group = 0;
    this.#groupDigits = 0;
  }
}
