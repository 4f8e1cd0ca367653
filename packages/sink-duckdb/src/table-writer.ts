import {
  NO_IMAGE,
  Op,
  WeirError,
  expectInRange,
  tableName,
  type Batch,
  type KeyRange,
  type Table,
  type TableRows,
} from '@weir/sdk';
import { NotFinite } from './encode.ts';
import type { Layout } from './layout.ts';
import { FLUSH_ROWS, type RowWriter, type WriterHost } from './row-writer.ts';
import { ShapeEdit } from './shape-edit.ts';
import { identifier, qualified } from './sql-text.ts';
import { Staging } from './staging.ts';
import { TargetLoader } from './target-loader.ts';
import { TargetRange } from './target-range.ts';
import type { Target } from './target.ts';
import type { Transaction } from './transaction.ts';

/** A row of more bytes than this is large. A batch holds such a row and little else. */
const LARGE_BYTES = 4 * 2 ** 20;

/**
 * Writes the mirror of one table version.
 *
 * While a commit group has only inserted and copied rows of the table they are appended to it, which is the fastest that
 * DuckDB has. From the first update or delete on its rows are staged and merged: DuckDB finds rows by key with a scan, so
 * that must happen for many at once. (A PRIMARY KEY would find them one by one but is slower by far from some million rows
 * on, and would have to be kept in memory; so the mirror's tables have none.)
 */
export class TableWriter implements RowWriter {
  readonly table: Table;
  readonly target: Target;
  readonly #transaction: Transaction;
  readonly #host: WriterHost;
  #layout: Layout;
  #loader: TargetLoader | null = null;
  #staging: Staging | null = null;
  /** True since the first update or delete that is not merged yet. */
  #staged = false;
  /** True since a row got the key of another, which must get one too before the merge. */
  #swaps = false;
  touched = false;

  constructor(transaction: Transaction, table: Table, target: Target, layout: Layout, host: WriterHost) {
    this.table = table;
    this.target = target;
    this.#transaction = transaction;
    this.#layout = layout;
    this.#host = host;
  }

  get pendingBytes(): number {
    return (this.#loader?.pendingBytes ?? 0) + (this.#staging?.pendingBytes ?? 0);
  }

  get isSettled(): boolean {
    return !this.#staged;
  }

  async write(batch: Batch, part: TableRows): Promise<void> {
    this.touched = true;
    const { rows, range } = part;
    if (range === null) this.target.copied.add(batch, part);
    else if (this.target.copied.begin(this.table, range)) return await this.#replaceRange(batch, part, range);
    await this.#writeRows(batch, rows);
  }

  /** Writes a range that the target may have rows of: those that the batch does not have are gone then (invariant 7). */
  async #replaceRange(batch: Batch, part: TableRows, range: KeyRange): Promise<void> {
    const { rows } = part;
    expectInRange(batch, part);
    await this.settle();
    const there = new TargetRange(this.#transaction, this.target, this.#layout, this.table, range);
    if (this.#layout.mark === null) {
      await there.remove();
    } else if (!(await there.isEmpty())) {
      this.#staged = true;
      const staging = await this.#openStaging();
      await staging.add(batch, rows, () => false, false);
      const time = batch.commits[0]?.time || this.#host.now() * 1000;
      return await there.mark(time, staging.lacksSql());
    }
    await this.#writeRows(batch, rows);
  }

  async #writeRows(batch: Batch, rows: Uint32Array): Promise<void> {
    for (let at = 0; at < rows.length;) {
      const row = rows[at]!;
      if (!this.#staged) await this.#lookForMarked();
      if (batch.op[row] === Op.truncate) {
        await this.#truncate(batch, row);
        at++;
      } else if (this.#isLarge(batch, row)) {
        await this.#writeLarge(batch, rows.subarray(at, at + 1));
        at++;
      } else if (this.#staged || !this.#isAppend(batch, row)) {
        at += await this.#stage(batch, rows.subarray(at));
      } else {
        const end = this.#endOfAppend(batch, rows, at + 1);
        await this.#append(batch, rows.subarray(at, end));
        at = end;
      }
    }
  }

  /** Where the rows that can be appended together end. */
  #endOfAppend(batch: Batch, rows: Uint32Array, from: number): number {
    const mayBeLarge = batch.data.length > LARGE_BYTES;
    let end = from;
    for (; end < rows.length; end++) {
      if (!this.#isAppend(batch, rows[end]!) || (mayBeLarge && this.#isLarge(batch, rows[end]!))) break;
    }
    return end;
  }

  async settle(): Promise<void> {
    await this.#loader?.settle();
    if (this.#staging?.isEmpty === false) {
      if (await this.#host.wantsDelta(this.target)) await this.#becomeDelta();
      await this.#staging.merge();
    }
    if (this.#staged && this.#layout.mark !== null) this.target.holdsMarked = null;
    this.#staged = false;
    this.#swaps = false;
    if (this.#staging?.isWornOut === true) await this.#dropStaging();
  }

  flush(): void {
    this.#loader?.flush();
    this.#staging?.flush();
  }

  async endAppend(): Promise<void> {
    await this.#loader?.settle();
    this.#loader?.close();
    this.#loader = null;
  }

  useLayout(layout: Layout): void {
    this.#layout = layout;
    this.#staging?.useLayout(layout);
  }

  discard(): void {
    this.#loader?.close();
    this.#loader = null;
    this.#staging?.close();
    this.#staging = null;
    this.#staged = false;
  }

  async close(): Promise<void> {
    await this.#loader?.discard();
    await this.#dropStaging();
    this.discard();
  }

  /**
   * An inserted row can be appended, but where it may have to take the place of one that is marked as deleted. So can the
   * rows of a copy, which started the table empty, or whose range is empty now. A row that is read by itself may be there.
   */
  #isAppend(batch: Batch, row: number): boolean {
    const op = batch.op[row]!;
    if (op !== Op.insert && op !== Op.read) return false;
    if (this.table.key.length === 0) return true;
    // A key that waits as deleted has to come back where it waits.
    if ((this.target.delta?.gone ?? 0) > 0) return false;
    return this.target.holdsMarked !== true && (op === Op.insert || batch.chunk !== null);
  }

  async #lookForMarked(): Promise<void> {
    const { mark } = this.#layout;
    if (mark === null || this.target.holdsMarked !== null) return;
    const rows = await this.#transaction.rows(
      `SELECT 1 FROM ${qualified(this.target.name)} WHERE ${identifier(mark)} IS NOT NULL LIMIT 1`,
      `looking for deleted rows of ${tableName(this.table)}`,
    );
    this.target.holdsMarked = rows.length > 0;
  }

  /** A table that is large gets a delta, if it can. */
  async #becomeDelta(): Promise<void> {
    const { columns, mark } = this.#layout;
    if (this.table.key.length === 0 || mark !== null || !this.target.canBecomeDelta) return;
    await this.endAppend();
    await this.target.becomeDelta(this.table.key.map((index) => columns.find((column) => column.index === index)!.target));
  }

  /** Merges what waits in the delta. Nothing may be staged. */
  async mergeWaiting(): Promise<void> {
    if ((this.target.delta?.rows ?? 0) > 0) await (await this.#openStaging()).mergeWaiting();
  }

  async #dropStaging(): Promise<void> {
    const staging = this.#staging;
    this.#staging = null;
    await staging?.drop();
  }

  async #append(batch: Batch, rows: Uint32Array): Promise<void> {
    const images = new Int32Array(rows.length);
    for (let i = 0; i < rows.length; i++) images[i] = this.#imageOf(batch, rows[i]!);
    const cells = this.#transaction.slab.cells(batch, false);
    const parts = [{ cells, images }];
    const bytes = (batch.data.length * rows.length) / batch.rows;
    for (let from = 0; from < rows.length;) {
      this.#loader ??= new TargetLoader(this.#transaction, this.target.rows, this.#layout);
      try {
        await this.#loader.append({ count: rows.length, parts, extra: [] }, from, bytes);
        from = rows.length;
      } catch (error) {
        from = (await this.#toText(error)).row;
      }
    }
    if (this.#loader !== null && this.#loader.pendingRows >= FLUSH_ROWS) this.#loader.flush();
  }

  /** Mends a number that a DECIMAL cannot hold, if that was the error. */
  async #toText(error: unknown): Promise<NotFinite> {
    if (!(error instanceof NotFinite)) throw error;
    await this.endAppend();
    // Nothing is staged, but the table that would be has the old type.
    await this.#dropStaging();
    this.#layout = await this.#host.toText(this.target, this.table, error);
    return error;
  }

  #imageOf(batch: Batch, row: number): number {
    const image = batch.after[row]!;
    if (image !== NO_IMAGE) return image;
    const table = tableName(this.table);
    throw new WeirError('WEIR_SDK_USE', `a row of ${table} has no image`, { table });
  }

  /** A row that must not lie in a staging table and in the tables of a merge, all in memory. */
  #isLarge(batch: Batch, row: number): boolean {
    if (batch.data.length <= LARGE_BYTES || this.table.key.length === 0) return false;
    return this.#bytesOf(batch, batch.after[row]!) + this.#bytesOf(batch, batch.before[row]!) > LARGE_BYTES;
  }

  #bytesOf(batch: Batch, image: number): number {
    let bytes = 0;
    if (image === NO_IMAGE) return bytes;
    for (let cell = image; cell < image + this.table.columns.length; cell++) bytes += Math.max(0, batch.length[cell]!);
    return bytes;
  }

  /** Writes a large row: its key alone is staged, if anything must be, and its cells are appended. */
  async #writeLarge(batch: Batch, row: Uint32Array): Promise<void> {
    const number = row[0]!;
    const op = batch.op[number]!;
    const replaces = this.#layout.mark === null && this.#layout.extra.length === 0 && this.target.delta === null;
    if (this.#isAppend(batch, number)) {
      await this.settle();
      // What was staged may be a delete of its key, which waits now.
      if (this.#isAppend(batch, number)) await this.#append(batch, row);
      else await this.#stage(batch, row, true);
    } else if (replaces && op === Op.delete) {
      this.#staged = true;
      await (await this.#openStaging()).addKeyDelete(batch, number);
    } else if (replaces && op === Op.update && (await this.#openStaging()).isWhole(batch, number)) {
      // The old row has to go before the new one comes, not to wait.
      await this.target.noteModified(1);
      await this.settle();
      this.#staged = true;
      await (await this.#openStaging()).addKeyDelete(batch, number);
      await this.settle();
      await this.#append(batch, row);
    } else {
      await this.#stage(batch, row, true);
    }
  }

  /** Stages rows, up to the next truncate or large row. @returns how many it did */
  async #stage(batch: Batch, rows: Uint32Array, takesLarge = false): Promise<number> {
    this.#staged = true;
    const stops = (row: number): boolean => batch.op[row] === Op.truncate || (!takesLarge && this.#isLarge(batch, row));
    // Columns that the source does not have stay with their row, which only the target can tell when a row gets another key.
    // While keys are swapped it cannot: then such columns are NULL in the rows that come.
    const movesAlone = this.#layout.extra.length > 0 && !this.#swaps;
    const staging = await this.#openStaging();
    const taken = await staging.add(batch, rows, stops, movesAlone);
    if (taken < rows.length && !stops(rows[taken]!)) {
      const alone = rows.subarray(taken, taken + 1);
      await this.settle();
      this.#staged = true;
      const reopened = await this.#openStaging();
      if (!(await reopened.move(batch, alone[0]!))) {
        this.#swaps = true;
        await reopened.add(batch, alone, stops, false);
      }
      return taken + 1;
    }
    if (staging.isFull) await this.settle();
    return taken;
  }

  async #openStaging(): Promise<Staging> {
    if (this.#staging === null) {
      const toText = async (error: NotFinite): Promise<Layout> => {
        await this.endAppend();
        this.#layout = await this.#host.toText(this.target, this.table, error);
        return this.#layout;
      };
      this.#staging = await Staging.create(this.#transaction, this.table, this.target, this.#layout, toText);
    }
    return this.#staging;
  }

  async #truncate(batch: Batch, row: number): Promise<void> {
    const { mark } = this.#layout;
    if (mark !== null) {
      await this.settle();
      await this.endAppend();
      await this.#markAll(mark, batch.commits[batch.commit[row]!]!.time);
      return;
    }
    await this.#loader?.discard();
    this.#staging?.clear();
    this.#staged = false;
    this.#swaps = false;
    await this.target.truncate();
  }

  /** An UPDATE would keep every row in memory. */
  async #markAll(mark: string, time: number): Promise<void> {
    const edit = new ShapeEdit(this.target);
    edit.set(mark, `coalesce(t.${identifier(mark)}, make_timestamptz(${time}))`);
    await edit.make();
    this.target.holdsMarked = null;
  }
}
