import { WeirError, tableName, type Clock, type SchemaChange, type Table } from '@weir/sdk';
import { LoggedTable, type LoggedRow } from './logged-table.ts';
import { contentOf, type Cells, type TableContent } from './table-content.ts';

/** A change of a transaction: of a row, or of a table's shape. Rows behind a change of shape have its table. */
export type LoggedChange = LoggedRow | { readonly op: 'schema'; readonly change: SchemaChange };

export interface LoggedTransaction {
  readonly changes: readonly LoggedChange[];
  /** When it was committed, in ms since 1970. */
  readonly at: number;
}

/**
 * A database in memory with a log of its transactions, numbered from 1, and one slot. What was confirmed is deleted, as a
 * real server does: a source that keeps everything hides the worst bugs. It remembers what its tables held after each
 * transaction, for tests to compare with.
 */
export class PrunedLog {
  readonly #clock: Clock;
  readonly #transactions = new Map<number, LoggedTransaction>();
  readonly #history: ReadonlyMap<string, LoggedTable>[];
  readonly #waiting = new Set<() => void>();
  #forgotten = 0;
  #reader: object | null = null;

  /** @param tables each needs a key */
  constructor(tables: readonly Table[], clock: Clock) {
    this.#clock = clock;
    this.#history = [new Map(tables.map((table) => [tableName(table), LoggedTable.empty(table)]))];
  }

  /** The tables that there are now, in their shapes of now. */
  get tables(): readonly Table[] {
    return Array.from(this.#history.at(-1)!.values(), ({ table }) => table);
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
    const drafts = new Set<LoggedTable>();
    for (const change of changes) {
      if (change.op === 'schema') reshape(tables, change.change);
      else draftOf(tables, change.table, drafts).play(change);
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
    return contentOf(new Map(Array.from(this.#history[after]!, ([name, { rows }]) => [name, rows])));
  }

  /** The rows of a table now, with the columns of the given shape. */
  rows(table: Table): Cells[] {
    return known(this.#history.at(-1)!, table).rowsOf(table);
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

function known(tables: ReadonlyMap<string, LoggedTable>, table: Table): LoggedTable {
  const found = tables.get(tableName(table));
  if (found === undefined) throw new WeirError('WEIR_SDK_USE', `there is no table ${tableName(table)}`);
  return found;
}

/** The table's state in this transaction: the first change of it copies that of the one before. */
function draftOf(tables: Map<string, LoggedTable>, table: Table, drafts: Set<LoggedTable>): LoggedTable {
  const current = known(tables, table);
  if (drafts.has(current)) return current;
  const draft = current.clone();
  drafts.add(draft);
  tables.set(tableName(table), draft);
  return draft;
}

function reshape(tables: Map<string, LoggedTable>, change: SchemaChange): void {
  const name = tableName(change.table);
  if (change.change === 'create') tables.set(name, LoggedTable.empty(change.table));
  else if (change.change === 'drop-table') tables.delete(name);
  else tables.set(name, known(tables, change.table).changed(change));
}
