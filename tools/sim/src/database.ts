import { WeirError } from '@weir/sdk';
import { SimTransaction, type LogRecord } from './sim-transaction.ts';
import { cellsIn, firstTables, reshaped, type Reshape, type SimRow, type SimTable } from './sim-tables.ts';

/** What a row was from some write on. */
export interface Version {
  readonly by: SimTransaction;
  /** The subtransaction that wrote it. */
  readonly sub: number;
  /** Null: there is no such row from here on. */
  readonly row: SimRow | null;
}

/** What somebody sees: the transactions that had ended when they looked. */
export interface Snapshot {
  /** Text of the `pg_snapshot`. */
  readonly text: string;
  sees(transaction: SimTransaction): boolean;
}

/** Ids are near the end of an epoch, so that they go round. */
const FIRST_ID = 2 ** 32 + 2 ** 32 - 12;
const ROW_BYTES = 8;
const COMMIT_BYTES = 16;

/** The statement that a client sends; what cannot be is left out, so that a shorter script is a script as well. */
export type Statement =
  | { readonly does: 'put'; readonly table: string; readonly key: string; readonly keepsLarge: boolean }
  | { readonly does: 'move'; readonly table: string; readonly key: string; readonly to: string; readonly keepsLarge: boolean }
  | { readonly does: 'delete'; readonly table: string; readonly key: string }
  | { readonly does: 'truncate'; readonly table: string }
  | { readonly does: 'savepoint' }
  | { readonly does: 'release' }
  | { readonly does: 'rollback to savepoint' }
  | { readonly does: 'alter'; readonly table: string; readonly how: Reshape };

/**
 * A PostgreSQL server in memory, as far as it matters to who reads its log: transactions commit in another order than their
 * ids, a commit that waits for a standby is in the log before it is visible, the LSNs of rows are not in commit order, the
 * LSN of a commit can be the end of the one before, and a slot forgets what was confirmed.
 */
export class Database {
  readonly log: LogRecord[] = [];
  readonly #versions = new Map<string, Map<string, Version[]>>();
  #tables: SimTable[] = firstTables();
  readonly #running = new Set<SimTransaction>();
  readonly #values = { next: 1 };
  #nextId = FIRST_ID;
  #end = 0x1000;
  #shapes = 0;
  /** The slot's `confirmed_flush_lsn`; null while there is none. */
  confirmed: number | null = null;

  constructor() {
    for (const { name } of this.#tables) this.#versions.set(name, new Map());
  }

  /** The end of the log. */
  get end(): number {
    return this.#end;
  }

  /** The tables as everybody sees them. */
  get tables(): readonly SimTable[] {
    return this.#tables;
  }

  /** Counts changes of shapes. */
  get shapes(): number {
    return this.#shapes;
  }

  /** Transactions that nobody sees yet: they are open, or wait for a standby. */
  get running(): readonly SimTransaction[] {
    return [...this.#running];
  }

  begin(): SimTransaction {
    const transaction = new SimTransaction(this.#takeId());
    this.#running.add(transaction);
    return transaction;
  }

  /** The first three of an epoch are never given. */
  #takeId(): number {
    const id = this.#nextId++;
    if (this.#nextId % 2 ** 32 === 0) this.#nextId += 3;
    return id;
  }

  /** Writes something to the log that is about no table. */
  noise(): void {
    this.#end += ROW_BYTES;
  }

  /** Carries a statement out, if nobody else holds the lock and it can be. */
  run(transaction: SimTransaction, statement: Statement): void {
    switch (statement.does) {
      case 'put':
        return this.#put(transaction, statement.table, statement.key, statement.keepsLarge);
      case 'move':
        return this.#move(transaction, statement);
      case 'delete':
        return this.#delete(transaction, statement.table, statement.key);
      case 'truncate':
        return this.#truncate(transaction, statement.table);
      case 'savepoint':
        return transaction.savepoint(this.#takeId());
      case 'release':
        return transaction.release();
      case 'rollback to savepoint':
        return this.#rollBackToSavepoint(transaction);
      case 'alter':
        return this.#alter(transaction, statement.table, statement.how);
    }
  }

  /** @param visible whether others see it at once; else it waits for a standby */
  commit(transaction: SimTransaction, visible: boolean): void {
    transaction.commit(this.#end, this.#end + COMMIT_BYTES);
    this.log.push({ lsn: this.#end, kind: 'commit', transaction });
    this.#end += COMMIT_BYTES;
    if (visible) this.show(transaction);
  }

  rollBack(transaction: SimTransaction): void {
    this.log.push({ lsn: this.#end, kind: 'abort', transaction });
    this.#end += COMMIT_BYTES;
    this.#forget(transaction, () => true);
    transaction.rolledBack();
    this.#running.delete(transaction);
  }

  /** The standby has it. */
  show(transaction: SimTransaction): void {
    this.#running.delete(transaction);
  }

  snapshot(): Snapshot {
    const open = [...this.#running].map(({ id }) => id).toSorted((a, b) => a - b);
    const [next, first] = [this.#nextId, open[0] ?? this.#nextId];
    const hidden = new Set(this.#running);
    const text = `${first}:${next}:${open.join(',')}`;
    return { text, sees: (transaction) => transaction.id < next && transaction.isCommitted && !hidden.has(transaction) };
  }

  /** @param lsn what committed below it */
  upTo(lsn: number): Snapshot {
    return { text: '', sees: ({ isCommitted, commitLsn }) => isCommitted && commitLsn < lsn };
  }

  table(name: string): SimTable {
    return this.#tables.find((table) => table.name === name)!;
  }

  keys(table: string): Iterable<string> {
    return this.#versions.get(table)!.keys();
  }

  versions(table: string, key: string): readonly Version[] {
    return this.#versions.get(table)!.get(key) ?? [];
  }

  /** The row with a key; null when there is none. */
  row(table: string, key: string, snapshot: Snapshot): SimRow | null {
    return this.versions(table, key).findLast(({ by }) => snapshot.sees(by))?.row ?? null;
  }

  /** All rows of a table as somebody sees them, as cells of its form. */
  rows(table: SimTable, snapshot: Snapshot): (string | null)[][] {
    return Array.from(this.keys(table.name), (key) => this.row(table.name, key, snapshot))
      .filter((row) => row !== null)
      .map((row) => cellsIn(table, row));
  }

  #put(by: SimTransaction, name: string, key: string, keepsLarge: boolean): void {
    const table = this.#open(by, name, [key]);
    if (table === null) return;
    const old = this.#latest(name, key);
    const keeps = old !== null && keepsLarge;
    const row = this.#newRow(table, key, keeps ? old[2]! : null);
    this.#write(by, table, key, row);
    this.#append(by, { table, op: old === null ? 'insert' : 'update', row, oldKey: null, keepsLarge: keeps });
  }

  #move(by: SimTransaction, { table: name, key, to, keepsLarge }: Extract<Statement, { does: 'move' }>): void {
    const table = this.#open(by, name, [key, to]);
    const old = this.#latest(name, key);
    if (table === null || old === null || key === to || this.#latest(name, to) !== null) return;
    const row = this.#newRow(table, to, keepsLarge ? old[2]! : null);
    this.#write(by, table, key, null);
    this.#write(by, table, to, row);
    this.#append(by, { table, op: 'update', row, oldKey: key, keepsLarge });
  }

  #delete(by: SimTransaction, name: string, key: string): void {
    const table = this.#open(by, name, [key]);
    if (table === null || this.#latest(name, key) === null) return;
    this.#write(by, table, key, null);
    this.#append(by, { table, op: 'delete', row: null, oldKey: key, keepsLarge: false });
  }

  #truncate(by: SimTransaction, name: string): void {
    const table = this.#open(by, name, null);
    if (table === null) return;
    for (const key of this.keys(name)) if (this.#latest(name, key) !== null) this.#write(by, table, key, null);
    this.#append(by, { table, op: 'truncate', row: null, oldKey: null, keepsLarge: false });
  }

  #alter(by: SimTransaction, name: string, how: Reshape): void {
    const table = this.#open(by, name, null);
    const next = table === null ? null : reshaped(table, how, by.id % 2 ** 32);
    // Others must not see a form that may be taken back, so it is all that its transaction does, and it commits.
    if (next === null || by.changes.length > 0 || by.subtransactions > 0) return;
    this.#tables = this.#tables.map((other) => (other.name === name ? next : other));
    this.#shapes++;
    this.#end += ROW_BYTES;
  }

  #rollBackToSavepoint(transaction: SimTransaction): void {
    const aborted = transaction.rollBackToSavepoint();
    if (aborted.size === 0) return;
    this.#forget(transaction, (sub) => aborted.has(sub));
    this.log.push({ lsn: this.#end, kind: 'abort of a part', transaction, aborted });
    this.#end += ROW_BYTES;
  }

  /** The table, when a transaction has or gets the locks that it needs. @param keys null: all of the table */
  #open(by: SimTransaction, name: string, keys: readonly string[] | null): SimTable | null {
    for (const other of this.#running) if (other !== by && other.locks(name, keys)) return null;
    by.lock(name, keys);
    return this.table(name);
  }

  #latest(table: string, key: string): SimRow | null {
    return this.versions(table, key).at(-1)?.row ?? null;
  }

  #newRow(table: SimTable, key: string, large: string | null): SimRow {
    const value = `v${this.#values.next++}`;
    const row: (string | null)[] = Array.from({ length: table.shape.highest }, () => null);
    for (const { attnum } of table.shape.columns) row[attnum - 1] = attnum > 3 ? `${value}.${attnum}` : value;
    row[0] = key;
    row[2] = large ?? `large ${value}`;
    return row;
  }

  #write(by: SimTransaction, { name }: SimTable, key: string, row: SimRow | null): void {
    const table = this.#versions.get(name)!;
    const known = table.get(key);
    const version = { by, sub: by.current, row };
    if (known === undefined) table.set(key, [version]);
    else known.push(version);
  }

  #append(transaction: SimTransaction, change: Omit<SimTransaction['changes'][number], 'sub' | 'lsn'>): void {
    transaction.changes.push({ ...change, sub: transaction.current, lsn: this.#end });
    this.log.push({ lsn: this.#end, kind: 'row', transaction, change: transaction.changes.length - 1 });
    this.#end += ROW_BYTES;
  }

  #forget(transaction: SimTransaction, isGone: (sub: number) => boolean): void {
    for (const [name, keys] of this.#versions) {
      if (!transaction.touched(name)) continue;
      for (const [key, versions] of keys) {
        if (versions.some(({ by, sub }) => by === transaction && isGone(sub))) {
          keys.set(key, versions.filter(({ by, sub }) => by !== transaction || !isGone(sub)));
        }
      }
    }
  }

  /** What the slot has to give from an LSN on is there. @throws WeirError WEIR_PG_SLOT_ADVANCED (invariant 6) */
  checkSlot(from: number): void {
    if (this.confirmed === null || this.confirmed > from) {
      throw new WeirError('WEIR_PG_SLOT_ADVANCED', `the slot stands at ${this.confirmed}, the checkpoint at ${from}`);
    }
  }
}
