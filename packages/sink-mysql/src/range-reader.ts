import type { Row } from '@weir/mysql';
import { BatchWriter, Op, type Batch, type KeyRange, type Table } from '@weir/sdk';
import { doingTo, isLive, type RangeReader } from '@weir/sql-sink';
import { readColumn, type ReadColumn } from './decode.ts';
import { afterSql, keyLiteral, keyRangeSql } from './key-range-sql.ts';
import type { Layout } from './layout.ts';
import type { Transaction } from './transaction.ts';

/** What the server is asked for at once: about so many bytes, in so many rows at most (invariant 8). */
const PAGE_BYTES = 4 << 20;
const PAGE_ROWS = 5_000;

/** Reads rows of a mirror back in the session's transaction, so that what it has written is seen; page by page, in key order. */
export class MysqlRangeReader implements RangeReader {
  readonly #transaction: Transaction;
  readonly #layout: Layout;
  /** What the source's table has of the mirror. */
  readonly #table: Table;
  readonly #columns: readonly ReadColumn[];
  /** Where the key's columns are among the mapped ones. */
  readonly #keyPlaces: readonly number[];
  /** Bytes of a row, as far as rows were read. */
  #rowBytes = PAGE_BYTES / 16;

  constructor(transaction: Transaction, layout: Layout) {
    const { table, columns, key } = layout;
    this.#transaction = transaction;
    this.#layout = layout;
    this.#table = { ...table, columns: columns.map(({ index }) => table.columns[index]!), key: [] };
    this.#columns = columns.map(({ encoding, physical }) => readColumn(encoding, physical));
    this.#keyPlaces = key.map((column) => columns.indexOf(column));
  }

  async *read(range: KeyRange): AsyncGenerator<Batch> {
    const { key, sql } = this.#layout;
    const at = doingTo(this.#layout, 'comparing a range of');
    const select = this.#columns.map((column) => column.select).join(', ');
    const order = key.map(({ quoted }) => `t.${quoted}`).join(', ');
    const conditions = [keyRangeSql(this.#layout, range), isLive(this.#layout, 't')];
    let behind = 'true';
    for (;;) {
      const wanted = Math.max(1, Math.min(PAGE_ROWS, Math.floor(PAGE_BYTES / this.#rowBytes)));
      const where = [...conditions, behind].join(' AND ');
      const { rows } = await this.#transaction.raw(
        `SELECT ${select} FROM ${sql} AS t WHERE ${where} ORDER BY ${order} LIMIT ${wanted}`,
        at,
      );
      if (rows.length === 0) return;
      const batch = this.#batch(rows);
      behind = this.#behind(batch, rows.length - 1);
      yield batch;
      if (rows.length < wanted) return;
    }
  }

  /** The condition for rows whose key is behind that of a row. */
  #behind(batch: Batch, row: number): string {
    const image = batch.after[row]!;
    const literals = this.#layout.key.map((column, part) => {
      const cell = image + this.#keyPlaces[part]!;
      const bytes = Buffer.from(batch.data.subarray(batch.start[cell], batch.start[cell]! + batch.length[cell]!));
      return keyLiteral(column, bytes.toString(column.encoding.kind === 'bytes' ? 'hex' : 'utf8'));
    });
    return afterSql(this.#layout, literals);
  }

  #batch(rows: readonly Row[]): Batch {
    const writer = new BatchWriter();
    writer.addCommit({ position: '', version: 0n, time: 0, transactionId: '' });
    const table = writer.tableIndex(this.#table);
    rows.forEach((row, at) => writeRow(writer, table, row, at + 1, this.#columns));
    this.#rowBytes = Math.max(1, writer.used / rows.length);
    return writer.close(null);
  }
}

/** Adds a row of the server as a `read` row. */
export function writeRow(writer: BatchWriter, table: number, row: Row, ordinal: number, columns: readonly ReadColumn[]): void {
  writer.beginRow(Op.read, table, 0, ordinal);
  writer.beginAfter();
  for (let column = 0; column < columns.length; column++) {
    const cell = row[column]!;
    if (cell === null) writer.nullCell();
    else columns[column]!.decode(writer, cell);
  }
}
