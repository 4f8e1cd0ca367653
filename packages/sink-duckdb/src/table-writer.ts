import { NO_IMAGE, Op, WeirError, tableName, type Batch, type Table } from '@weir/sdk';
import { columnEncoders } from './column-encoders.ts';
import type { ColumnEncoder } from './encode.ts';
import { Loader } from './loader.ts';
import { qualified, type QualifiedName } from './sql-text.ts';
import { Staging } from './staging.ts';
import type { Transaction } from './transaction.ts';

/** From this many rows on an appender has more than one of DuckDB's row groups, and gains nothing by waiting. */
const FLUSH_ROWS = 122_880;

/**
 * Writes one table version within the session's transaction.
 *
 * While a commit group has only inserted and copied rows of the table they are appended to it, which is the fastest that
 * DuckDB has. From the first update or delete on its rows are staged and merged: DuckDB finds rows by key with a scan, so
 * that must happen for many at once. (A PRIMARY KEY would find them one by one but is slower by far from some million rows
 * on, and would have to be kept in memory; so the mirror's tables have none.)
 */
export class TableWriter {
  readonly table: Table;
  readonly target: QualifiedName;
  readonly #transaction: Transaction;
  readonly #number: number;
  readonly #encoders: ColumnEncoder[];
  #loader: Loader | null = null;
  #staging: Staging | null = null;
  /** True since the first update or delete that is not merged yet. */
  #staged = false;
  /** True when this commit group has had a row for the table. */
  touched = false;

  constructor(transaction: Transaction, table: Table, target: QualifiedName, number: number) {
    this.table = table;
    this.target = target;
    this.#transaction = transaction;
    this.#number = number;
    this.#encoders = columnEncoders(table, transaction.slots);
  }

  /** Memory that waits to be flushed, in bytes. */
  get pendingBytes(): number {
    return (this.#loader?.pendingBytes ?? 0) + (this.#staging?.pendingBytes ?? 0);
  }

  /** @param rows the rows of the batch that belong to this table, in order */
  async write(batch: Batch, rows: Uint32Array): Promise<void> {
    this.touched = true;
    for (let at = 0; at < rows.length;) {
      const row = rows[at]!;
      if (batch.op[row] === Op.truncate) {
        await this.#truncate();
        at++;
      } else if (this.#staged || !isAppend(batch.op[row]!)) {
        at += await this.#stage(batch, rows.subarray(at));
      } else {
        let end = at + 1;
        while (end < rows.length && isAppend(batch.op[rows[end]!]!)) end++;
        await this.#append(batch, rows.subarray(at, end));
        at = end;
      }
    }
  }

  /** Makes the target hold everything that was written; afterwards rows are appended again. */
  async settle(): Promise<void> {
    this.#loader?.flush();
    await this.#staging?.merge();
    this.#staged = false;
    if (this.#staging?.isWornOut === true) await this.#dropStaging();
  }

  flush(): void {
    this.#loader?.flush();
    this.#staging?.flush();
  }

  /** Forgets what is not in the target yet. Must come before a rollback, see `Loader`. */
  discard(): void {
    this.#loader?.close();
    this.#loader = null;
    this.#staging?.close();
    this.#staging = null;
    this.#staged = false;
  }

  /** Forgets what is not in the target yet, and drops the staging table. For a table that is replaced or rests. */
  async close(): Promise<void> {
    await this.#dropStaging();
    this.discard();
  }

  async #dropStaging(): Promise<void> {
    const staging = this.#staging;
    this.#staging = null;
    await staging?.drop();
  }

  async #append(batch: Batch, rows: Uint32Array): Promise<void> {
    this.#loader ??= await Loader.open(this.#transaction.connection, this.target, this.#encoders, this.#transaction.slots);
    const images = new Int32Array(rows.length);
    for (let i = 0; i < rows.length; i++) images[i] = this.#imageOf(batch, rows[i]!);
    this.#loader.append(this.#transaction.slab.cells(batch, false), images, rows.length);
    this.#loader.addPendingBytes((batch.data.length * rows.length) / batch.rows);
    if (this.#loader.pendingRows >= FLUSH_ROWS) this.#loader.flush();
  }

  #imageOf(batch: Batch, row: number): number {
    const image = batch.after[row]!;
    if (image === NO_IMAGE) throw new WeirError('WEIR_SDK_USE', `a row of ${tableName(this.table)} has no image`);
    return image;
  }

  /** Stages rows, up to the next truncate. @returns how many it did */
  async #stage(batch: Batch, rows: Uint32Array): Promise<number> {
    if (this.table.key.length === 0) {
      throw new WeirError('WEIR_SDK_USE', `${tableName(this.table)} has no key, so no row of it can be changed or deleted`);
    }
    this.#staged = true;
    const staging = await this.#openStaging();
    const taken = staging.add(batch, rows, (row) => batch.op[row] === Op.truncate);
    if (taken < rows.length && batch.op[rows[taken]!] === Op.update) {
      await this.settle();
      await (await this.#openStaging()).move(batch, rows[taken]!);
      return taken + 1;
    }
    if (staging.isFull) await this.settle();
    return taken;
  }

  async #openStaging(): Promise<Staging> {
    const { table, target } = this;
    this.#staging ??= await Staging.create(this.#transaction, table, target, this.#encoders, this.#number);
    return this.#staging;
  }

  async #truncate(): Promise<void> {
    this.#loader?.discard();
    this.#staging?.clear();
    this.#staged = false;
    await this.#transaction.run(`DELETE FROM ${qualified(this.target)}`, `truncating ${tableName(this.table)}`);
  }
}

function isAppend(op: number): boolean {
  return op === Op.insert || op === Op.read;
}
