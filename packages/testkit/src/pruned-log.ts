import { WeirError, tableName, unchanged, type Clock, type RowValues, type Table } from '@weir/sdk';
import { cellsOf, contentOf, keyOf, type Cells, type TableContent } from './table-content.ts';

/** A change of a transaction; rows as plain objects, columns that are missing are NULL. */
export type LoggedChange =
  | { readonly op: 'insert'; readonly table: Table; readonly after: RowValues }
  /** `before` holds the old key where the update changes it. */
  | { readonly op: 'update'; readonly table: Table; readonly after: RowValues; readonly before?: RowValues }
  | { readonly op: 'delete'; readonly table: Table; readonly before: RowValues }
  | { readonly op: 'truncate'; readonly table: Table };

export interface LoggedTransaction {
  readonly changes: readonly LoggedChange[];
  /** When it was committed, in ms since 1970. */
  readonly at: number;
}

type Rows = ReadonlyMap<string, Cells>;

/**
 * A database in memory with a log of its transactions, numbered from 1, and one slot. What was confirmed is deleted, as a
 * real server does: a source that keeps everything hides the worst bugs. It remembers what its tables held after each
 * transaction, for tests to compare with.
 */
export class PrunedLog {
  readonly tables: readonly Table[];
  readonly #clock: Clock;
  readonly #transactions = new Map<number, LoggedTransaction>();
  readonly #history: ReadonlyMap<string, Rows>[];
  readonly #waiting = new Set<() => void>();
  #forgotten = 0;
  #reader: object | null = null;

  /** @param tables each needs a key */
  constructor(tables: readonly Table[], clock: Clock) {
    const keyless = tables.find((table) => table.key.length === 0);
    if (keyless !== undefined) throw new WeirError('WEIR_SDK_USE', `table ${tableName(keyless)} has no key`);
    this.tables = tables;
    this.#clock = clock;
    this.#history = [new Map(tables.map((table) => [tableName(table), new Map()]))];
  }

  /** The number of the last transaction; 0 before the first. */
  get head(): number {
    return this.#history.length - 1;
  }

  /** Transactions up to this one are deleted. */
  get forgotten(): number {
    return this.#forgotten;
  }

  /** Commits a transaction. @throws WeirError WEIR_SDK_USE when a real database would refuse a change */
  commit(changes: readonly LoggedChange[]): void {
    const tables = new Map(this.#history.at(-1));
    for (const change of changes) {
      const name = tableName(change.table);
      const rows = new Map(tables.get(name));
      play(rows, change);
      tables.set(name, rows);
    }
    this.#history.push(tables);
    this.#transactions.set(this.head, { changes, at: this.#clock.now() });
    for (const wake of this.#waiting) wake();
  }

  /** @throws WeirError WEIR_PG_SLOT_ADVANCED when it is deleted (invariant 6) */
  transaction(number: number): LoggedTransaction {
    const found = this.#transactions.get(number);
    if (found === undefined) throw new WeirError('WEIR_PG_SLOT_ADVANCED', `transaction ${number} is deleted`);
    return found;
  }

  /** Deletes what is no longer needed: everything up to this transaction. */
  forget(upTo: number): void {
    for (; this.#forgotten < upTo; this.#forgotten++) this.#transactions.delete(this.#forgotten + 1);
  }

  /** What the tables held after a transaction; without a number, what they hold now. */
  content(after: number = this.head): TableContent {
    return contentOf(new Map(Array.from(this.#history[after]!, ([name, rows]) => [name, [...rows.values()]])));
  }

  /** The rows of a table now. */
  rows(table: Table): Cells[] {
    return [...this.#history.at(-1)!.get(tableName(table))!.values()];
  }

  /** Takes the slot, which one reader has at a time. @throws WeirError WEIR_PG_SLOT_IN_USE */
  attach(reader: object): void {
    if (this.#reader !== null) throw new WeirError('WEIR_PG_SLOT_IN_USE', 'the slot is read by somebody else');
    this.#reader = reader;
  }

  /** Lets go of the slot; of a reader that has lost it already nothing changes. */
  detach(reader: object): void {
    if (this.#reader === reader) this.disconnect();
  }

  /** Cuts off whoever reads, as when its process has died. */
  disconnect(): void {
    this.#reader = null;
    for (const wake of this.#waiting) wake();
  }

  isAttached(reader: object): boolean {
    return this.#reader === reader;
  }

  /** Calls `wake` at each commit and when a reader is cut off, until the function that it returns is called. */
  onChange(wake: () => void): () => void {
    this.#waiting.add(wake);
    return () => this.#waiting.delete(wake);
  }
}

function play(rows: Map<string, Cells>, change: LoggedChange): void {
  if (change.op === 'truncate') {
    rows.clear();
    return;
  }
  const { table } = change;
  const image = change.op === 'delete' ? change.before : change.after;
  const oldKey = keyOf(table, cellsOf(table, change.op === 'update' ? (change.before ?? change.after) : image));
  const old = rows.get(oldKey);
  const isNew = change.op === 'insert';
  if (isNew === (old !== undefined)) throw new WeirError('WEIR_SDK_USE', `${change.op} of ${oldKey} cannot be`);
  rows.delete(oldKey);
  if (change.op === 'delete') return;
  const cells = cellsOf(table, image).map((cell, column) => (cell === unchanged ? old![column]! : cell));
  const key = keyOf(table, cells);
  if (rows.has(key)) throw new WeirError('WEIR_SDK_USE', `${oldKey} cannot become ${key}, which is there`);
  rows.set(key, cells);
}
