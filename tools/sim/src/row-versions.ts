import type { SimTransaction } from './sim-transaction.ts';
import type { SimRow } from './sim-tables.ts';

/** What a row was from some write on. */
export interface Version {
  readonly by: SimTransaction;
  /** The subtransaction that wrote it. */
  readonly sub: number;
  /** Null: there is no such row from here on. */
  readonly row: SimRow | null;
}

/** Rows that one statement has made, with keys that follow each other; kept as one, since there may be very many. */
export interface RowRun {
  readonly by: SimTransaction;
  readonly sub: number;
  readonly first: number;
  readonly count: number;
  /** One of them: the others differ in their keys. */
  readonly row: SimRow;
}

/** The row at a place of a run. */
export function rowAt({ first, row }: RowRun, place: number): SimRow {
  return [String(first + place), ...row.slice(1)];
}

/** What the rows of a table have been, by their keys. */
export class RowVersions {
  readonly #rows = new Map<string, Version[]>();
  /** The first versions of their keys, no two of them of the same. */
  #runs: RowRun[] = [];

  keys(): Iterable<string> {
    return this.#runs.length === 0 ? this.#rows.keys() : this.#allKeys();
  }

  *#allKeys(): Generator<string> {
    for (const { first, count } of this.#runs) for (let place = 0; place < count; place++) yield String(first + place);
    for (const key of this.#rows.keys()) if (this.#runOf(key) === null) yield key;
  }

  /** Of one key, the oldest first. */
  of(key: string): readonly Version[] {
    const written = this.#rows.get(key) ?? [];
    const run = this.#runs.length === 0 ? null : this.#runOf(key);
    if (run === null) return written;
    return [{ by: run.by, sub: run.sub, row: rowAt(run, Number(key) - run.first) }, ...written];
  }

  add(key: string, version: Version): void {
    const known = this.#rows.get(key);
    if (known === undefined) this.#rows.set(key, [version]);
    else known.push(version);
  }

  addRun(run: RowRun): void {
    if (this.#isNew(run)) {
      this.#runs.push(run);
      return;
    }
    const { by, sub } = run;
    for (let place = 0; place < run.count; place++) {
      const row = rowAt(run, place);
      this.add(row[0]!, { by, sub, row });
    }
  }

  /** What a transaction has written does not count, or some of its subtransactions. */
  forget(transaction: SimTransaction, isGone: (sub: number) => boolean): void {
    const isOfIt = ({ by, sub }: Pick<Version, 'by' | 'sub'>): boolean => by === transaction && isGone(sub);
    this.#runs = this.#runs.filter((run) => !isOfIt(run));
    for (const [key, versions] of this.#rows) {
      if (versions.some(isOfIt)) this.#rows.set(key, versions.filter((version) => !isOfIt(version)));
    }
  }

  /** None of its keys has ever been there. */
  #isNew({ first, count }: RowRun): boolean {
    const isIn = (key: number): boolean => key >= first && key < first + count;
    if (this.#runs.some((run) => isIn(run.first) || (first >= run.first && first < run.first + run.count))) return false;
    for (const key of this.#rows.keys()) if (isIn(Number(key))) return false;
    return true;
  }

  #runOf(key: string): RowRun | null {
    const number = Number(key);
    return this.#runs.find(({ first, count }) => number >= first && number < first + count) ?? null;
  }
}
