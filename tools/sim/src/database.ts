import { WeirError, systemClock, type Clock } from '@weir/sdk';
import { RowVersions, type Version } from './row-versions.ts';
import { SimTransaction, type LogRecord, type SimChange } from './sim-transaction.ts';
import { LARGE, anyReshape, cellsIn, firstTables, reshaped, rowOf, type Reshape, type SimRow, type SimTable, type Values } from './sim-tables.ts';
import { lockedKeys, type Effect, type Statement } from './statement.ts';

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

const low = (id: number): number => id % 2 ** 32;

function bytesOf(record: LogRecord): number {
  if (record.kind === 'row') return ROW_BYTES * (record.transaction.changes[record.change]!.run?.count ?? 1);
  return record.kind === 'abort of a part' ? ROW_BYTES : COMMIT_BYTES;
}

/**
 * A PostgreSQL server in memory, as far as it matters to who reads its log: transactions commit in another order than their
 * ids, a commit that waits for a standby is in the log before it is visible, the LSNs of rows are not in commit order, the
 * LSN of a commit can be the end of the one before, and a slot forgets what was confirmed.
 */
export class Database {
  readonly log: LogRecord[] = [];
  readonly #clock: Pick<Clock, 'now'>;
  readonly #versions = new Map<string, RowVersions>();
  #tables: readonly SimTable[] = [];
  readonly #running = new Set<SimTransaction>();
  readonly #values = { next: 1 };
  #nextId = FIRST_ID;
  #end = 0x1000;
  #shapes = 0;
  /** The slot's `confirmed_flush_lsn`; null while there is none. */
  confirmed: number | null = null;

  constructor(tables: readonly SimTable[] = firstTables(), clock: Pick<Clock, 'now'> = systemClock) {
    this.#clock = clock;
    for (const table of tables) this.addTable(table);
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

  /** A table that everybody sees from here on. */
  addTable(table: SimTable): void {
    this.#versions.set(table.name, new RowVersions());
    this.#tables = [...this.#tables, table];
    this.#shapes++;
  }

  /** Writes something to the log that is about no table. */
  noise(bytes: number = ROW_BYTES): void {
    this.#end += bytes;
  }

  /** Carries a statement out, if nobody else holds a lock that it needs and it can be. */
  run(transaction: SimTransaction, statement: Statement): Effect {
    if (!('table' in statement)) {
      this.#subtransaction(transaction, statement.does);
      return 'done';
    }
    if (!this.#lock(transaction, statement.table, lockedKeys(statement))) return 'waits';
    return this.#change(transaction, statement) ? 'done' : 'left out';
  }

  #subtransaction(transaction: SimTransaction, does: Exclude<Statement, { table: string }>['does']): void {
    if (does === 'savepoint') transaction.savepoint(this.#takeId());
    else if (does === 'release') transaction.release();
    else this.#rollBackToSavepoint(transaction);
  }

  /** @returns whether it could be */
  #change(by: SimTransaction, statement: Extract<Statement, { table: string }>): boolean {
    const table = by.formOf(statement.table) ?? this.table(statement.table);
    switch (statement.does) {
      case 'put':
        return this.#put(by, table, statement.key, statement.keepsLarge);
      case 'move':
        return this.#move(by, table, statement);
      case 'insert':
        return this.#insert(by, table, statement.key, statement.values);
      case 'update':
        return this.#update(by, table, statement, statement.values);
      case 'fill':
        return this.#fill(by, table, statement);
      case 'delete':
        return this.#delete(by, table, statement.key);
      case 'truncate':
        return this.#truncate(by, table);
      case 'alter':
        return this.#reshape(by, table, anyReshape(table, statement.how, low(by.id)));
      case 'reshape':
        return this.#reshape(by, table, statement.how);
    }
  }

  /** @param visible whether others see it at once; else it waits for a standby */
  commit(transaction: SimTransaction, visible: boolean): void {
    transaction.commit(this.#end, this.#end + COMMIT_BYTES, this.#clock.now() * 1000);
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
    const forms = transaction.reshaped;
    if (forms.length === 0) return;
    this.#tables = this.#tables.map((table) => forms.find(({ oid }) => oid === table.oid) ?? table);
    this.#shapes++;
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
    return this.#versions.get(table)!.of(key);
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

  #put(by: SimTransaction, table: SimTable, key: string, keepsLarge: boolean): boolean {
    if (this.#latest(table, key) === null) return this.#insert(by, table, key, this.#newValues(table, false));
    return this.#update(by, table, { key }, this.#newValues(table, keepsLarge));
  }

  #insert(by: SimTransaction, table: SimTable, key: string, values: Values): boolean {
    if (this.#latest(table, key) !== null) return false;
    const row = rowOf(table, key, values, null);
    this.#write(by, table, key, row);
    this.#append(by, { table, op: 'insert', row });
    return true;
  }

  #update(by: SimTransaction, table: SimTable, { key, to = key }: { key: string; to?: string }, values: Values): boolean {
    const old = this.#latest(table, key);
    if (old === null || (to !== key && this.#latest(table, to) !== null)) return false;
    const row = rowOf(table, to, values, old);
    if (to !== key) this.#write(by, table, key, null);
    this.#write(by, table, to, row);
    const large = table.shape.columns.find(({ attnum }) => attnum === LARGE);
    const keepsLarge = large !== undefined && !Object.hasOwn(values, large.name) && row[LARGE - 1] !== null;
    this.#append(by, { table, op: 'update', row, oldKey: to === key ? null : key, keepsLarge });
    return true;
  }

  #move(by: SimTransaction, table: SimTable, { key, to, keepsLarge }: Extract<Statement, { does: 'move' }>): boolean {
    if (this.#latest(table, key) === null || this.#latest(table, to) !== null) return false;
    return this.#update(by, table, { key, to }, this.#newValues(table, keepsLarge));
  }

  #fill(by: SimTransaction, table: SimTable, { first, count, values }: Extract<Statement, { does: 'fill' }>): boolean {
    for (let key = first; key < first + count; key++) if (this.#latest(table, String(key)) !== null) return false;
    const run = { first, count, row: rowOf(table, String(first), values, null) };
    this.#versions.get(table.name)!.addRun({ by, sub: by.current, run });
    this.#append(by, { table, op: 'insert', run });
    return true;
  }

  #delete(by: SimTransaction, table: SimTable, key: string): boolean {
    if (this.#latest(table, key) === null) return false;
    this.#write(by, table, key, null);
    this.#append(by, { table, op: 'delete', oldKey: key });
    return true;
  }

  #truncate(by: SimTransaction, table: SimTable): boolean {
    for (const key of this.keys(table.name)) if (this.#latest(table, key) !== null) this.#write(by, table, key, null);
    this.#append(by, { table, op: 'truncate' });
    return true;
  }

  #reshape(by: SimTransaction, table: SimTable, how: Reshape | null): boolean {
    if (how === null) return false;
    by.reshape(reshaped(table, how, low(by.id)));
    this.#end += ROW_BYTES;
    return true;
  }

  #rollBackToSavepoint(transaction: SimTransaction): void {
    const aborted = transaction.rollBackToSavepoint();
    if (aborted.size === 0) return;
    this.#forget(transaction, (sub) => aborted.has(sub));
    this.log.push({ lsn: this.#end, kind: 'abort of a part', transaction, aborted });
    this.#end += ROW_BYTES;
  }

  /** Takes locks, if nobody else has one of them. @param keys null: all of the table */
  #lock(by: SimTransaction, table: string, keys: readonly string[] | null): boolean {
    for (const other of this.#running) if (other !== by && other.locks(table, keys)) return false;
    by.lock(table, keys);
    return true;
  }

  #latest({ name }: SimTable, key: string): SimRow | null {
    return this.versions(name, key).at(-1)?.row ?? null;
  }

  /** Values that no other write has. */
  #newValues({ shape }: SimTable, keepsLarge: boolean): Values {
    const value = `v${this.#values.next++}`;
    const values: Record<string, string> = {};
    for (const { attnum, name } of shape.columns) {
      if (attnum !== LARGE) values[name] = attnum > LARGE ? `${value}.${attnum}` : value;
      else if (!keepsLarge) values[name] = `large ${value}`;
    }
    return values;
  }

  #write(by: SimTransaction, { name }: SimTable, key: string, row: SimRow | null): void {
    this.#versions.get(name)!.add(key, { by, sub: by.current, row });
  }

  #append(transaction: SimTransaction, change: Pick<SimChange, 'table' | 'op'> & Partial<SimChange>): void {
    const [sub, lsn] = [transaction.current, this.#end];
    transaction.changes.push({ row: null, run: null, oldKey: null, keepsLarge: false, ...change, sub, lsn });
    this.log.push({ lsn, kind: 'row', transaction, change: transaction.changes.length - 1 });
    this.#end += ROW_BYTES * (change.run?.count ?? 1);
  }

  #forget(transaction: SimTransaction, isGone: (sub: number) => boolean): void {
    for (const [name, versions] of this.#versions) if (transaction.touched(name)) versions.forget(transaction, isGone);
  }

  /** The first place from `lsn` on that lies in no record. */
  recordEnd(lsn: number): number {
    const record = this.log.findLast((each) => each.lsn < lsn);
    return record === undefined ? lsn : Math.max(lsn, record.lsn + bytesOf(record));
  }

  /** The slot is made: at the end of the log, behind what making it has written there. */
  makeSlot(): void {
    if (this.confirmed === null) this.noise();
    this.confirmed = this.#end;
  }

  /** Nobody reads the slot: it is forgotten, and all that it kept. */
  dropSlot(): void {
    this.confirmed = null;
  }

  /** @throws WeirError WEIR_PG_SLOT_LOST */
  get slotPlace(): number {
    if (this.confirmed === null) throw new WeirError('WEIR_PG_SLOT_LOST', 'the slot is gone');
    return this.confirmed;
  }

  /**
   * What the slot has to give from an LSN on is there.
   * @throws WeirError WEIR_PG_SLOT_LOST, WEIR_PG_SLOT_ADVANCED (invariant 6)
   */
  checkSlot(from: number): void {
    if (this.slotPlace > from) throw slotAdvanced(this.slotPlace, from);
  }
}

export function slotAdvanced(place: number, from: number): WeirError {
  return new WeirError('WEIR_PG_SLOT_ADVANCED', `the slot stands at ${place}, the checkpoint at ${from}`);
}
