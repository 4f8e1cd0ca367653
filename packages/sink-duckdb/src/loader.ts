import duckdb from '@duckdb/node-bindings';
import { DuckDBDataChunk, type DuckDBAppender, type DuckDBConnection } from '@duckdb/node-api';
import type { Cells } from './cells.ts';
import type { ColumnEncoder } from './encode.ts';
import { CHUNK_ROWS, type Slots } from './slots.ts';
import type { QualifiedName } from './sql-text.ts';

/** A column that is no cell: numbers that the caller made, one per row. */
export interface ExtraColumn {
  /** BIGINT (safe integers) or UINTEGER. */
  readonly values: Float64Array | Uint32Array;
}

/**
 * Appends rows to one table: encoders fill a chunk column by column, DuckDB's appender takes the chunk. Nothing is done
 * per row but the encoding.
 *
 * The appender gathers rows in memory of its own, outside DuckDB's limit; who owns the loader flushes it in time.
 * An appender that still holds rows writes them when it is closed or collected, transaction or not. So a loader that is
 * given up must be discarded: rows of a transaction that was rolled back would come back.
 */
export class Loader {
  readonly #appender: DuckDBAppender;
  readonly #chunk: DuckDBDataChunk;
  readonly #vectors: duckdb.Vector[] = [];
  readonly #encoders: readonly ColumnEncoder[];
  readonly #slots: Slots;
  #pendingRows = 0;
  #pendingBytes = 0;

  private constructor(appender: DuckDBAppender, encoders: readonly ColumnEncoder[], slots: Slots) {
    this.#appender = appender;
    this.#encoders = encoders;
    this.#slots = slots;
    const types = Array.from({ length: appender.columnCount }, (_, index) => appender.columnType(index));
    this.#chunk = DuckDBDataChunk.create(types);
    for (let i = 0; i < types.length; i++) this.#vectors.push(duckdb.data_chunk_get_vector(this.#chunk.chunk, i));
  }

  /** @param encoders of the table's last columns; columns before them are extra columns */
  static async open(
    connection: DuckDBConnection,
    name: QualifiedName,
    encoders: readonly ColumnEncoder[],
    slots: Slots,
  ): Promise<Loader> {
    return new Loader(await connection.createAppender(name.table, name.schema, name.database), encoders, slots);
  }

  /** Rows appended and not yet flushed. */
  get pendingRows(): number {
    return this.#pendingRows;
  }

  /** About the memory that they take, in bytes. */
  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  /**
   * Appends the rows whose images begin at `images[0, count)`.
   * @throws WeirError WEIR_DUCKDB_VALUE
   */
  append(cells: Cells, images: Int32Array, count: number, extra: readonly ExtraColumn[] = []): void {
    for (let from = 0; from < count; from += CHUNK_ROWS) {
      this.#appendChunk(cells, images, from, Math.min(from + CHUNK_ROWS, count), extra);
    }
  }

  #appendChunk(cells: Cells, images: Int32Array, from: number, to: number, extra: readonly ExtraColumn[]): void {
    const rows = to - from;
    this.#chunk.reset();
    for (let i = 0; i < extra.length; i++) this.#copyExtra(this.#vectors[i]!, extra[i]!, from, to);
    let width = extra.length * 8;
    for (let i = 0; i < this.#encoders.length; i++) {
      const encoder = this.#encoders[i]!;
      encoder.encode(cells, images, from, to);
      this.#slots.copyTo(this.#vectors[extra.length + i]!, rows, encoder.width);
      width += encoder.width;
    }
    this.#chunk.rowCount = rows;
    this.#appender.appendDataChunk(this.#chunk);
    this.#pendingRows += rows;
    this.#pendingBytes += rows * width;
  }

  /** Counts memory that the slots point to: the bytes of long strings. */
  addPendingBytes(bytes: number): void {
    this.#pendingBytes += bytes;
  }

  #copyExtra(vector: duckdb.Vector, extra: ExtraColumn, from: number, to: number): void {
    const slots = this.#slots;
    const { values } = extra;
    slots.start();
    if (values instanceof Uint32Array) {
      slots.u32.set(values.subarray(from, to));
      slots.copyTo(vector, to - from, 4);
    } else {
      for (let row = from; row < to; row++) slots.setInt64(row - from, values[row]!);
      slots.copyTo(vector, to - from, 8);
    }
  }

  /** Moves the rows into the table, within the connection's transaction. */
  flush(): void {
    if (this.#pendingRows === 0) return;
    this.#appender.flushSync();
    this.#forget();
  }

  /** Forgets the rows that were not flushed. */
  discard(): void {
    this.#appender.clear();
    this.#forget();
  }

  /** Ends the loader; rows that were not flushed are forgotten. */
  close(): void {
    this.discard();
    this.#appender.closeSync();
  }

  #forget(): void {
    this.#pendingRows = 0;
    this.#pendingBytes = 0;
  }
}
