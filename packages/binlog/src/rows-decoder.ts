import { Op, WeirError, tableName, type BatchWriter, type Commit } from '@weir/sdk';
import type { BoundTable, TableBinding } from './binding.ts';
import type { EventReader } from './event-reader.ts';
import type { ImageWriter } from './image-code.ts';
import { PartialImages } from './partial-image.ts';
import { Image, cutOff, inRow, passImage, writeImage } from './row-image.ts';
import { Change, RowsHeader } from './rows-event.ts';
import type { TableMaps } from './table-maps.ts';
import type { OpenTransaction } from './transaction.ts';

/** Reads the rows of WRITE_ROWS, UPDATE_ROWS, DELETE_ROWS and PARTIAL_UPDATE_ROWS; allocates nothing. */
export class RowsDecoder {
  readonly #reader: EventReader;
  readonly #tables: TableMaps;
  readonly #header = new RowsHeader();
  readonly #partial = new PartialImages();

  constructor(reader: EventReader, tables: TableMaps) {
    this.#reader = reader;
    this.#tables = tables;
  }

  /** @returns whether the statement has ended, so that its tables are forgotten */
  decode(writer: BatchWriter, transaction: OpenTransaction): boolean {
    const header = this.#header;
    const reader = this.#reader;
    header.read(reader);
    if (header.isEmpty) return true;
    const table = this.#tables.get(header.tableId);
    if (table === null) throw reader.damaged('rows of a table that this statement did not announce');
    if (header.width !== table.widths.length) {
      throw reader.damaged(`rows of ${header.width} columns, but their table has ${table.widths.length}`);
    }
    if (reader.left > 0) this.#decodeRows(writer, transaction, table);
    reader.close();
    return header.endsStatement;
  }

  #decodeRows(writer: BatchWriter, transaction: OpenTransaction, table: BoundTable): void {
    const { binding } = table;
    const { commit } = transaction;
    if (commit === null || binding === null) {
      this.#passRows(transaction, table);
    } else {
      this.#checkColumns(table, binding);
      if (binding.skip) writer.skip(this.#passRows(transaction, table));
      else this.#writeRows(writer, transaction, table, binding, commit);
    }
  }

  /** @returns how many rows were passed over */
  #passRows(transaction: OpenTransaction, table: BoundTable): number {
    const reader = this.#reader;
    if (!table.passable) {
      // Of a type that nobody captures: told apart from other rows by their event alone.
      reader.at = reader.end;
      transaction.nextOrdinal();
      return 1;
    }
    let rows = 0;
    while (reader.left > 0) {
      transaction.nextOrdinal();
      rows++;
      const start = reader.at;
      this.#passRow(table);
      if (reader.at === start) throw reader.damaged('rows without columns');
    }
    return rows;
  }

  #passRow(table: BoundTable): void {
    const { first, firstNullBytes, second, secondNullBytes, change, partial } = this.#header;
    this.#pass(table, first, firstNullBytes);
    if (change !== Change.update) return;
    if (partial) this.#partial.open(this.#reader, table);
    this.#pass(table, second, secondNullBytes);
  }

  #pass(table: BoundTable, present: Uint8Array, nullBytes: number): void {
    const reader = this.#reader;
    const at = passImage(reader.data, reader.at, reader.end, present, nullBytes, table);
    if (at < 0) throw reader.damaged('the row is cut off');
    reader.at = at;
  }

  /** Whether the images of this event's rows have what a change of the table needs (`binlog_row_image`). */
  #checkColumns({ captured, identity, passable }: BoundTable, { table }: TableBinding): void {
    const { first, change } = this.#header;
    if (!passable) throw this.#reader.unsupported(`a column of ${tableName(table)} has a type that is not known`);
    for (const column of change === Change.insert ? captured : identity) {
      if (first[column] === 1) continue;
      const what = change === Change.insert ? 'an inserted row lacks a column, whose default the log does not have' : 'a changed row lacks what tells it apart';
      throw new WeirError('WEIR_BINLOG_ROW_IMAGE', `${tableName(table)}: ${what}`, { table: tableName(table) });
    }
  }

  #writeRows(writer: BatchWriter, transaction: OpenTransaction, table: BoundTable, binding: TableBinding, commit: Commit): void {
    const reader = this.#reader;
    const { change } = this.#header;
    const op = change === Change.insert ? Op.insert : change === Change.update ? Op.update : Op.delete;
    while (reader.left > 0) {
      const start = reader.at;
      writer.beginRow(op, writer.tableIndex(binding.table), transaction.indexIn(writer, commit), transaction.nextOrdinal());
      try {
        if (change === Change.update) this.#writeUpdate(writer, table);
        else this.#writeOne(writer, table, change);
        if (reader.at === start) throw reader.damaged('rows without columns');
      } catch (error) {
        writer.dropRow();
        throw inRow(error, reader.type, start - reader.start);
      }
      if (binding.judge != null && !binding.judge.keeps(writer)) {
        writer.dropRow();
        writer.skip(1);
      }
    }
  }

  #writeOne(writer: BatchWriter, table: BoundTable, change: Change): void {
    if (change === Change.insert) writer.beginAfter();
    else writer.beginBefore();
    this.#writeFirst(writer, table);
  }

  #writeUpdate(writer: BatchWriter, table: BoundTable): void {
    const reader = this.#reader;
    const start = reader.at;
    writer.beginBefore();
    this.#writeFirst(writer, table);
    writer.beginAfter();
    if (this.#header.partial) {
      this.#partial.locate(reader.data, start, reader.at, this.#header, table);
      this.#partial.open(reader, table);
      this.#partial.write(reader, this.#header, table, writer);
    } else {
      this.#writeSecond(writer, table);
    }
  }

  #writeFirst(writer: BatchWriter, table: BoundTable): void {
    const { first, firstNullBytes, firstIsWhole } = this.#header;
    if (firstIsWhole && table.whole !== null) return this.#writeWhole(writer, table.whole);
    const reader = this.#reader;
    reader.at = writeImage(reader.data, reader.at, reader.end, first, firstNullBytes, table, writer, Image.before);
  }

  #writeSecond(writer: BatchWriter, table: BoundTable): void {
    const { second, secondNullBytes, secondIsWhole } = this.#header;
    if (secondIsWhole && table.whole !== null) return this.#writeWhole(writer, table.whole);
    const reader = this.#reader;
    reader.at = writeImage(reader.data, reader.at, reader.end, second, secondNullBytes, table, writer, Image.after);
  }

  #writeWhole(writer: BatchWriter, whole: ImageWriter): void {
    const reader = this.#reader;
    const at = whole.write(reader.data, reader.at, reader.end, writer);
    if (at < 0) throw cutOff();
    reader.at = at;
  }
}
