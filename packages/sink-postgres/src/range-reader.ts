import { mapType, readTypes, textCell, type TypeMapping } from '@weir/postgres';
import { BatchWriter, Op, type Batch, type KeyRange, type Table } from '@weir/sdk';
import { columnList, doingTo, isLive, type Cell, type Doing, type Layout, type RangeReader } from '@weir/sql-sink';
import { inspectTarget } from './inspect-target.ts';
import { keyRangeSql } from './key-range-sql.ts';
import type { Transaction } from './transaction.ts';

/** What the server is asked for at once: about so many bytes, in so many rows at most (invariant 8). */
const PAGE_BYTES = 4 << 20;
const PAGE_ROWS = 5_000;
const CURSOR = 'weir_range';

type Rewrite = TypeMapping['rewrite'];

/** Reads rows of a mirror back in the session's transaction, so that what it has written is seen. */
export class PostgresRangeReader implements RangeReader {
  readonly #transaction: Transaction;
  readonly #layout: Layout;
  /** What the source's table has of the mirror. */
  readonly #table: Table;
  readonly #rewrites: readonly Rewrite[];
  readonly #doing: Doing;
  /** Bytes of a row, as far as rows were read. */
  #rowBytes = PAGE_BYTES / 16;

  private constructor(transaction: Transaction, layout: Layout, rewrites: readonly Rewrite[]) {
    const { table, columns } = layout;
    this.#transaction = transaction;
    this.#layout = layout;
    this.#table = { ...table, columns: columns.map(({ index }) => table.columns[index]!), key: [] };
    this.#rewrites = rewrites;
    this.#doing = doingTo(layout, 'comparing a range of');
  }

  static async open(transaction: Transaction, layout: Layout): Promise<PostgresRangeReader> {
    const ask = (sql: string) => transaction.run(sql, doingTo(layout, 'comparing a range of'));
    const types = await readTypes(transaction.client);
    const found = new Map((await inspectTarget(ask, layout.target))!.columns.map((column) => [column.name, column]));
    const rewrites = layout.columns.map(({ name }) => {
      const { typeOid, modifier } = found.get(name)!;
      return mapType(types, typeOid, modifier).rewrite;
    });
    return new PostgresRangeReader(transaction, layout, rewrites);
  }

  async *read(range: KeyRange): AsyncGenerator<Batch> {
    const where = `${keyRangeSql(this.#layout, range)} AND ${isLive(this.#layout, 't')}`;
    const rows = `SELECT ${columnList(this.#layout)} FROM ${this.#layout.sql} AS t WHERE ${where}`;
    await this.#transaction.run(`DECLARE ${CURSOR} NO SCROLL CURSOR FOR ${rows}`, this.#doing);
    let failed = false;
    try {
      for (;;) {
        const wanted = Math.max(1, Math.min(PAGE_ROWS, Math.floor(PAGE_BYTES / this.#rowBytes)));
        const page = await this.#transaction.run(`FETCH ${wanted} FROM ${CURSOR}`, this.#doing);
        if (page.rows.length > 0) yield this.#batch(page.rows);
        if (page.rows.length < wanted) break;
      }
    } catch (error) {
      failed = true;
      throw error;
    } finally {
      if (!failed) await this.#transaction.run(`CLOSE ${CURSOR}`, this.#doing);
    }
  }

  #batch(rows: readonly (readonly Cell[])[]): Batch {
    const writer = new BatchWriter();
    writer.addCommit({ position: '', version: 0n, time: 0, transactionId: '' });
    const table = writer.tableIndex(this.#table);
    rows.forEach((row, at) => {
      writer.beginRow(Op.read, table, 0, at + 1);
      writer.beginAfter();
      row.forEach((cell, column) => {
        if (cell === null) return writer.nullCell();
        const bytes = Buffer.from(cell);
        textCell(writer, this.#rewrites[column]!, writer.append(bytes), bytes.length);
      });
    });
    this.#rowBytes = Math.max(1, writer.used / rows.length);
    return writer.close(null);
  }
}
