import { seededRandom } from '@weir/testkit/memory';

/** Random choices that a seed determines. */
export class Dice {
  readonly #random: () => number;

  constructor(seed: number) {
    this.#random = seededRandom(seed);
  }

  /** 0 ≤ x < 1. */
  real(): number {
    return this.#random();
  }

  /** 0 to `most`. */
  upTo(most: number): number {
    return Math.floor(this.#random() * (most + 1));
  }

  between(least: number, most: number): number {
    return least + this.upTo(most - least);
  }

  chance(probability: number): boolean {
    return this.#random() < probability;
  }

  oneOf<T>(items: readonly T[]): T {
    return items[this.upTo(items.length - 1)]!;
  }
}
