import duckdb from '@duckdb/node-bindings';

/** Rows of a data chunk: the vector size that DuckDB was built with. */
export const CHUNK_ROWS: number = duckdb.vector_size();

const LARGEST_SLOT = 16;

/**
 * Room for one column of a chunk. An encoder fills it, then one call copies it into DuckDB's vector; so columns share it
 * one after the other, and a row costs no call. Slots lie as DuckDB has them: little-endian, as every platform it runs on.
 */
export class Slots {
  readonly buffer: ArrayBuffer = new ArrayBuffer(CHUNK_ROWS * LARGEST_SLOT);
  readonly u8: Uint8Array = new Uint8Array(this.buffer);
  readonly i8: Int8Array = new Int8Array(this.buffer);
  readonly u16: Uint16Array = new Uint16Array(this.buffer);
  readonly i16: Int16Array = new Int16Array(this.buffer);
  readonly u32: Uint32Array = new Uint32Array(this.buffer);
  readonly i32: Int32Array = new Int32Array(this.buffer);
  readonly i64: BigInt64Array = new BigInt64Array(this.buffer);
  readonly f32: Float32Array = new Float32Array(this.buffer);
  readonly f64: Float64Array = new Float64Array(this.buffer);
  /** A bit per slot, 1 = not NULL. Counts only when `nulls`. */
  readonly validity: Uint8Array<ArrayBuffer> = new Uint8Array(CHUNK_ROWS >> 3);
  nulls = false;

  /** Makes all slots valid again. */
  start(): void {
    this.nulls = false;
  }

  /** Makes all slots NULL. */
  allNull(): void {
    this.validity.fill(0);
    this.nulls = true;
  }

  setNull(slot: number): void {
    if (!this.nulls) {
      this.validity.fill(0xff);
      this.nulls = true;
    }
    this.validity[slot >> 3]! &= ~(1 << (slot & 7));
  }

  /** Writes a safe integer as a 64-bit one; `Int32Array` keeps a number's low 32 bits, which is two's complement. */
  setInt64(slot: number, value: number): void {
    this.i32[slot * 2] = value;
    this.i32[slot * 2 + 1] = Math.floor(value / 4294967296);
  }

  /** Copies the first `count` slots of `width` bytes into a vector of a chunk that was reset before. */
  copyTo(vector: duckdb.Vector, count: number, width: number): void {
    duckdb.copy_data_to_vector(vector, 0, this.buffer, 0, count * width);
    if (!this.nulls) return;
    duckdb.vector_ensure_validity_writable(vector);
    duckdb.copy_data_to_vector_validity(vector, 0, this.validity.buffer, 0, (count + 7) >> 3);
  }
}
