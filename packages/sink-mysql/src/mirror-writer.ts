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
import { timestampText } from './commit-time.ts';
import type { Field } from './insert-rows.ts';
import { keyRangeSql } from './key-range-sql.ts';
import { MARK, columnList, doingTo, type Layout } from './layout.ts';
import { RowImages } from './row-images.ts';
import { literal } from './sql-text.ts';
import { Staging } from './staging.ts';
import type { TableWriter } from './table-writer.ts';
import type { Transaction } from './transaction.ts';

/** Rows of a mirror have nothing but their cells. */
const NO_FIELDS: readonly Field[] = [];

export interface MirrorOptions {
  readonly copied: CopiedRanges;
  /** The time that the sink's clock shows, in ms since 1970. */
  readonly now: () => number;
}

/**
 * Writes the mirror of one table version within the session's transaction.
 *
 * While a commit group has only inserted and copied rows of the table they are inserted straight into it. From the first
 * update or delete on its rows are staged and merged, many at once. Where deletes leave marked rows, an insert may have to
 * take the place of one, so only the rows of a copy go straight in: it begins with an empty table, or with a range that is
 * emptied first.
 */
export class MirrorWriter implements TableWriter {
  readonly layout: Layout;
  readonly #transaction: Transaction;
  readonly #prefix: string;
  readonly #now: () => number;
  readonly #copied: CopiedRanges;
  #staging: Staging | null = null;
  /** True since the first staged row that is not merged yet. */
  #staged = false;
  touched = false;

  /** @param prefix of the names of its temporary tables */
  constructor(transaction: Transaction, layout: Layout, prefix: string, { copied, now }: MirrorOptions) {
    this.#transaction = transaction;
    this.layout = layout;
    this.#prefix = prefix;
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
    const there = `${layout.sql} AS t WHERE ${keyRangeSql(layout, range)}`;
    if (!layout.soft) {
      await this.#transaction.run(`DELETE t FROM ${there}`, doing);
    } else if ((await this.#transaction.run(`SELECT 1 FROM ${there} LIMIT 1`, doing)).rows.length > 0) {
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
    const into = `INSERT INTO ${layout.sql} (${columnList(layout)}) VALUES`;
    await this.#transaction.insert(into, doingTo(layout, 'writing'), async (inserts) => {
      for (const row of rows) {
        const waiting = inserts.row(NO_FIELDS, batch, this.#imageOf(batch, row), layout.columns, false);
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

  #openStaging(): Staging {
    return (this.#staging ??= new Staging(this.#transaction, this.layout, this.#prefix, this.#now));
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
      const at = literal(timestampText(time === 0 ? this.#now() * 1000 : time));
      await this.#transaction.run(`UPDATE ${layout.sql} SET ${MARK} = ${at} WHERE ${MARK} IS NULL`, doing);
    } else {
      // TRUNCATE would commit by itself.
      await this.#transaction.run(`DELETE FROM ${layout.sql}`, doing);
    }
  }
}
