import duckdb from '@duckdb/node-bindings';
import { BLOB, DuckDBDataChunk } from '@duckdb/node-api';
import { WeirError, type Batch } from '@weir/sdk';

/** Cells as a batch has them. */
export type CellArrays = Pick<Batch, 'data' | 'start' | 'length'>;

/** The cells of a batch, as encoders read them. */
export interface Cells {
  readonly data: Uint8Array;
  /** Offset and length per cell; see `Batch`. */
  readonly start: Int32Array;
  readonly length: Int32Array;
  /** Where a copy of `data` lies in memory, as two halves of an address; long strings point into it. */
  readonly addressLow: number;
  readonly addressHigh: number;
  /** False where an unchanged cell would be written as NULL: rows that go straight into the target. */
  readonly unchangedAllowed: boolean;
}

/**
 * A copy of a batch's slab in DuckDB's own memory.
 *
 * A string longer than 12 bytes is a pointer in DuckDB's vectors (duckdb_string_t). One copy of the whole slab and pointers
 * into it replace a native call per string. DuckDB gives us such memory, and its address, as the value of a BLOB vector;
 * it lives until the next `load`, and appending a chunk copies what it points to.
 */
export class SlabCopy {
  readonly #chunk: DuckDBDataChunk = DuckDBDataChunk.create([BLOB], 1);
  readonly #vector: duckdb.Vector;
  #batch: CellArrays | null = null;
  #low = 0;
  #high = 0;

  constructor() {
    this.#vector = duckdb.data_chunk_get_vector(this.#chunk.chunk, 0);
  }

  /** The cells of a batch, valid until the next call with another batch or `clear`. */
  cells(batch: CellArrays, unchangedAllowed: boolean): Cells {
    if (batch !== this.#batch) this.#load(batch);
    const { data, start, length } = batch;
    return { data, start, length, addressLow: this.#low, addressHigh: this.#high, unchangedAllowed };
  }

  /** Gives the copy's memory back. */
  clear(): void {
    this.#batch = null;
    this.#chunk.reset();
  }

  #load(batch: CellArrays): void {
    this.#chunk.reset();
    this.#batch = batch;
    // Up to 12 bytes DuckDB would store in the slot itself, and no cell would be long enough to point anywhere.
    if (batch.data.length <= 12) return;
    duckdb.vector_assign_string_element_len(this.#vector, 0, batch.data);
    const slot = duckdb.vector_get_data(this.#vector, 16);
    const view = new DataView(slot.buffer, slot.byteOffset, 16);
    if (view.getUint32(0, true) !== batch.data.length) throw new WeirError('WEIR_INTERNAL', 'DuckDB did not take the slab');
    this.#low = view.getUint32(8, true);
    this.#high = view.getUint32(12, true);
  }
}
