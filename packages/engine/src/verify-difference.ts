import type { Batch, Table } from '@weir/sdk';
import { bucketOf } from './verify-digest.ts';
import { keyText } from './verify-key.ts';
import { RowHasher } from './verify-row.ts';

/** What is wrong with a key: the sink lacks it, has it alone, has other values, or a side has it more than once. */
export interface DifferingKey {
  /** For people, as `(id=17)`. */
  readonly key: string;
  readonly problem: 'missing' | 'extra' | 'different' | 'duplicate';
}

/** One key of the buckets that are looked at; the sum is of the source's row hashes minus the sink's. */
interface KeyEntry {
  readonly text: string;
  sourceRows: number;
  sinkRows: number;
  high: number;
  low: number;
}

/** Gathers the keys of some buckets from both sides, the source first, and tells which differ. */
export class KeyComparison {
  readonly #table: Table;
  readonly #hasher: RowHasher;
  readonly #buckets: ReadonlySet<number>;
  readonly #limit: number;
  readonly #entries = new Map<string, KeyEntry>();

  /** @param limit most keys to hold; those beyond it are not looked at */
  constructor(table: Table, buckets: Iterable<number>, limit: number) {
    this.#table = table;
    this.#hasher = new RowHasher(table);
    this.#buckets = new Set(buckets);
    this.#limit = limit;
  }

  addSource(batch: Batch): void {
    this.#add(batch, 1);
  }

  addSink(batch: Batch): void {
    this.#add(batch, -1);
  }

  /** The keys that differ, in the order of their hashes, which is the same whatever the order of the rows. */
  differing(): DifferingKey[] {
    return [...this.#entries]
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .flatMap(([, entry]) => {
        const problem = this.#problem(entry);
        return problem === null ? [] : [{ key: entry.text, problem }];
      });
  }

  #add(batch: Batch, sign: 1 | -1): void {
    const hasher = this.#hasher;
    hasher.use(batch);
    for (let row = 0; row < batch.rows; row++) {
      hasher.hashRow(row);
      if (!this.#buckets.has(bucketOf(hasher.key[0]!))) continue;
      const entry = this.#entry(batch, row);
      if (entry === null) continue;
      if (sign > 0) entry.sourceRows++;
      else entry.sinkRows++;
      entry.high = (entry.high + sign * hasher.row[0]!) | 0;
      entry.low = (entry.low + sign * hasher.row[1]!) | 0;
    }
  }

  /** A key that comes when the limit is reached is left out on both sides, so no key is judged by half of its rows. */
  #entry(batch: Batch, row: number): KeyEntry | null {
    const [high, low] = this.#hasher.key;
    const name = `${hex(high!)}${hex(low!)}`;
    const known = this.#entries.get(name);
    if (known !== undefined) return known;
    if (this.#entries.size >= this.#limit) return null;
    const text = keyText(this.#table, batch, this.#hasher, row);
    const entry: KeyEntry = { text, sourceRows: 0, sinkRows: 0, high: 0, low: 0 };
    this.#entries.set(name, entry);
    return entry;
  }

  #problem({ sourceRows, sinkRows, high, low }: KeyEntry): DifferingKey['problem'] | null {
    if (sourceRows === sinkRows && high === 0 && low === 0) return null;
    if (this.#table.key.length === 0) return sourceRows > sinkRows ? 'missing' : 'extra';
    if (sinkRows === 0) return 'missing';
    if (sourceRows === 0) return 'extra';
    return sourceRows > 1 || sinkRows > 1 ? 'duplicate' : 'different';
  }
}

function hex(word: number): string {
  return word.toString(16).padStart(8, '0');
}
