import { NO_IMAGE, NULL_CELL, Op, UNCHANGED_CELL, type Batch, type Chunk, type Commit } from './batch.ts';
import {
  BATCH_BYTES,
  BATCH_ROWS,
  CELL_BYTES,
  ROW_BYTES,
  SPILL_BASE,
  Spill,
  grown,
  releaseOnce,
  takeStorage,
} from './batch-storage.ts';
import type { Checkpoint } from './position.ts';
import type { SchemaChange, Table } from './table.ts';

/**
 * Builds batches without an allocation per row. A decoder appends the source's bytes to the slab, then points cells into
 * them; who has values rather than bytes uses `BatchBuilder`.
 *
 * A row is `beginRow`, then `beginAfter` and/or `beginBefore`, each followed by one cell call per column.
 */
export class BatchWriter {
  #storage = takeStorage();
  #used = 0;
  #rows = 0;
  #cells = 0;
  #tables: Table[] = [];
  #tableIndexes = new Map<Table, number>();
  #lastTable: Table | null = null;
  #lastTableIndex = 0;
  #commits: Commit[] = [];
  #schemaChanges: SchemaChange[] = [];
  #skipped = 0;
  #sequence = 0;
  readonly spill: Spill = new Spill();

  /** Counts the batches closed so far; indexes of tables and commits are valid for one of them. */
  get sequence(): number {
    return this.#sequence;
  }

  /** The slab; replaced by `reserve`, `append` and `close`, so read it again after each. */
  get data(): Uint8Array {
    return this.#storage.data;
  }

  /** Bytes of the slab in use. */
  get used(): number {
    return this.#used;
  }

  get rows(): number {
    return this.#rows;
  }

  /** True when closing would give a batch that says anything. */
  get pending(): boolean {
    return this.#rows > 0 || this.#schemaChanges.length > 0 || this.#skipped > 0;
  }

  /** True when the batch has reached a limit, counting the first `bytes` of the slab. */
  isFull(bytes: number = this.#used): boolean {
    return this.#rows >= BATCH_ROWS || bytes + this.spill.length >= BATCH_BYTES;
  }

  /** Makes room for `size` more bytes of the slab and no more: for who knows how much is to come. */
  reserve(size: number): void {
    const needed = this.#used + size;
    if (needed <= this.#storage.data.length) return;
    const larger = new Uint8Array(needed);
    larger.set(this.#storage.data.subarray(0, this.#used));
    this.#storage.data = larger;
  }

  /** Copies bytes into the slab and returns their offset. */
  append(bytes: Uint8Array): number {
    const needed = this.#used + bytes.length;
    if (needed > this.#storage.data.length) this.#storage.data = grown(this.#storage.data, needed);
    const offset = this.#used;
    this.#storage.data.set(bytes, offset);
    this.#used += bytes.length;
    return offset;
  }

  /** Forgets the slab's bytes from `end` on. */
  truncate(end: number): void {
    this.#used = end;
  }

  /** The index of a table in this batch. */
  tableIndex(table: Table): number {
    if (table === this.#lastTable) return this.#lastTableIndex;
    let index = this.#tableIndexes.get(table);
    if (index === undefined) {
      index = this.#tables.push(table) - 1;
      this.#tableIndexes.set(table, index);
    }
    this.#lastTable = table;
    this.#lastTableIndex = index;
    return index;
  }

  /** Adds a transaction and returns its index in this batch. */
  addCommit(commit: Commit): number {
    return this.#commits.push(commit) - 1;
  }

  addSchemaChange(change: SchemaChange): void {
    this.#schemaChanges.push(change);
  }

  /** Counts rows that were left out since a copied chunk holds them (invariant 7). */
  skip(rows: number): void {
    this.#skipped += rows;
  }

  /** @param table an index of {@link tableIndex}, or `NO_TABLE` for a logical message */
  beginRow(op: Op, table: number, commit: number, ordinal: number): void {
    const row = this.#rows;
    const storage = this.#storage;
    if (row === storage.op.length) this.#growRows();
    storage.op[row] = op;
    storage.table[row] = table;
    storage.commit[row] = commit;
    storage.ordinal[row] = ordinal;
    storage.after[row] = NO_IMAGE;
    storage.before[row] = NO_IMAGE;
    this.#rows = row + 1;
  }

  beginAfter(): void {
    this.#storage.after[this.#rows - 1] = this.#cells;
  }

  beginBefore(): void {
    this.#storage.before[this.#rows - 1] = this.#cells;
  }

  /** A cell whose bytes lie in the slab. */
  cell(start: number, length: number): void {
    const cell = this.#cells;
    if (cell === this.#storage.start.length) this.#growCells();
    this.#storage.start[cell] = start;
    this.#storage.length[cell] = length;
    this.#cells = cell + 1;
  }

  nullCell(): void {
    this.cell(0, NULL_CELL);
  }

  unchangedCell(): void {
    this.cell(0, UNCHANGED_CELL);
  }

  /** A cell whose bytes are the spill from `from` to its end. */
  spilledCell(from: number): void {
    this.cell(SPILL_BASE + from, this.spill.length - from);
  }

  /** A cell of the after image that is the before image's cell of `column`, same bytes; the before image was written first. */
  repeatBefore(column: number): void {
    const { before, start, length } = this.#storage;
    const cell = before[this.#rows - 1]! + column;
    this.cell(start[cell]!, length[cell]!);
  }

  /** Takes back the row that was begun last, with its cells; for a decoder that finds the row damaged or unwanted. */
  dropRow(): void {
    const row = --this.#rows;
    const { after, before, start } = this.#storage;
    const first = Math.min(...[after[row]!, before[row]!].filter((cell) => cell !== NO_IMAGE), this.#cells);
    for (let cell = first; cell < this.#cells; cell++) {
      if (start[cell]! >= SPILL_BASE) this.spill.length = Math.min(this.spill.length, start[cell]! - SPILL_BASE);
    }
    this.#cells = first;
  }

  /** Of the row that was begun last. */
  get lastRow(): { readonly op: Op; readonly after: number; readonly before: number } {
    const row = this.#rows - 1;
    const { op, after, before } = this.#storage;
    return { op: op[row]! as Op, after: after[row]!, before: before[row]! };
  }

  /** The bytes of a cell of this batch, valid until the next one is written; its length where it has none, see `Batch`. */
  cellAt(cell: number): Uint8Array | typeof NULL_CELL | typeof UNCHANGED_CELL {
    const { data, start, length } = this.#storage;
    const bytes = length[cell]!;
    if (bytes < 0) return bytes as typeof NULL_CELL | typeof UNCHANGED_CELL;
    const from = start[cell]!;
    const [source, at] = from >= SPILL_BASE ? [this.spill.data, from - SPILL_BASE] : [data, from];
    return source.subarray(at, at + bytes);
  }

  /** The row that was begun last, an update, is the delete of its before image. */
  turnIntoDelete(): void {
    this.#storage.op[this.#rows - 1] = Op.delete;
    this.#storage.after[this.#rows - 1] = NO_IMAGE;
  }

  /** The row that was begun last, an update, is the insert of its after image. */
  turnIntoInsert(): void {
    this.#storage.op[this.#rows - 1] = Op.insert;
    this.#storage.before[this.#rows - 1] = NO_IMAGE;
  }

  /**
   * Ends the batch and starts the next.
   * @param keepFrom bytes of the slab from here on belong to the next batch (an incomplete message); none by default
   */
  close(checkpoint: Checkpoint | null, options: { chunk?: Chunk | null; keepFrom?: number } = {}): Batch {
    const keepFrom = options.keepFrom ?? this.#used;
    const kept = this.#storage.data.slice(keepFrom, this.#used);
    this.#used = keepFrom;
    this.#placeSpill();
    const batch = this.#detach(checkpoint, options.chunk ?? null);
    this.#reset();
    this.append(kept);
    return batch;
  }

  #placeSpill(): void {
    if (this.spill.length === 0) return;
    const offset = this.append(this.spill.data.subarray(0, this.spill.length));
    const { start } = this.#storage;
    const cells = this.#cells;
    for (let cell = 0; cell < cells; cell++) {
      if (start[cell]! >= SPILL_BASE) start[cell]! += offset - SPILL_BASE;
    }
  }

  /** A well-filled storage goes with its batch; a mostly empty one is copied out, so that small batches hold little memory. */
  #detach(checkpoint: Checkpoint | null, chunk: Chunk | null): Batch {
    const storage = this.#storage;
    const handOver = this.#used * 4 >= BATCH_BYTES || this.#rows * 4 >= BATCH_ROWS;
    const part = <T extends Uint8Array | Uint16Array | Uint32Array | Int32Array>(array: T, end: number): T =>
      (handOver ? array.subarray(0, end) : array.slice(0, end)) as T;
    if (handOver || !storage.pooled) this.#storage = takeStorage();
    const rows = this.#rows;
    return {
      tables: this.#tables,
      schemaChanges: this.#schemaChanges,
      rows,
      op: part(storage.op, rows),
      table: part(storage.table, rows),
      commit: part(storage.commit, rows),
      ordinal: part(storage.ordinal, rows),
      commits: this.#commits,
      after: part(storage.after, rows),
      before: part(storage.before, rows),
      data: part(storage.data, this.#used),
      start: part(storage.start, this.#cells),
      length: part(storage.length, this.#cells),
      chunk,
      checkpoint,
      skipped: this.#skipped,
      bytes: handOver ? storage.bytes : this.#used + rows * ROW_BYTES + this.#cells * CELL_BYTES,
      release: handOver ? releaseOnce(storage) : () => {},
    };
  }

  #reset(): void {
    this.#sequence++;
    this.#used = 0;
    this.#rows = 0;
    this.#cells = 0;
    this.#tables = [];
    this.#tableIndexes = new Map();
    this.#lastTable = null;
    this.#commits = [];
    this.#schemaChanges = [];
    this.#skipped = 0;
    this.spill.clear();
  }

  #growRows(): void {
    const storage = this.#storage;
    const needed = storage.op.length * 2;
    storage.op = grown(storage.op, needed);
    storage.table = grown(storage.table, needed);
    storage.commit = grown(storage.commit, needed);
    storage.ordinal = grown(storage.ordinal, needed);
    storage.after = grown(storage.after, needed);
    storage.before = grown(storage.before, needed);
  }

  #growCells(): void {
    this.#storage.start = grown(this.#storage.start, 0);
    this.#storage.length = grown(this.#storage.length, 0);
  }
}
