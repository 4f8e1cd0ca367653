import { tableName, type KeyRange, type Table } from '@weir/sdk';
import { vectorsSql } from './held-deletes.ts';
import { keyRangeSql } from './key-range-sql.ts';
import type { Layout } from './layout.ts';
import { identifier, qualified } from './sql-text.ts';
import type { Target } from './target.ts';
import type { Transaction } from './transaction.ts';

/** The rows of a target whose keys lie in a range that is copied once more. Nothing may wait to be merged into it. */
export class TargetRange {
  readonly #transaction: Transaction;
  readonly #target: Target;
  readonly #layout: Layout;
  readonly #doing: string;
  /** For a row `t`. */
  readonly #condition: string;

  constructor(transaction: Transaction, target: Target, layout: Layout, table: Table, range: KeyRange) {
    this.#transaction = transaction;
    this.#target = target;
    this.#layout = layout;
    this.#doing = `copying a range of ${tableName(table)}`;
    this.#condition = keyRangeSql(layout, table, range, transaction.slots);
  }

  /** Whether there is no row, marked or not. */
  async isEmpty(): Promise<boolean> {
    const sql = `SELECT 1 FROM ${this.#table} WHERE ${this.#condition} LIMIT 1`;
    return (await this.#transaction.rows(sql, this.#doing)).length === 0;
  }

  async remove(): Promise<void> {
    const { delta, rows } = this.#target;
    if (delta !== null) {
      await this.#transaction.run(`DELETE FROM ${qualified(delta.delta)} AS t WHERE ${this.#condition}`, this.#doing);
      await this.#target.countWaiting();
    }
    const sql = `SELECT ${vectorsSql(this.#layout)} FROM ${qualified(rows)} AS t WHERE ${this.#condition}`;
    const vectors = Number((await this.#transaction.rows(sql, this.#doing))[0]![0]);
    if (vectors === 0) return;
    await this.#target.noteModified(vectors);
    await this.#transaction.run(`DELETE FROM ${qualified(rows)} AS t WHERE ${this.#condition}`, this.#doing);
  }

  /**
   * Marks the rows as deleted that are not yet.
   * @param time in µs since 1970
   * @param which a condition more for a row `t`
   */
  async mark(time: number, which: string): Promise<void> {
    const mark = identifier(this.#layout.mark!);
    const sql =
      `UPDATE ${this.#table} SET ${mark} = make_timestamptz(${time}) ` +
      `WHERE ${this.#condition} AND t.${mark} IS NULL AND ${which}`;
    const { rowsChanged } = await this.#transaction.run(sql, this.#doing);
    if (rowsChanged === 0) return;
    await this.#target.noteModified(0);
    this.#target.holdsMarked = true;
  }

  get #table(): string {
    return `${qualified(this.#target.name)} AS t`;
  }
}
