import { Op, WeirError, tableName, type Batch, type KeyRange } from '@weir/sdk';
import { timestampText } from './commit-time.ts';
import type { Field, InsertRows } from './insert-rows.ts';
import { keyRangeSql } from './key-range-sql.ts';
import { MARK, doingTo, type Layout } from './layout.ts';
import { Merging } from './merging.ts';
import { RowImages } from './row-images.ts';
import type { Doing } from './sink-error.ts';
import { literal } from './sql-text.ts';
import { FIRST_NUMBER, keysMatch, stageColumns, stagedList, type Merge } from './stage-sql.ts';
import { TemporaryTables } from './temporary-tables.ts';
import type { Transaction } from './transaction.ts';

/** A merge is bounded: more than this is not staged before it. */
const MERGE_ROWS = 500_000;
const MERGE_BYTES = 256 * 2 ** 20;

/**
 * A commit's rows of one table from its first update or delete on, in a temporary table of the server, until they are
 * merged. The table stays for the next commits.
 */
export class Staging {
  readonly #transaction: Transaction;
  readonly #layout: Layout;
  readonly #tables: TemporaryTables;
  readonly #merging: Merging;
  /** The stage's name in SQL. */
  readonly #name: string;
  readonly #doing: Doing;
  /** The time that the sink's clock shows, for deletes whose commit time the source does not know; in ms since 1970. */
  readonly #now: () => number;
  readonly #unchanged = new Set<number>();
  /** The number of the next row. */
  #next = FIRST_NUMBER;
  #rows = 0;
  #bytes = 0;
  /** Rows that the stage may still have of a merge before. */
  #merged = 0;
  #isOpen = false;
  /** What the rows to be merged do. */
  #changes = false;
  #inserts = false;
  #reads = false;
  #moves = false;
  #carries = false;

  /** @param prefix of the names of temporary tables: a database, and what tells the session's stages apart */
  constructor(transaction: Transaction, layout: Layout, prefix: string, now: () => number) {
    this.#transaction = transaction;
    this.#layout = layout;
    this.#now = now;
    this.#name = `${prefix}_stage`;
    this.#doing = doingTo(layout, 'writing', true);
    const run = (sql: string) => transaction.run(sql, this.#doing);
    this.#tables = new TemporaryTables(run);
    this.#merging = new Merging(run, this.#tables, prefix, (divergence) => this.#diverged(divergence));
  }

  /** True when so much is staged that it is better merged now. */
  get isFull(): boolean {
    return this.#rows >= MERGE_ROWS || this.#bytes >= MERGE_BYTES;
  }

  /**
   * Stages rows of a batch in order, up to the first that `stops` or that only `addMoves` can do.
   * @returns how many it took
   */
  async add(batch: Batch, rows: Uint32Array, stops: (row: number) => boolean): Promise<number> {
    const images = new RowImages(this.#layout, batch, this.#next);
    let taken = 0;
    while (taken < rows.length && !stops(rows[taken]!) && images.add(rows[taken]!)) taken++;
    await this.#insert(batch, images, taken);
    return taken;
  }

  /**
   * Stages updates that leave something as the target has it under the old key, and fetches it. Nothing may be staged
   * before. Takes as many as do not depend on each other.
   * @param isMove whether a row is such an update
   * @returns how many it took, at least one
   */
  async addMoves(batch: Batch, rows: Uint32Array, isMove: (row: number) => boolean): Promise<number> {
    const images = new RowImages(this.#layout, batch, this.#next);
    // Equal rows without a key cannot be told apart, so each change has to see the one before.
    const most = this.#layout.key.length === 0 ? 1 : rows.length;
    const keys = new Set<string>();
    let taken = 0;
    while (taken < most && isMove(rows[taken]!)) {
      const row = rows[taken]!;
      const old = images.keyText(batch.before[row]!);
      if (keys.has(old)) break;
      keys.add(old).add(images.keyText(batch.after[row]!));
      images.addMove(row);
      taken++;
    }
    await this.#insert(batch, images, taken);
    const found = await this.#merging.fillMoves(this.#merge(), taken);
    if (found !== taken) this.#diverged({ missing: taken - found, doubled: 0, present: 0 });
    this.#carries = this.#layout.extras.length > 0;
    this.#unchanged.clear();
    return taken;
  }

  /**
   * Marks the target's rows of a range as deleted whose keys are not staged.
   * @param time in µs since 1970; 0 when it is not known
   */
  async markAbsent(range: KeyRange, time: number): Promise<void> {
    await this.#open();
    const merge = this.#merge();
    await this.#merging.fillKeys(merge, this.#rows);
    const { layout, keys } = merge;
    const mark =
      `UPDATE ${layout.sql} AS t LEFT JOIN ${keys} AS k ON ${keysMatch(layout, 't', 'k')} ` +
      `SET t.${MARK} = ${literal(this.#timeText(time))} ` +
      `WHERE t.${MARK} IS NULL AND k.last_seq IS NULL AND ${keyRangeSql(layout, range)}`;
    await this.#transaction.run(mark, this.#doing);
  }

  /** Merges what is staged into the target. @throws WeirError WEIR_MYSQL_DIVERGED */
  async merge(): Promise<void> {
    if (this.#rows === 0) return;
    const merge = this.#merge();
    const does = { rows: this.#rows, changes: this.#changes, inserts: this.#inserts, reads: this.#reads, moves: this.#moves };
    if (this.#layout.key.length > 0) await this.#merging.keyed(merge, does);
    else await this.#merging.keyless(merge, does);
    this.clear();
  }

  /** Forgets what is staged. */
  clear(): void {
    this.#merged = Math.max(this.#merged, this.#rows);
    this.#isOpen = false;
    this.#rows = 0;
    this.#bytes = 0;
    this.#next = FIRST_NUMBER;
    this.#changes = false;
    this.#inserts = false;
    this.#reads = false;
    this.#moves = false;
    this.#carries = false;
    this.#unchanged.clear();
  }

  async drop(): Promise<void> {
    await this.#tables.dropAll();
  }

  #merge(): Merge {
    return {
      layout: this.#layout,
      stage: this.#name,
      keys: this.#merging.keys,
      unchanged: [...this.#unchanged].sort((a, b) => a - b),
      carries: this.#carries,
    };
  }

  async #open(): Promise<void> {
    if (this.#isOpen) return;
    await this.#tables.open(this.#name, stageColumns(this.#layout), this.#merged);
    this.#merged = 0;
    this.#isOpen = true;
  }

  async #insert(batch: Batch, images: RowImages, taken: number): Promise<void> {
    if (taken === 0) return;
    await this.#open();
    const into = `INSERT INTO ${this.#name} (${stagedList(this.#layout)}) VALUES`;
    await this.#transaction.insert(into, this.#doing, (rows) => this.#fill(rows, batch, images));
    for (const { op } of images.rows) {
      if (op === Op.update || op === Op.delete || op === Op.read) this.#changes = true;
      if (op === Op.insert || op === Op.read) this.#inserts = true;
      if (op === Op.read) this.#reads = true;
    }
    if (images.rows.length > taken) this.#moves = true;
    this.#bytes += (batch.data.length * taken) / batch.rows;
    this.#next = images.next;
    this.#rows += images.rows.length;
    for (const column of images.unchanged) this.#unchanged.add(column);
  }

  async #fill(rows: InsertRows, batch: Batch, images: RowImages): Promise<void> {
    const { columns, soft } = this.#layout;
    const { cells } = images;
    for (const { seq, marks, op, image, row } of images.rows) {
      const fields: Field[] = [seq, marks];
      if (soft) fields.push(op === Op.delete ? this.#timeText(batch.commits[batch.commit[row]!]!.time) : null);
      const waiting = rows.row(fields, cells, image, columns, true);
      if (waiting !== null) await waiting;
    }
  }

  #timeText(time: number): string {
    return timestampText(time === 0 ? this.#now() * 1000 : time);
  }

  #diverged({ missing, doubled, present }: { missing: number; doubled: number; present: number }): never {
    const table = tableName(this.#layout.table);
    throw new WeirError(
      'WEIR_MYSQL_DIVERGED',
      `${table} is not as the source left it: of this commit ${missing} rows to change are missing` +
        `, ${doubled} rows to change are there twice, ${present} rows to insert are there already`,
      { table },
    );
  }
}
