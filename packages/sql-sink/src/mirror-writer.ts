import {
  NO_IMAGE,
  Op,
  WeirError,
  expectInRange,
  tableName,
  type Batch,
  type CopiedRanges,
  type KeyRange,
  type TableRows,
} from '@weir/sdk';
import type { Dialect } from './dialect.ts';
import { findNotUtf8 } from './find-not-utf8.ts';
import { MARK, columnList, doingTo, type Layout } from './layout.ts';
import { RowImages } from './row-images.ts';
import type { Field } from './row-loader.ts';
import type { SqlTransaction } from './sql-transaction.ts';
import { Staging } from './staging.ts';
import type { TableWriter } from './table-writer.ts';

/** Rows of a mirror have nothing but their cells. */
const NO_FIELDS: readonly Field[] = [];

export interface MirrorOptions {
  /** Tells the session's writers apart. */
  readonly number: number;
  readonly copied: CopiedRanges;
  /** The time that the sink's clock shows, in ms since 1970. */
  readonly now: () => number;
}

/**
 * Writes the mirror of one table version within the session's transaction.
 *
 * While a commit group has only inserted and copied rows of the table they are loaded straight into it. From the first
 * update or delete on its rows are staged and merged, many at once. Where deletes leave marked rows, an insert may have to
 * take the place of one, so only the rows of a copy go straight in: it begins with an empty table, or with a range that is
 * emptied first.
 */
export class MirrorWriter<E> implements TableWriter<E> {
  readonly layout: Layout<E>;
  readonly #dialect: Dialect<E>;
  readonly #transaction: SqlTransaction;
  readonly #number: number;
  readonly #now: () => number;
  readonly #copied: CopiedRanges;
  #staging: Staging<E> | null = null;
  /** True since the first staged row that is not merged yet. */
  #staged = false;
  touched = false;

  constructor(dialect: Dialect<E>, transaction: SqlTransaction, layout: Layout<E>, { number, copied, now }: MirrorOptions) {
    this.#dialect = dialect;
    this.#transaction = transaction;
    this.layout = layout;
    this.#number = number;
    this.#now = now;
    this.#copied = copied;
  }

  async write(batch: Batch, part: TableRows): Promise<void> {
    this.touched = true;
    const { rows, range } = part;
    if (range === null) this.#copied.add(batch, part);
    else if (this.#copied.begin(this.layout.table, range)) return await this.#replaceRange(batch, part, range);
    await this.#writeRows(batch, rows);
  }

  /** Writes a range that the target may have rows of: those that the batch does not have are gone then (invariant 7). */
  async #replaceRange(batch: Batch, part: TableRows, range: KeyRange): Promise<void> {
    const { layout } = this;
    expectInRange(batch, part);
    await this.settle();
    const doing = doingTo(layout, 'copying a range of');
    const where = this.#dialect.rangeSql(layout, range);
    if (!layout.soft) {
      await this.#transaction.run(this.#dialect.deleteSql(layout, where), doing);
    } else if ((await this.#transaction.run(`SELECT 1 FROM ${layout.sql} AS t WHERE ${where} LIMIT 1`, doing)).rows.length > 0) {
      this.#staged = true;
      const staging = this.#openStaging();
      await staging.add(batch, part.rows, () => false);
      return await staging.markAbsent(range, batch.commits[0]?.time ?? 0);
    }
    await this.#writeRows(batch, part.rows);
  }

  async #writeRows(batch: Batch, rows: Uint32Array): Promise<void> {
    for (let at = 0; at < rows.length;) {
      const row = rows[at]!;
      if (batch.op[row] === Op.truncate) {
        await this.#truncate(batch, row);
        at++;
      } else if (this.#staged || !this.#goesStraightIn(batch, row)) {
        at += await this.#stage(batch, rows.subarray(at));
      } else {
        let end = at + 1;
        while (end < rows.length && this.#goesStraightIn(batch, rows[end]!)) end++;
        await this.#append(batch, rows.subarray(at, end));
        at = end;
      }
    }
  }

  async settle(): Promise<void> {
    await this.#staging?.merge();
    this.#staged = false;
  }

  startGroup(): void {
    this.touched = false;
    this.#staging?.startGroup();
  }

  async close(): Promise<void> {
    const staging = this.#staging;
    this.#staging = null;
    this.#staged = false;
    await staging?.drop();
  }

  /** A row that is read by itself, not in a copy, may be there already. */
  #goesStraightIn(batch: Batch, row: number): boolean {
    const op = batch.op[row]!;
    const keyed = this.layout.key.length > 0;
    if (op === Op.read) return batch.chunk !== null || !keyed;
    return op === Op.insert && !(this.layout.soft && keyed);
  }

  async #append(batch: Batch, rows: Uint32Array): Promise<void> {
    const { layout } = this;
    const imagesOf = (): number[] => Array.from(rows, (row) => batch.after[row]!);
    const at = { ...doingTo(layout, 'writing'), findNotUtf8: () => findNotUtf8(layout, batch, imagesOf()) };
    await this.#transaction.load(layout.sql, columnList(layout), at, async (load) => {
      for (const row of rows) {
        const waiting = load.row(NO_FIELDS, batch, this.#imageOf(batch, row), layout.columns, false);
        if (waiting !== null) await waiting;
      }
    });
  }

  #imageOf(batch: Batch, row: number): number {
    const image = batch.after[row]!;
    if (image !== NO_IMAGE) return image;
    const table = tableName(this.layout.table);
    throw new WeirError('WEIR_SDK_USE', `a row of ${table} has no image`, { table });
  }

  /** Stages rows, up to the next truncate. @returns how many it did */
  async #stage(batch: Batch, rows: Uint32Array): Promise<number> {
    this.#staged = true;
    const staging = this.#openStaging();
    let taken = await staging.add(batch, rows, (row) => batch.op[row] === Op.truncate);
    if (taken < rows.length && batch.op[rows[taken]!] === Op.update) {
      await staging.merge();
      taken += await staging.addMoves(batch, rows.subarray(taken), (row) => this.#isMove(batch, row));
    }
    if (staging.isFull) await staging.merge();
    return taken;
  }

  #isMove(batch: Batch, row: number): boolean {
    return batch.op[row] === Op.update && !new RowImages(this.layout, batch, 0).add(row);
  }

  #openStaging(): Staging<E> {
    return (this.#staging ??= new Staging(this.#dialect, this.#transaction, this.layout, this.#number, this.#now));
  }

  async #truncate(batch: Batch, row: number): Promise<void> {
    const { layout } = this;
    const doing = doingTo(layout, 'truncating');
    // Under soft deletes what was written before is marked, so it must be there.
    if (layout.soft) await this.settle();
    else this.#staging?.clear();
    this.#staged = false;
    if (layout.soft) {
      const { time } = batch.commits[batch.commit[row]!]!;
      const at = this.#dialect.literal(this.#dialect.timestampText(time === 0 ? this.#now() * 1000 : time));
      await this.#transaction.run(`UPDATE ${layout.sql} SET ${MARK} = ${at} WHERE ${MARK} IS NULL`, doing);
    } else {
      await this.#dialect.empty(this.#transaction, layout, doing);
    }
  }
}
