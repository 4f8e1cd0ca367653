import type { Table } from '@weir/sdk';
import { seededRandom, type LoggedChange, type PrunedLog } from '@weir/testkit';
import { customers, orders, row } from './world.fake.ts';

/** Keys are 0 to this. */
const MOST_KEY = 20;

/** Random choices that a seed determines. */
export class Dice {
  readonly #random: () => number;

  constructor(seed: number) {
    this.#random = seededRandom(seed);
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

  times<T>(count: number, make: () => T): T[] {
    return Array.from({ length: count }, make);
  }
}

/** Commits random transactions that a database would take: no key twice, no change of a row that is not there. */
export class RandomChanges {
  readonly #dice: Dice;
  readonly #log: PrunedLog;
  readonly #keys = new Map<Table, Set<number>>([
    [orders, new Set()],
    [customers, new Set()],
  ]);
  #left: number;
  #texts = 0;

  /** @param left transactions that may be committed, in all */
  constructor(dice: Dice, log: PrunedLog, left: number) {
    this.#dice = dice;
    this.#log = log;
    this.#left = left;
  }

  /** Some are empty, some are many batches long. */
  commit(transactions: number): void {
    const dice = this.#dice;
    for (let i = Math.min(transactions, this.#left); i > 0; i--, this.#left--) {
      this.#log.commit(dice.times(dice.chance(0.15) ? dice.between(8, 16) : dice.upTo(5), () => this.#change()));
    }
  }

  commitRest(): void {
    this.commit(this.#left);
  }

  #change(): LoggedChange {
    const dice = this.#dice;
    const table = dice.oneOf([orders, customers]);
    const keys = this.#keys.get(table)!;
    const key = dice.upTo(MOST_KEY);
    const text = `text ${++this.#texts}`;
    if (dice.chance(0.03)) {
      keys.clear();
      return { op: 'truncate', table };
    }
    if (!keys.has(key)) {
      keys.add(key);
      return { op: 'insert', table, after: row(key, text) };
    }
    if (dice.chance(0.3)) {
      keys.delete(key);
      return { op: 'delete', table, before: row(key, '') };
    }
    const to = dice.upTo(MOST_KEY);
    if (keys.has(to)) return { op: 'update', table, after: row(key, text) };
    keys.delete(key);
    keys.add(to);
    return { op: 'update', table, after: row(to, text), before: row(key, '') };
  }
}
