import { tableName, type Batch, type Table } from '@weir/sdk';
import { columnEncoder } from './column-encoders.ts';
import { countWaitingSql, doubtsSql, lookSql, mergeWaitingSql, waitSql, type DeltaTables } from './delta.ts';
import { NotFinite } from './encode.ts';
import { keylessApplySql, keylessMissingSql } from './keyless-merge.ts';
import type { Layout } from './layout.ts';
import { Loader, type LoadedRows } from './loader.ts';
import {
  applySql,
  countSql,
  divergence,
  knotted,
  lacksSql,
  moveSql,
  presentSql,
  unknotSql,
  untangleSql,
  vectorsFound,
} from './merge.ts';
import { RowImages, type ImageOptions } from './row-images.ts';
import { decimalTextSql } from './shape-edit.ts';
import { NUMBER_GAP, expectAsLeft, extraColumns, stagingColumns, type Merge } from './staged-rows.ts';
import type { Target } from './target.ts';
import type { Transaction } from './transaction.ts';

/** A merge's own memory is bounded by merging before more than this is staged; the staging table itself spills. */
const MERGE_ROWS = 500_000;
const MERGE_BYTES = 256 * 2 ** 20;
/** An UPDATE keeps what it changes in memory until the commit, so that few rows are changed in place. */
const IN_PLACE_ROWS = 4096;
/** Rows that may lie in a staging table after they were merged. Emptying it costs more than to look past them. */
const MERGED_ROWS = 8192;

/** Makes a column of the target VARCHAR, for a number that its DECIMAL cannot hold. @returns the layout from then on */
export type ToText = (error: NotFinite) => Promise<Layout>;

/**
 * A group's rows of one table from its first update or delete on, in a temporary table, until they are merged.
 * The table stays for the next groups: merged rows are told by their number, until there are too many and it is dropped.
 */
export class Staging {
  readonly #transaction: Transaction;
  readonly #table: Table;
  readonly #target: Target;
  readonly #toText: ToText;
  #layout: Layout;
  #name = '';
  #loader: Loader | null = null;
  /** How many staged images left a column unchanged. */
  readonly #unchanged = new Map<number, number>();
  #onlyUpdates = true;
  /** The number of the next row, and of the first that was not merged. */
  #next = NUMBER_GAP;
  #first = NUMBER_GAP;
  #rows = 0;
  #bytes = 0;
  #mergedRows = 0;

  private constructor(transaction: Transaction, table: Table, target: Target, layout: Layout, toText: ToText) {
    this.#transaction = transaction;
    this.#table = table;
    this.#target = target;
    this.#layout = layout;
    this.#toText = toText;
  }

  static async create(
    transaction: Transaction,
    table: Table,
    target: Target,
    layout: Layout,
    toText: ToText,
  ): Promise<Staging> {
    const staging = new Staging(transaction, table, target, layout, toText);
    const columns = stagingColumns(layout, table.columns.length);
    await staging.#open((name) => `CREATE TEMP TABLE ${name} (${columns})`);
    return staging;
  }

  /** True when so much is staged that it is better merged now. */
  get isFull(): boolean {
    return this.#rows >= MERGE_ROWS || this.#bytes >= MERGE_BYTES;
  }

  /** True when so many merged rows lie in the table that it is better dropped. */
  get isWornOut(): boolean {
    return this.#mergedRows > MERGED_ROWS;
  }

  get isEmpty(): boolean {
    return this.#rows === 0;
  }

  get pendingBytes(): number {
    return this.#loader?.pendingBytes ?? 0;
  }

  flush(): void {
    this.#loader?.flush();
  }

  /** The target has other columns beside the staged ones than before. */
  useLayout(layout: Layout): void {
    this.#layout = layout;
  }

  /**
   * Stages rows of a batch in order, up to the first that `stops` or that only `move` can do.
   * @returns how many it took
   */
  async add(batch: Batch, rows: Uint32Array, stops: (row: number) => boolean, movesAlone: boolean): Promise<number> {
    const images = this.#images(batch, rows.length, movesAlone);
    let taken = 0;
    while (taken < rows.length && !stops(rows[taken]!) && images.add(rows[taken]!)) taken++;
    await this.#append(batch, images, taken);
    return taken;
  }

  /** Whether an update brings all cells of its row, under the key that it had. */
  isWhole(batch: Batch, row: number): boolean {
    return this.#images(batch, 1, false).isWhole(row);
  }

  /** Stages a delete of a row's key without its other cells. */
  async addKeyDelete(batch: Batch, row: number): Promise<void> {
    const images = this.#images(batch, 1, false);
    images.addKeyDelete(row);
    await this.#append(batch, images, 1);
  }

  /** Merges what is staged into the target. @throws WeirError WEIR_DUCKDB_DIVERGED */
  async merge(): Promise<void> {
    if (this.#rows === 0) return;
    this.flush();
    const merge = this.#merge();
    if (this.#table.key.length === 0) await this.#mergeKeyless(merge, false);
    else await this.#mergeKeyed(merge);
    this.#pass();
  }

  /** Merges what waits in the target's delta into its base. @throws WeirError WEIR_DUCKDB_DIVERGED */
  async mergeWaiting(): Promise<void> {
    const doing = `merging into ${tableName(this.#table)}`;
    const { delta } = this.#target;
    if (delta === null || delta.rows === 0) return;
    const merge = this.#merge();
    const found = (await this.#transaction.rows(countWaitingSql(merge, delta), doing))[0]!;
    expectAsLeft(this.#table, divergence(found));
    await this.#target.noteModified(vectorsFound(found));
    await this.#transaction.run(mergeWaitingSql(merge, delta), doing);
    await this.#target.countWaiting();
  }

  /** Lets the staged rows wait in the target's delta. */
  async #wait(merge: Merge, delta: DeltaTables): Promise<void> {
    const doing = `changing ${tableName(this.#table)}`;
    await this.#transaction.run(lookSql(merge, delta), doing);
    const doubts = (await this.#transaction.rows(doubtsSql, doing))[0]!;
    if (doubts.some((count) => Number(count) > 0)) {
      await this.#count(merge, doing);
      await this.#transaction.run(lookSql(merge, delta), doing);
    }
    await this.#transaction.run(waitSql(merge, delta), doing);
    await this.#target.countWaiting();
  }

  async #mergeKeyed(merge: Merge): Promise<void> {
    const { delta } = this.#target;
    if (delta !== null) return await this.#wait(merge, delta);
    const doing = `merging into ${tableName(this.#table)}`;
    const found = await this.#count(merge, doing);
    await this.#target.noteModified(merge.inPlace === null ? vectorsFound(found) : 0);
    await this.#transaction.run(applySql(merge), doing);
  }

  /** Counts what is there of the staged keys. @returns what `countSql` answers @throws WeirError WEIR_DUCKDB_DIVERGED */
  async #count(merge: Merge, doing: string): Promise<readonly unknown[]> {
    const count = async (): Promise<readonly unknown[]> => (await this.#transaction.rows(countSql(merge), doing))[0]!;
    let found = await count();
    if (divergence(found).present > 0) {
      await this.#transaction.run(untangleSql(merge), doing);
      found = await count();
    }
    // Each time one of a key's rows goes.
    while (knotted(found) > 0) {
      await this.#transaction.run(unknotSql(merge), doing);
      found = await count();
    }
    expectAsLeft(this.#table, divergence(found));
    return found;
  }

  async #mergeKeyless(merge: Merge, linked: boolean): Promise<void> {
    const doing = `merging into ${tableName(this.#table)}`;
    const missing = Number((await this.#transaction.rows(keylessMissingSql(merge), doing))[0]![0]);
    expectAsLeft(this.#table, { missing, doubled: 0, present: 0 });
    await this.#target.noteModified(this.#rows);
    await this.#transaction.run(keylessApplySql(merge, linked), doing);
  }

  /**
   * Makes one update that keeps of the target's row what did not come: with another key, or without any. Nothing else may be
   * staged.
   * @returns false, with nothing done, when another row has the new key and this one is known whole: then `add` can take it
   */
  async move(batch: Batch, row: number): Promise<boolean> {
    const images = this.#images(batch, 1, false);
    const { oldSeq, newSeq } = images.addMove(row);
    await this.#append(batch, images, 1);
    this.flush();
    await this.mergeWaiting();
    const merge = { ...this.#merge(), target: this.#target.rows, isView: false };
    if (this.#table.key.length === 0) await this.#mergeKeyless(merge, true);
    else if (!(await this.#moveKeyed(merge, oldSeq, newSeq, images))) return false;
    this.#pass();
    return true;
  }

  async #moveKeyed(merge: Merge, oldSeq: number, newSeq: number, images: RowImages): Promise<boolean> {
    const doing = `changing a key of ${tableName(this.#table)}`;
    const present = Number((await this.#transaction.rows(presentSql(merge, newSeq), doing))[0]![0]);
    if (present > 0 && images.unchanged.size === 0) {
      this.#pass();
      return false;
    }
    await this.#target.noteModified(1);
    const columns = this.#table.columns.map((_, index) => index).filter((index) => !images.unchanged.has(index));
    const { rowsChanged } = await this.#transaction.run(moveSql(merge, { oldSeq, newSeq, columns }), doing);
    expectAsLeft(this.#table, { missing: rowsChanged === 0 ? 1 : 0, doubled: Math.max(0, rowsChanged - 1), present });
    return true;
  }

  /** A condition for rows `t` of the target: their keys are not among those that are staged. */
  lacksSql(): string {
    this.flush();
    return lacksSql(this.#merge());
  }

  /** Forgets what is staged. */
  clear(): void {
    this.#loader?.discard();
    this.#pass();
  }

  /** Gives up the loader; the table goes with the connection or with `drop`. */
  close(): void {
    this.#loader?.close();
    this.#loader = null;
  }

  async drop(): Promise<void> {
    this.close();
    await this.#transaction.run(`DROP TABLE ${this.#name}`, `staging ${tableName(this.#table)}`);
  }

  #images(batch: Batch, rows: number, movesAlone: boolean): RowImages {
    const options: ImageOptions = { marksDeletes: this.#layout.mark !== null, movesAlone };
    return new RowImages(this.#table, batch, rows, this.#next, options);
  }

  #merge(): Merge {
    const laid = this.#layout.columns.map((column) => column.index);
    return {
      layout: this.#layout,
      key: this.#table.key,
      target: this.#target.name,
      isView: this.#target.delta !== null,
      stage: this.#name,
      from: this.#first - NUMBER_GAP / 2,
      unchanged: [...this.#unchanged.keys()].filter((index) => laid.includes(index)).sort((a, b) => a - b),
      inPlace: this.#inPlace(laid),
    };
  }

  /** Changing rows in place pays where a part of them is not sent, and may be large. */
  #inPlace(laid: readonly number[]): number[] | null {
    if (!this.#onlyUpdates || this.#target.delta !== null || this.#rows > IN_PLACE_ROWS) return null;
    const sent = laid.filter((index) => this.#unchanged.get(index) !== this.#rows);
    return sent.length < laid.length || this.#layout.extra.length > 0 ? sent : null;
  }

  async #append(batch: Batch, images: RowImages, taken: number): Promise<void> {
    if (taken === 0) return;
    const gone = this.#layout.mark === null ? [] : [images.gone];
    const extra = [images.sequence, ...gone, ...images.marks].map((values) => ({ values }));
    for (let from = 0; from < images.count;) {
      const cells = images.cells(this.#transaction.slab.cells(batch, true));
      const rows: LoadedRows = { count: images.count, parts: [{ cells, images: images.images }], extra };
      try {
        this.#loader!.append(rows, from);
        from = images.count;
      } catch (error) {
        if (!(error instanceof NotFinite)) throw error;
        from = error.row;
        await this.#retype(error);
      }
    }
    const bytes = (batch.data.length * taken) / batch.rows;
    this.#loader!.addPendingBytes(bytes);
    this.#bytes += bytes;
    this.#next = images.next;
    this.#rows += images.count;
    this.#onlyUpdates &&= images.onlyUpdates;
    for (const [column, count] of images.unchanged) this.#unchanged.set(column, (this.#unchanged.get(column) ?? 0) + count);
  }

  /** Makes a column of the target and of the staged rows VARCHAR. */
  async #retype(error: NotFinite): Promise<void> {
    this.#layout = await this.#toText(error);
    this.flush();
    this.close();
    const names = extraColumns(this.#layout, this.#table.columns.length).map(({ name }) => name);
    const cells = this.#layout.columns.map(({ index }) =>
      index === error.index ? `${decimalTextSql(`c${index}`)} AS c${index}` : `c${index}`,
    );
    const old = this.#name;
    const columns = [...names, ...cells].join(', ');
    await this.#open((name) => `CREATE TEMP TABLE ${name} AS SELECT ${columns} FROM ${old};\nDROP TABLE ${old}`);
  }

  async #open(sql: (name: string) => string): Promise<void> {
    const { connection, slots } = this.#transaction;
    const name = { database: 'temp', schema: 'main', table: `weir_stage_${this.#transaction.nextNumber()}` };
    this.#name = `temp.main.${name.table}`;
    await this.#transaction.run(sql(this.#name), `staging ${tableName(this.#table)}`);
    const columns = this.#layout.columns.map((column) => ({ encoder: columnEncoder(column, slots), part: 0 }));
    this.#loader = await Loader.open(
      connection,
      name,
      columns,
      slots,
      extraColumns(this.#layout, this.#table.columns.length).length,
    );
  }

  /** All rows so far are done with. */
  #pass(): void {
    this.#mergedRows += this.#rows + 1;
    this.#rows = 0;
    this.#bytes = 0;
    this.#next += NUMBER_GAP;
    this.#first = this.#next;
    this.#unchanged.clear();
    this.#onlyUpdates = true;
  }
}
