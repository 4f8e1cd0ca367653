import { rowAt, type RowRun, type SimRow } from './sim-tables.ts';
import type { SimTransaction } from './sim-transaction.ts';

interface Written {
  readonly by: SimTransaction;
  /** The subtransaction that wrote it. */
  readonly sub: number;
}

/** What a row was from some write on. */
export interface Version extends Written {
  /** Null: there is no such row from here on. */
  readonly row: SimRow | null;
}

/** What many rows were from the statement on that has made them. */
export interface VersionRun extends Written {
  readonly run: RowRun;
}

/** What the rows of a table have been, by their keys. */
export class RowVersions {
  readonly #rows = new Map<string, Version[]>();
  /** The first versions of their keys, no two of them of the same. */
  #runs: VersionRun[] = [];

  keys(): Iterable<string> {
    return this.#runs.length === 0 ? this.#rows.keys() : this.#allKeys();
  }

  *#allKeys(): Generator<string> {
    for (const { run } of this.#runs) for (let place = 0; place < run.count; place++) yield String(run.first + place);
    for (const key of this.#rows.keys()) if (this.#runOf(key) === null) yield key;
  }

  /** Of one key, the oldest first. */
  of(key: string): readonly Version[] {
    const written = this.#rows.get(key) ?? [];
    const first = this.#runs.length === 0 ? null : this.#runOf(key);
    if (first === null) return written;
    const { by, sub, run } = first;
    return [{ by, sub, row: rowAt(run, Number(key) - run.first) }, ...written];
  }

  add(key: string, version: Version): void {
    const known = this.#rows.get(key);
    if (known === undefined) this.#rows.set(key, [version]);
    else known.push(version);
  }

  addRun({ by, sub, run }: VersionRun): void {
    if (this.#isNew(run)) {
      this.#runs.push({ by, sub, run });
      return;
    }
    for (let place = 0; place < run.count; place++) {
      const row = rowAt(run, place);
      this.add(row[0]!, { by, sub, row });
    }
  }

  /** What a transaction has written does not count, or some of its subtransactions. */
  forget(transaction: SimTransaction, isGone: (sub: number) => boolean): void {
    const isOfIt = ({ by, sub }: Written): boolean => by === transaction && isGone(sub);
    this.#runs = this.#runs.filter((run) => !isOfIt(run));
    for (const [key, versions] of this.#rows) {
      if (versions.some(isOfIt)) this.#rows.set(key, versions.filter((version) => !isOfIt(version)));
    }
  }

  /** None of its keys has ever been there. */
  #isNew({ first, count }: RowRun): boolean {
    const isIn = (key: number): boolean => key >= first && key < first + count;
    if (this.#runs.some(({ run }) => isIn(run.first) || (first >= run.first && first < run.first + run.count))) return false;
    for (const key of this.#rows.keys()) if (isIn(Number(key))) return false;
    return true;
  }

  #runOf(key: string): VersionRun | null {
    const number = Number(key);
    return this.#runs.find(({ run: { first, count } }) => number >= first && number < first + count) ?? null;
  }
}
