import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { Op } from '@weir/sdk';
import { itemEvents, itemId } from './items.ts';
import { seededRandom } from './seeded-random.ts';
import type { SeenRow } from './seen-batch.ts';
import type { Change, SourceEnvironment } from './source-driver.ts';

const WRITERS = 3;
/** Keys per writer; few, so that each is changed often. */
const KEYS = 12;
const ROLLBACKS = 0.2;

/**
 * Three writers that change `items` at the same time, each its own keys, in transactions of which some are rolled back, and
 * that know what must arrive: each writer's committed events, in order.
 */
export class ItemWriters implements AsyncDisposable {
  readonly #environment: SourceEnvironment;
  readonly #writers: Writer[];
  readonly #running: Promise<void>[] = [];
  #stopping = false;

  constructor(environment: SourceEnvironment, seed: number) {
    this.#environment = environment;
    this.#writers = Array.from({ length: WRITERS }, (_, index) => new Writer(index, seededRandom(seed + index)));
  }

  /** Transactions that were committed so far. */
  get committed(): number {
    return this.#writers.reduce((sum, writer) => sum + writer.transactions.length, 0);
  }

  start(): void {
    for (const writer of this.#writers) this.#running.push(this.#run(writer));
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await Promise.all(this.#running);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  /** Waits until `count` more transactions are committed. */
  async more(count: number): Promise<void> {
    const wanted = this.committed + count;
    while (this.committed < wanted && !this.#stopping) await Promise.race([sleep(5), ...this.#running]);
  }

  /**
   * Every committed event arrived once and in order: first the copy, which ends between two transactions of each writer,
   * then exactly the events of the transactions that it does not hold.
   */
  expectArrived(copied: readonly SeenRow[], streamed: readonly SeenRow[]): void {
    for (const writer of this.#writers) {
      const own = (row: SeenRow): boolean => row.op !== Op.truncate && writer.owns(itemId(row));
      writer.expectArrived(itemEvents(copied.filter(own)), itemEvents(streamed.filter(own)));
    }
  }

  async #run(writer: Writer): Promise<void> {
    while (!this.#stopping) {
      const { changes, commit } = writer.nextTransaction();
      await this.#environment.apply(changes, commit ? 'commit' : 'rollback');
      if (commit) writer.committed(changes);
    }
  }
}

class Writer {
  readonly #index: number;
  readonly #random: () => number;
  #labels = 0;
  /** The labels of the items that exist, after the last commit. */
  #items = new Map<number, string>();
  /** The events of each committed transaction. */
  readonly transactions: string[][] = [];

  constructor(index: number, random: () => number) {
    this.#index = index;
    this.#random = random;
  }

  owns(id: number): boolean {
    return id < WRITERS * KEYS && id % WRITERS === this.#index;
  }

  nextTransaction(): { changes: Change[]; commit: boolean } {
    const items = new Map(this.#items);
    const changes = Array.from({ length: 1 + Math.floor(this.#random() * 4) }, () => {
      const change = this.#change(items);
      play(items, change);
      return change;
    });
    return { changes, commit: this.#random() >= ROLLBACKS };
  }

  committed(changes: readonly Change[]): void {
    this.transactions.push(changes.map((change) => play(this.#items, change)));
  }

  expectArrived(copied: readonly string[], streamed: readonly string[]): void {
    const lengths = this.transactions.map((events) => events.length);
    let inCopy = this.transactions.length;
    for (let left = streamed.length; left > 0 && inCopy > 0;) left -= lengths[--inCopy]!;
    expect(streamed, `writer ${this.#index}: the stream`).toEqual(this.transactions.slice(inCopy).flat());
    const items = replay(this.transactions.slice(0, inCopy).flat());
    const expected = Array.from(items, ([id, label]) => `insert ${id} ${label}`);
    expect(copied.toSorted(), `writer ${this.#index}: the copy`).toEqual(expected.toSorted());
  }

  #change(items: ReadonlyMap<number, string>): Change {
    const id = this.#key();
    if (!items.has(id)) return { op: 'insert', id, label: this.#label() };
    const to = this.#key();
    const kind = this.#random();
    if (kind < 0.2) return { op: 'delete', id };
    if (kind < 0.4 && !items.has(to)) return { op: 'changeKey', id, to };
    return { op: 'update', id, label: this.#label() };
  }

  #key(): number {
    return Math.floor(this.#random() * KEYS) * WRITERS + this.#index;
  }

  #label(): string {
    return `w${this.#index}.${++this.#labels}`;
  }
}

/** Carries a change out and returns it as an event. */
function play(items: Map<number, string>, change: Change): string {
  if (change.op === 'truncate') {
    items.clear();
    return 'truncate';
  }
  const { id } = change;
  const label = 'label' in change ? String(change.label) : items.get(id)!;
  if (change.op !== 'insert' && change.op !== 'update') items.delete(id);
  if (change.op === 'delete') return `delete ${id}`;
  items.set(change.op === 'changeKey' ? change.to : id, label);
  return change.op === 'changeKey' ? `change ${id} to ${change.to} ${label}` : `${change.op} ${id} ${label}`;
}

function replay(events: readonly string[]): Map<number, string> {
  const items = new Map<number, string>();
  for (const event of events) {
    const [op, id, ...rest] = event.split(' ');
    if (op === 'insert' || op === 'update') items.set(Number(id), rest[0]!);
    else items.delete(Number(id));
    if (op === 'change') items.set(Number(rest[1]), rest[2]!);
  }
  return items;
}
