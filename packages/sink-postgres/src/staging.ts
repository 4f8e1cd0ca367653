import { Op, WeirError, tableName, type Batch, type KeyRange } from '@weir/sdk';
import { timestampText } from './commit-time.ts';
import type { CopyRows, Field } from './copy-rows.ts';
import { findNotUtf8 } from './find-not-utf8.ts';
import { keyRangeSql } from './key-range-sql.ts';
import { MARK, doingTo, type Layout } from './layout.ts';
import {
  changeSql,
  changedDivergence,
  insertSql,
  insertedDivergence,
  presentSql,
  untangleSql,
  unknotSql,
  type Divergence,
} from './merge.ts';
import { insertKeylessSql, removeKeylessSql, removedDivergence } from './merge-keyless.ts';
import type { Doing } from './postgres-error.ts';
import { RowImages } from './row-images.ts';
import { literal } from './sql-text.ts';
import { NUMBER_GAP, fillSql, lacksSql, stageColumns, stagedList, type Merge } from './stage-sql.ts';
import type { Transaction } from './transaction.ts';

/** A merge is bounded: more than this is not staged before it. */
const MERGE_ROWS = 500_000;
const MERGE_BYTES = 256 * 2 ** 20;
/** Merged rows that may lie in a stage until the commit; above, it is emptied, so that later merges do not read them. */
const MERGED_ROWS = 8192;
/** From this many rows on, statistics pay: the server would take a stage that it knows nothing of for a small one. */
const ANALYZE_ROWS = 20_000;

/**
 * A commit's rows of one table from its first update or delete on, in a temporary table of the server, until they are
 * merged. The table stays for the next commits.
 */
export class Staging {
  readonly #transaction: Transaction;
  readonly #layout: Layout;
  readonly #name: string;
  readonly #doing: Doing;
  /** The time that the sink's clock shows, for deletes whose commit time the source does not know; in ms since 1970. */
  readonly #now: () => number;
  readonly #unchanged = new Set<number>();
  /** The number of the next row, and of the first that was not merged. */
  #next = NUMBER_GAP;
  #first = NUMBER_GAP;
  #rows = 0;
  #bytes = 0;
  #mergedRows = 0;
  /** What the rows to be merged do. */
  #changes = false;
  #inserts = false;
  #moves = false;
  #carries = false;

  private constructor(transaction: Transaction, layout: Layout, name: string, now: () => number) {
    this.#transaction = transaction;
    this.#layout = layout;
    this.#name = name;
    this.#now = now;
    this.#doing = doingTo(layout, 'writing', ({ index }) => `c${index}`);
  }

  /** @param number tells the session's stages apart */
  static async create(transaction: Transaction, layout: Layout, number: number, now: () => number): Promise<Staging> {
    const name = `weir_stage_${number}`;
    await transaction.run(
      `CREATE TEMPORARY TABLE ${name} (${stageColumns(layout)}) ON COMMIT DELETE ROWS`,
      doingTo(layout, 'staging rows of'),
    );
    return new Staging(transaction, layout, `pg_temp.${name}`, now);
  }

  /** True when so much is staged that it is better merged now. */
  get isFull(): boolean {
    return this.#rows >= MERGE_ROWS || this.#bytes >= MERGE_BYTES;
  }

  get isEmpty(): boolean {
    return this.#rows === 0;
  }

  /**
   * Stages rows of a batch in order, up to the first that `stops` or that only `addMoves` can do.
   * @returns how many it took
   */
  async add(batch: Batch, rows: Uint32Array, stops: (row: number) => boolean): Promise<number> {
    const images = new RowImages(this.#layout, batch, this.#next);
    let taken = 0;
    while (taken < rows.length && !stops(rows[taken]!) && images.add(rows[taken]!)) taken++;
    await this.#copy(batch, images, taken);
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
    await this.#copy(batch, images, taken);
    const { count } = await this.#transaction.run(fillSql(this.#merge()), this.#doing);
    this.#expectNone({ missing: taken - count, doubled: 0, present: 0 });
    this.#carries = this.#layout.extras.length > 0;
    this.#unchanged.clear();
    return taken;
  }

  /**
   * Marks the target's rows of a range as deleted whose keys are not staged.
   * @param time in µs since 1970; 0 when it is not known
   */
  async markAbsent(range: KeyRange, time: number): Promise<void> {
    const merge = this.#merge();
    const mark =
      `UPDATE ${merge.layout.sql} AS t SET ${MARK} = ${literal(this.#timeText(time))} ` +
      `WHERE t.${MARK} IS NULL AND ${keyRangeSql(merge.layout, range)} AND ${lacksSql(merge)}`;
    await this.#transaction.run(mark, this.#doing);
  }

  /** Merges what is staged into the target. @throws WeirError WEIR_PG_DIVERGED */
  async merge(): Promise<void> {
    if (this.#rows === 0) return;
    const keyed = this.#layout.key.length > 0;
    if (keyed && this.#rows >= ANALYZE_ROWS) await this.#analyze();
    if (keyed) await this.#mergeKeyed();
    else await this.#mergeKeyless();
    this.#pass();
    if (this.#mergedRows > MERGED_ROWS) await this.#empty();
  }

  /** Forgets what is staged. */
  clear(): void {
    this.#pass();
  }

  /** To be called after a commit: the server has emptied the table. */
  startGroup(): void {
    this.#pass();
    this.#mergedRows = 0;
    this.#next = NUMBER_GAP;
    this.#first = NUMBER_GAP;
  }

  async drop(): Promise<void> {
    await this.#transaction.run(`DROP TABLE ${this.#name}`, this.#doing);
  }

  async #mergeKeyed(): Promise<void> {
    const merge = this.#merge();
    if (this.#moves) {
      const { rows } = await this.#transaction.run(presentSql(merge), this.#doing);
      if (Number(rows[0]![0]) > 0) await this.#transaction.run(untangleSql(merge), this.#doing);
      while ((await this.#transaction.run(unknotSql(merge), this.#doing)).count > 0);
    }
    if (this.#changes || this.#layout.soft) {
      const { rows } = await this.#transaction.run(changeSql(merge), this.#doing);
      this.#expectNone(changedDivergence(rows[0]!));
    }
    if (!this.#inserts) return;
    const { rows } = await this.#transaction.run(insertSql(merge), this.#doing);
    this.#expectNone(insertedDivergence(rows[0]!));
  }

  async #mergeKeyless(): Promise<void> {
    const merge = this.#merge();
    if (this.#inserts) await this.#transaction.run(insertKeylessSql(merge), this.#doing);
    if (!this.#changes) return;
    const { rows } = await this.#transaction.run(removeKeylessSql(merge), this.#doing);
    this.#expectNone(removedDivergence(rows[0]!));
  }

  #merge(): Merge {
    return {
      layout: this.#layout,
      stage: this.#name,
      from: this.#first - NUMBER_GAP / 2,
      unchanged: [...this.#unchanged].sort((a, b) => a - b),
      carries: this.#carries,
    };
  }

  async #copy(batch: Batch, images: RowImages, taken: number): Promise<void> {
    if (taken === 0) return;
    const sql = `COPY ${this.#name} (${stagedList(this.#layout)}) FROM STDIN`;
    const found = (): string | null => findNotUtf8(this.#layout, images.cells, images.rows.map(({ image }) => image));
    await this.#transaction.copy(sql, { ...this.#doing, findNotUtf8: found }, (rows) => this.#fill(rows, batch, images));
    for (const { op } of images.rows) {
      if (op === Op.update || op === Op.delete || op === Op.read) this.#changes = true;
      if (op === Op.insert || op === Op.read) this.#inserts = true;
    }
    if (images.rows.length > taken) this.#moves = true;
    this.#bytes += (batch.data.length * taken) / batch.rows;
    this.#next = images.next;
    this.#rows += images.rows.length;
    for (const column of images.unchanged) this.#unchanged.add(column);
  }

  async #fill(rows: CopyRows, batch: Batch, images: RowImages): Promise<void> {
    const { columns, soft } = this.#layout;
    const { cells } = images;
    for (const { seq, marks, op, image, row } of images.rows) {
      const fields: Field[] = [String(seq), marks];
      if (soft) fields.push(op === Op.delete ? this.#timeOf(batch, row) : null);
      const waiting = rows.row(fields, cells, image, columns, true);
      if (waiting !== null) await waiting;
    }
  }

  #timeOf(batch: Batch, row: number): string {
    return this.#timeText(batch.commits[batch.commit[row]!]!.time);
  }

  #timeText(time: number): string {
    return timestampText(time === 0 ? this.#now() * 1000 : time);
  }

  async #analyze(): Promise<void> {
    const keys = this.#layout.key.map((index) => `c${index}`);
    await this.#transaction.run(`ANALYZE ${this.#name} (seq, ${keys.join(', ')})`, this.#doing);
  }

  async #empty(): Promise<void> {
    await this.#transaction.run(`TRUNCATE ${this.#name}`, this.#doing);
    this.#mergedRows = 0;
  }

  /** All rows so far are done with. */
  #pass(): void {
    this.#mergedRows += this.#rows;
    this.#rows = 0;
    this.#bytes = 0;
    this.#next += NUMBER_GAP;
    this.#first = this.#next;
    this.#changes = false;
    this.#inserts = false;
    this.#moves = false;
    this.#carries = false;
    this.#unchanged.clear();
  }

  #expectNone({ missing, doubled, present }: Divergence): void {
    if (missing === 0 && doubled === 0 && present === 0) return;
    const table = tableName(this.#layout.table);
    throw new WeirError(
      'WEIR_PG_DIVERGED',
      `${table} is not as the source left it: of this commit ${missing} rows to change are missing` +
        `, ${doubled} rows to change are there twice, ${present} rows to insert are there already`,
      { table },
    );
  }
}
