/** A batch closes at this many bytes … */
export const BATCH_BYTES: number = 1 << 20;
/** … or at this many rows, whichever is first. */
export const BATCH_ROWS: number = 8192;

const CELLS_PER_ROW = 8;
/** Bytes of the arrays for a row (op 1, table 2, commit, ordinal, after and before 4 each) and for a cell. */
export const ROW_BYTES: number = 19;
export const CELL_BYTES: number = 8;
const POOL_SIZE = 8;
/** Added to the start of a cell that lies in the spill until the batch closes. Slabs stay below it. */
export const SPILL_BASE: number = 0x4000_0000;

/** The arrays behind one batch. Made for `BATCH_ROWS` rows and grown when a batch needs more. */
export class BatchStorage {
  data: Uint8Array = new Uint8Array(BATCH_BYTES + (BATCH_BYTES >> 2));
  op: Uint8Array = new Uint8Array(BATCH_ROWS);
  table: Uint16Array = new Uint16Array(BATCH_ROWS);
  commit: Uint32Array = new Uint32Array(BATCH_ROWS);
  ordinal: Uint32Array = new Uint32Array(BATCH_ROWS);
  after: Int32Array = new Int32Array(BATCH_ROWS);
  before: Int32Array = new Int32Array(BATCH_ROWS);
  start: Int32Array = new Int32Array(BATCH_ROWS * CELLS_PER_ROW);
  length: Int32Array = new Int32Array(BATCH_ROWS * CELLS_PER_ROW);

  get bytes(): number {
    return this.data.byteLength + this.op.length * ROW_BYTES + this.start.length * CELL_BYTES;
  }

  /** An unusually large row or transaction must not pin its memory in the pool. */
  get pooled(): boolean {
    const rows = this.op.length <= BATCH_ROWS * 2 && this.start.length <= BATCH_ROWS * CELLS_PER_ROW * 8;
    return rows && this.data.byteLength <= BATCH_BYTES * 2;
  }

  /** Gives the slab back to the system now: the garbage collector lets several large ones gather. */
  free(): void {
    (this.data.buffer as ArrayBuffer).transfer(0);
  }
}

const pool: BatchStorage[] = [];

/** A storage that nobody uses. */
export function takeStorage(): BatchStorage {
  return pool.pop() ?? new BatchStorage();
}

export function grown<T extends Uint8Array | Uint16Array | Uint32Array | Int32Array>(array: T, needed: number): T {
  const larger = new (array.constructor as new (length: number) => T)(Math.max(needed, array.length * 2));
  larger.set(array);
  return larger;
}

const SPILL_BYTES = 4096;

/** Bytes that a rewrite of a cell produces when they do not fit in the cell's own place. */
export class Spill {
  #data = new Uint8Array(SPILL_BYTES);
  #view = new DataView(this.#data.buffer);
  length = 0;

  /** Replaced when it grows, so read it again after each call. */
  get data(): Uint8Array {
    return this.#data;
  }

  byte(value: number): void {
    this.#ensure(1);
    this.#data[this.length++] = value;
  }

  bytes(from: Uint8Array, start: number, end: number): void {
    this.#ensure(end - start);
    const data = this.#data;
    let at = this.length;
    for (let i = start; i < end; i++) data[at++] = from[i]!;
    this.length = at;
  }

  /** Appends so many bytes of any content, to be written by who asks for them; returns where they begin. */
  extend(size: number): number {
    this.#ensure(size);
    const from = this.length;
    this.length = from + size;
    return from;
  }

  /** The bytes, with room for so many more behind `length`, which who writes there moves on: several bytes in one step. */
  room(size: number): DataView {
    this.#ensure(size);
    return this.#view;
  }

  /** Forgets all bytes; an unusually large spill gives its memory back. */
  clear(): void {
    this.length = 0;
    if (this.#data.length > BATCH_BYTES * 2) this.#replace(new Uint8Array(SPILL_BYTES));
  }

  /** Appends ASCII text. */
  ascii(text: string): void {
    this.#ensure(text.length);
    const data = this.#data;
    let at = this.length;
    for (let i = 0; i < text.length; i++) data[at++] = text.charCodeAt(i);
    this.length = at;
  }

  #ensure(size: number): void {
    if (this.length + size > this.#data.length) this.#replace(grown(this.#data, this.length + size));
  }

  #replace(data: Uint8Array<ArrayBuffer>): void {
    this.#data = data;
    this.#view = new DataView(data.buffer);
  }
}

/** What gives a batch's storage back, once. */
export function releaseOnce(storage: BatchStorage): () => void {
  let released = false;
  return () => {
    if (released) return;
    released = true;
    if (!storage.pooled) storage.free();
    else if (pool.length < POOL_SIZE) pool.push(storage);
  };
}
