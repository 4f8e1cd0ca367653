import { WeirError, tableName, type Batch, type Table } from '@weir/sdk';
import type { ColumnEncoder } from './encode.ts';
import { Loader } from './loader.ts';
import {
  NUMBER_GAP,
  applySql,
  countSql,
  divergence,
  moveSql,
  presentSql,
  stagingColumns,
  untangleSql,
  type Divergence,
  type Merge,
} from './merge.ts';
import { RowImages } from './row-images.ts';
import type { QualifiedName } from './sql-text.ts';
import type { Transaction } from './transaction.ts';

/** A merge's own memory is bounded by merging before more than this is staged; the staging table itself spills. */
const MERGE_ROWS = 500_000;
const MERGE_BYTES = 256 * 2 ** 20;
/** Rows that may lie in a staging table after they were merged. Emptying it costs more than to look past them. */
const MERGED_ROWS = 8192;

/**
 * A group's rows of one table from its first update or delete on, in a temporary table, until they are merged.
 * The table stays for the next groups: merged rows are told by their number, until there are too many and it is dropped.
 */
export class Staging {
  readonly #transaction: Transaction;
  readonly #table: Table;
  readonly #target: QualifiedName;
  readonly #name: string;
  readonly #loader: Loader;
  /** Columns that a staged image left unchanged. */
  readonly #unchanged = new Set<number>();
  /** The number of the next row, and of the first that was not merged. */
  #next = NUMBER_GAP;
  #first = NUMBER_GAP;
  #rows = 0;
  #bytes = 0;
  #mergedRows = 0;

  private constructor(transaction: Transaction, table: Table, target: QualifiedName, name: string, loader: Loader) {
    this.#transaction = transaction;
    this.#table = table;
    this.#target = target;
    this.#name = name;
    this.#loader = loader;
  }

  /** @param number tells the session's staging tables apart */
  static async create(
    transaction: Transaction,
    table: Table,
    target: QualifiedName,
    encoders: readonly ColumnEncoder[],
    number: number,
  ): Promise<Staging> {
    const name = { database: 'temp', schema: 'main', table: `weir_stage_${number}` };
    const text = `temp.main.${name.table}`;
    await transaction.run(`CREATE TEMP TABLE ${text} (${stagingColumns(table)})`, `staging ${tableName(table)}`);
    const loader = await Loader.open(transaction.connection, name, encoders, transaction.slots);
    return new Staging(transaction, table, target, text, loader);
  }

  /** True when so much is staged that it is better merged now. */
  get isFull(): boolean {
    return this.#rows >= MERGE_ROWS || this.#bytes >= MERGE_BYTES;
  }

  /** True when so many merged rows lie in the table that it is better dropped. */
  get isWornOut(): boolean {
    return this.#mergedRows > MERGED_ROWS;
  }

  get pendingBytes(): number {
    return this.#loader.pendingBytes;
  }

  flush(): void {
    this.#loader.flush();
  }

  /**
   * Stages rows of a batch in order, up to the first that `stops` or that only `move` can do.
   * @returns how many it took
   */
  add(batch: Batch, rows: Uint32Array, stops: (row: number) => boolean): number {
    const images = new RowImages(this.#table, batch, rows.length, this.#next);
    let taken = 0;
    while (taken < rows.length && !stops(rows[taken]!) && images.add(rows[taken]!)) taken++;
    this.#append(batch, images, taken);
    return taken;
  }

  /** Merges what is staged into the target. @throws WeirError WEIR_DUCKDB_DIVERGED */
  async merge(): Promise<void> {
    if (this.#rows === 0) return;
    this.#loader.flush();
    const doing = `merging into ${tableName(this.#table)}`;
    const merge = this.#merge();
    let found = divergence((await this.#transaction.rows(countSql(merge), doing))[0]!);
    if (found.present > 0) {
      await this.#transaction.run(untangleSql(merge), doing);
      found = divergence((await this.#transaction.rows(countSql(merge), doing))[0]!);
    }
    this.#expectNone(found);
    await this.#transaction.run(applySql(merge), doing);
    this.#pass();
  }

  /** Gives one row a new key and leaves its unchanged cells as they are in the target. Nothing else may be staged. */
  async move(batch: Batch, row: number): Promise<void> {
    const images = new RowImages(this.#table, batch, 1, this.#next);
    const { oldSeq, newSeq } = images.addMove(row);
    this.#append(batch, images, 1);
    this.#loader.flush();
    const doing = `changing a key of ${tableName(this.#table)}`;
    const merge = this.#merge();
    const present = Number((await this.#transaction.rows(presentSql(merge, newSeq), doing))[0]![0]);
    const columns = this.#table.columns.map((_, index) => index).filter((index) => !images.unchanged.has(index));
    const { rowsChanged } = await this.#transaction.run(moveSql(merge, { oldSeq, newSeq, columns }), doing);
    this.#expectNone({ missing: rowsChanged === 0 ? 1 : 0, doubled: Math.max(0, rowsChanged - 1), present });
    this.#pass();
  }

  /** Forgets what is staged. */
  clear(): void {
    this.#loader.discard();
    this.#pass();
  }

  /** Gives up the loader; the table goes with the connection or with `drop`. */
  close(): void {
    this.#loader.close();
  }

  async drop(): Promise<void> {
    this.close();
    await this.#transaction.run(`DROP TABLE ${this.#name}`, `staging ${tableName(this.#table)}`);
  }

  #merge(): Merge {
    return {
      table: this.#table,
      target: this.#target,
      stage: this.#name,
      from: this.#first - NUMBER_GAP / 2,
      unchanged: [...this.#unchanged].sort((a, b) => a - b),
    };
  }

  #append(batch: Batch, images: RowImages, taken: number): void {
    if (taken === 0) return;
    const cells = images.cells(this.#transaction.slab.cells(batch, true));
    const extra = [{ values: images.sequence }, ...images.marks.map((values) => ({ values }))];
    this.#loader.append(cells, images.images, images.count, extra);
    const bytes = (batch.data.length * taken) / batch.rows;
    this.#loader.addPendingBytes(bytes);
    this.#bytes += bytes;
    this.#next = images.next;
    this.#rows += images.count;
    for (const column of images.unchanged) this.#unchanged.add(column);
  }

  /** All rows so far are done with. */
  #pass(): void {
    this.#mergedRows += this.#rows + 1;
    this.#rows = 0;
    this.#bytes = 0;
    this.#next += NUMBER_GAP;
    this.#first = this.#next;
    this.#unchanged.clear();
  }

  #expectNone({ missing, doubled, present }: Divergence): void {
    if (missing === 0 && doubled === 0 && present === 0) return;
    throw new WeirError(
      'WEIR_DUCKDB_DIVERGED',
      `${tableName(this.#table)} is not as the source left it: of the keys of this commit ${missing} to change are missing` +
        `, ${doubled} rows to change are there twice, ${present} rows to insert are there already`,
    );
  }
}
