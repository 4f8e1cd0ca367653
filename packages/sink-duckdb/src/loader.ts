import duckdb from '@duckdb/node-bindings';
import { DuckDBDataChunk, type DuckDBAppender, type DuckDBConnection } from '@duckdb/node-api';
import { WeirError } from '@weir/sdk';
import type { Cells } from './cells.ts';
import { NotFinite, type ColumnEncoder } from './encode.ts';
import { CHUNK_ROWS, type Slots } from './slots.ts';
import type { QualifiedName } from './sql-text.ts';

/** A column that is no cell: numbers that the caller made, one per row. */
export interface ExtraColumn {
  /** BIGINT (safe integers, NaN for NULL) or UINTEGER. */
  readonly values: Float64Array | Uint32Array;
}

/** A column that is loaded from cells. */
export interface LoadedColumn {
  readonly encoder: ColumnEncoder;
  /** Which of the parts of `LoadedRows` has its cells. */
  readonly part: number;
}

/** Cells of rows: those of a batch, or those that Weir adds. */
export interface LoadedPart {
  readonly cells: Cells;
  /** The first cell of each row's image. */
  readonly images: Int32Array;
}

export interface LoadedRows {
  readonly count: number;
  readonly parts: readonly LoadedPart[];
  /** The table's first columns. */
  readonly extra: readonly ExtraColumn[];
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
  readonly #columns: readonly LoadedColumn[];
  readonly #slots: Slots;
  #pendingRows = 0;
  #pendingBytes = 0;

  private constructor(appender: DuckDBAppender, columns: readonly LoadedColumn[], slots: Slots) {
    this.#appender = appender;
    this.#columns = columns;
    this.#slots = slots;
    const types = Array.from({ length: appender.columnCount }, (_, index) => appender.columnType(index));
    this.#chunk = DuckDBDataChunk.create(types);
    for (let i = 0; i < types.length; i++) this.#vectors.push(duckdb.data_chunk_get_vector(this.#chunk.chunk, i));
  }

  /**
   * @param columns of the table, all of them in order, but for its first that are extra columns
   * @param extra how many are extra columns
   */
  static async open(
    connection: DuckDBConnection,
    name: QualifiedName,
    columns: readonly LoadedColumn[],
    slots: Slots,
    extra = 0,
  ): Promise<Loader> {
    const appender = await connection.createAppender(name.table, name.schema, name.database);
    // Computed columns are no columns of an appender: every column behind one would get the values of its neighbour.
    if (appender.columnCount !== columns.length + extra) {
      appender.closeSync();
      throw new WeirError(
        'WEIR_DUCKDB_DIVERGED',
        `${name.schema}.${name.table} has computed columns, or was altered meanwhile`,
      );
    }
    return new Loader(appender, columns, slots);
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
   * Appends rows, all or those before the first chunk that fails.
   * @param from the first row
   * @throws WeirError WEIR_DUCKDB_VALUE; as `NotFinite` with the row of the chunk that failed
   */
  append(rows: LoadedRows, from = 0): void {
    for (let first = from; first < rows.count; first += CHUNK_ROWS) {
      try {
        this.#appendChunk(rows, first, Math.min(first + CHUNK_ROWS, rows.count));
      } catch (error) {
        if (error instanceof NotFinite) error.row = first;
        throw error;
      }
    }
  }

  #appendChunk({ parts, extra }: LoadedRows, from: number, to: number): void {
    const rows = to - from;
    this.#chunk.reset();
    for (let i = 0; i < extra.length; i++) this.#copyExtra(this.#vectors[i]!, extra[i]!, from, to);
    let width = extra.length * 8;
    for (let i = 0; i < this.#columns.length; i++) {
      const { encoder, part } = this.#columns[i]!;
      const { cells, images } = parts[part]!;
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
      for (let row = from; row < to; row++) {
        const value = values[row]!;
        if (Number.isNaN(value)) slots.setNull(row - from);
        else slots.setInt64(row - from, value);
      }
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
