import {
  WeirError,
  tableName,
  targetName,
  type Batch,
  type Clock,
  type KeyRange,
  type Shard,
  type StopReason,
  type Table,
} from '@weir/sdk';
import { isTaken } from './duckdb-error.ts';
import type { NotFinite } from './encode.ts';
import { HistoryWriter } from './history-writer.ts';
import { keyRangeSql } from './key-range-sql.ts';
import { KnownCatalog } from './known-catalog.ts';
import { layOut, type Layout } from './layout.ts';
import { OwnTables } from './own-tables.ts';
import { ownershipProblem } from './ownership.ts';
import { expectNone, problemError } from './problem.ts';
import type { RowWriter, WriterHost } from './row-writer.ts';
import { scanTable } from './scan.ts';
import { ownColumns, shapeProblems } from './shape-check.ts';
import { ShapeEdit, decimalTextSql } from './shape-edit.ts';
import type { SinkRules } from './sink-rules.ts';
import type { QualifiedName } from './sql-text.ts';
import { isThere, tableSizes, targetKey } from './target-catalog.ts';
import { TableWriter } from './table-writer.ts';
import { Target } from './target.ts';
import type { Transaction } from './transaction.ts';
import { columnType } from './types.ts';

/** Memory that all appenders of a session may hold together before they are flushed, in bytes (invariant 8). */
const FLUSH_BYTES = 16 * 2 ** 20;
/** Appenders and staging tables of tables that rest are given up, beyond this many. */
export const OPEN_TABLES = 64;

/** A target that is known to be Weir's own, and the source's table that it belongs to. */
interface Known {
  readonly target: Target;
  /** `namespace.name`. */
  readonly of: string;
}

export interface TablesOptions {
  readonly shard: Shard;
  readonly rules: SinkRules;
  readonly clock: Clock;
}

/** The tables that a session writes: makes them, checks that they are Weir's own, and keeps a writer for each. */
export class TargetTables implements WriterHost {
  readonly #transaction: Transaction;
  readonly #database: string;
  readonly #rules: SinkRules;
  readonly #clock: Clock;
  readonly #own: OwnTables;
  readonly #catalog: KnownCatalog;
  /** By target's name. */
  readonly #known = new Map<string, Known>();
  /** By target's name, the writer of the current version. Least recently touched first. */
  readonly #writers = new Map<string, RowWriter>();
  /** Tables of the sink that may be marked as stopped, as `namespace.name`; null before the session asked. */
  #stopped: Set<string> | null = null;
  /** Of the file's tables, as far as the transaction looked; null when it did not. */
  #sizes: ReadonlyMap<string, number> | null = null;

  constructor(transaction: Transaction, database: string, options: TablesOptions) {
    this.#transaction = transaction;
    this.#database = database;
    this.#rules = options.rules;
    this.#clock = options.clock;
    this.#own = new OwnTables(transaction, database, options.shard);
    this.#catalog = new KnownCatalog(transaction, this.#own);
  }

  /**
   * The writer of a table that is there already.
   * @throws WeirError WEIR_DUCKDB_TABLE_EXISTS, WEIR_DUCKDB_DIVERGED, WEIR_SINK_…
   */
  async writer(table: Table): Promise<RowWriter> {
    const key = targetKey(this.#nameOf(table));
    const current = this.#writers.get(key);
    if (current?.table === table) return this.#touched(current);
    const target = await this.find(table);
    if (target === null) {
      const { schema, table: name } = this.#nameOf(table);
      throw new WeirError('WEIR_DUCKDB_DIVERGED', `${schema}.${name} is gone`, { table: tableName(table) });
    }
    expectNone(table, shapeProblems(table, this.#rules));
    const layout = this.#layOut(table, target);
    await current?.settle();
    await current?.close();
    await this.#closeResting();
    const writer =
      this.#rules.mode === 'append'
        ? new HistoryWriter(this.#transaction, table, target, layout, this)
        : new TableWriter(this.#transaction, table, target, layout, this);
    this.#writers.set(key, writer);
    return writer;
  }

  /** The rows of a mirror in a range of keys, behind everything that was written; see `SinkBase.readRange`. */
  async readRange(table: Table, range: KeyRange): Promise<AsyncGenerator<Batch>> {
    const writer = await this.writer(table);
    await writer.settle();
    const { connection, slots } = this.#transaction;
    const { name } = writer.target;
    const layout = this.#layOut(table, writer.target);
    const known = { ...table, columns: layout.columns.map(({ index }) => table.columns[index]!), key: [] };
    const condition = keyRangeSql(layout, table, range, slots);
    return scanTable(connection, known, { target: name, rules: this.#rules, condition }, new AbortController().signal);
  }

  /** The target of a table; null when it is not there. @throws WeirError when it is another's */
  async find(table: Table): Promise<Target | null> {
    const name = this.#nameOf(table);
    const known = this.#known.get(targetKey(name));
    if (known?.of === tableName(table)) return known.target;
    const found = await this.#catalog.find(table, name);
    if (found !== null) return this.#know(table, Target.of(this.#transaction, name, found));
    const there = await isThere(this.#transaction, name);
    if (!there) return null;
    const problem = ownershipProblem(table, name, await this.#own.owner(table, name));
    if (problem !== null) throw problemError(table, problem);
    const target = await Target.find(this.#transaction, name);
    if (target === null) return null;
    // The option is not there any more.
    if (target.delta !== null && this.#rules.changes === null) await target.remake(target.kept());
    return this.#know(table, target);
  }

  #know(table: Table, target: Target): Target {
    this.#known.set(targetKey(target.name), { target, of: tableName(table) });
    return target;
  }

  /** Makes the table empty, whether it was there or not. @throws WeirError WEIR_DUCKDB_TABLE_EXISTS, WEIR_SINK_… */
  async make(table: Table): Promise<void> {
    expectNone(table, shapeProblems(table, this.#rules));
    const name = this.#nameOf(table);
    const there = (await this.#catalog.lacks(name)) ? null : await this.find(table);
    const isOwn = there !== null;
    await this.#forgetWriter(name);
    const columns = [...table.columns, ...ownColumns(this.#rules)].map((column) => ({
      name: column.name,
      sql: columnType(column.type, this.#rules.decimals)!.sql,
      nullable: true,
      default: null,
    }));
    await there?.drop();
    const target = await Target.make(this.#transaction, name, columns).catch((error: unknown) => {
      // Made by somebody since the session looked.
      if (!isTaken(error)) throw error;
      throw problemError(table, ownershipProblem(table, name, { owner: 'nobody', of: '' })!);
    });
    if (!isOwn) await this.#own.register(this.#transaction, table, target.name);
    this.#catalog.changed(name);
    this.#know(table, target);
  }

  /** Drops the table, if it is there. */
  async drop(table: Table): Promise<void> {
    const target = await this.find(table);
    if (target === null) return;
    await this.#forgetWriter(target.name);
    this.#known.delete(targetKey(target.name));
    this.#catalog.changed(target.name);
    await target.drop();
    await this.#own.unregister(this.#transaction, target.name);
  }

  /** Makes changes of a table's columns, in order with what was written before. */
  async edit(target: Target, edit: ShapeEdit): Promise<void> {
    if (edit.isEmpty) return;
    this.#catalog.changed(target.name);
    const writer = this.#writers.get(targetKey(target.name));
    await writer?.endAppend();
    if (writer === undefined || writer.isSettled) {
      await edit.make();
    } else if (edit.onlyAdds && target.canAdd) {
      // Before the merge deletes rows, while ALTER TABLE is still possible. What is merged then has NULL in these columns.
      await edit.make();
      writer.useLayout(layOut(writer.table, target.name, target.table, this.#rules).layout);
      await writer.settle();
    } else {
      await writer.settle();
      await edit.make();
    }
    await this.#forgetWriter(target.name);
  }

  /** Makes a view of base and delta a table again: its rows are told by another key from here on. */
  async flatten(table: Table): Promise<void> {
    const target = await this.find(table);
    if (target === null || target.delta === null) return;
    await this.#writers.get(targetKey(target.name))?.settle();
    await target.remake(target.kept());
    await this.#forgetWriter(target.name);
    this.#catalog.changed(target.name);
  }

  async toText(target: Target, table: Table, error: NotFinite): Promise<Layout> {
    if (this.#rules.decimals !== 'varchar') throw error;
    const { name } = table.columns[error.index]!;
    const edit = new ShapeEdit(target);
    edit.retype(name, 'VARCHAR', decimalTextSql);
    await edit.make();
    return this.#layOut(table, target);
  }

  async wantsDelta(target: Target): Promise<boolean> {
    if (this.#rules.changes === null || !target.canBecomeDelta) return false;
    return (await this.#rowsOf(target)) >= this.#rules.changes.rows;
  }

  /** Merges deltas that are a large enough part of their bases; when nothing was written, one that is not empty at a time. */
  async #mergeWaiting(): Promise<void> {
    const rule = this.#rules.changes;
    if (rule === null) return;
    const rests = [...this.#writers.values()].every((writer) => !writer.touched);
    if (rests && !rule.atRest) return;
    for (const writer of this.#writers.values()) {
      const { delta } = writer.target;
      if (delta === null || delta.rows === 0 || writer.touched === rests) continue;
      if (rests) return await writer.mergeWaiting();
      if (delta.rows >= rule.share * (await this.#rowsOf(writer.target))) await writer.mergeWaiting();
    }
  }

  /** About how many rows a target had when this was first asked in the transaction. */
  async #rowsOf({ name, rows }: Target): Promise<number> {
    const sizes = (this.#sizes ??= await tableSizes(this.#transaction, this.#database));
    return sizes.get(targetKey(rows)) ?? sizes.get(targetKey(name)) ?? 0;
  }

  now(): number {
    return this.#clock.now();
  }

  async stop(table: Pick<Table, 'namespace' | 'name'>, reason: StopReason): Promise<void> {
    this.#stopped?.add(tableName(table));
    await this.#own.stop(this.#transaction, table, reason);
  }

  async clearStop(table: Table): Promise<void> {
    this.#stopped ??= new Set((await this.#own.stopped()).keys());
    if (!this.#stopped.delete(tableName(table))) return;
    await this.#own.clearStop(this.#transaction, table);
  }

  /** The bytes of the largest row in the file, if a large one was written. */
  largestRow(): Promise<number> {
    return this.#own.largestRow();
  }

  /** Remembers that a table has a row so large. */
  async noteLargeRow(table: Table, bytes: number): Promise<void> {
    await this.#own.setLargestRow(this.#transaction, table, bytes);
  }

  stopped(): Promise<Map<string, StopReason>> {
    return this.#own.stopped();
  }

  /** Bounds the memory of appenders, after each batch. */
  flushIfLarge(): void {
    let pending = 0;
    for (const writer of this.#writers.values()) pending += writer.pendingBytes;
    if (pending <= FLUSH_BYTES) return;
    for (const writer of this.#writers.values()) writer.flush();
  }

  /** Makes the tables hold everything that was written. */
  async settle(): Promise<void> {
    for (const writer of this.#writers.values()) if (writer.touched) await writer.settle();
    await this.#mergeWaiting();
  }

  /** To be called after a commit. */
  startGroup(): void {
    this.#catalog.forget();
    this.#sizes = null;
    for (const writer of this.#writers.values()) writer.touched = false;
    for (const { target } of this.#known.values()) target.startGroup();
  }

  /** Forgets what is not in the tables yet. Must come before a rollback. */
  discard(): void {
    for (const writer of this.#writers.values()) writer.discard();
    this.#writers.clear();
  }

  /** The name that a table has here. */
  #nameOf(table: Table): QualifiedName {
    return { database: this.#database, ...targetName(table, this.#rules.target) };
  }

  #layOut(table: Table, target: Target): Layout {
    const { layout, problems } = layOut(table, target.name, target.table, this.#rules);
    expectNone(table, problems);
    return layout;
  }

  #touched(writer: RowWriter): RowWriter {
    if (writer.touched) return writer;
    const key = targetKey(writer.target.name);
    this.#writers.delete(key);
    this.#writers.set(key, writer);
    return writer;
  }

  /** Ends the writer of a table whose rows are settled or are to be forgotten. */
  async #forgetWriter(name: QualifiedName): Promise<void> {
    const current = this.#writers.get(targetKey(name));
    this.#writers.delete(targetKey(name));
    await current?.close();
  }

  async #closeResting(): Promise<void> {
    if (this.#writers.size < OPEN_TABLES) return;
    const [key, oldest] = this.#writers.entries().next().value!;
    this.#writers.delete(key);
    await oldest.settle();
    await oldest.close();
  }
}
