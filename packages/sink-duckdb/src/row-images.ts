import { NO_IMAGE, NULL_CELL, Op, UNCHANGED_CELL, WeirError, tableName, type Batch, type Table } from '@weir/sdk';
import type { Cells } from './cells.ts';
import { MARK_BITS, OP_BITS, markWords } from './staged-rows.ts';

export interface ImageOptions {
  /** Deletes mark the row instead of removing it. */
  readonly marksDeletes: boolean;
  /** `add` refuses a row that gets another key, or an update without any: it must keep cells that only the target has. */
  readonly movesAlone: boolean;
}

/**
 * Rows of a batch as staged rows: which image of each, its sequence number and operation, and marks for unchanged cells.
 * A changed key is two of them, a delete and an insert; so is any update of a table without a key.
 */
export class RowImages {
  readonly #table: Table;
  readonly #batch: Batch;
  /** First cell of each staged row's image. */
  readonly images: Int32Array;
  /** `number << 3 | op` of each staged row. */
  readonly sequence: Float64Array;
  /** Where a delete marks its row: the commit time in microseconds; NaN where it removes it, and for other operations. */
  readonly gone: Float64Array;
  readonly marks: readonly Uint32Array[];
  /** How many images left a column unchanged. */
  readonly unchanged: Map<number, number> = new Map();
  /** True when every row is an update that keeps its key. */
  onlyUpdates = true;
  #next: number;
  #start: Int32Array;
  #length: Int32Array;
  #cells: number;
  readonly #options: ImageOptions;
  count = 0;

  /**
   * @param rows how many rows of the batch will be added at most
   * @param next the first sequence number
   */
  constructor(table: Table, batch: Batch, rows: number, next: number, options: ImageOptions) {
    this.#table = table;
    this.#batch = batch;
    this.#options = options;
    this.gone = new Float64Array(options.marksDeletes ? rows * 2 : 0).fill(Number.NaN);
    this.images = new Int32Array(rows * 2);
    this.sequence = new Float64Array(rows * 2);
    this.marks = Array.from({ length: markWords(table.columns.length) }, () => new Uint32Array(rows * 2));
    this.#next = next;
    this.#start = batch.start;
    this.#length = batch.length;
    this.#cells = batch.start.length;
  }

  /** The sequence number that the next row gets. */
  get next(): number {
    return this.#next;
  }

  /** The batch's cells, with those of images that had to be put together. */
  cells(of: Cells): Cells {
    return { ...of, start: this.#start, length: this.#length };
  }

  /**
   * Adds a row of the batch.
   * @returns false, and adds nothing, for an update that can only be made alone
   */
  add(row: number): boolean {
    const op = this.#batch.op[row]!;
    const after = this.#batch.after[row]!;
    const before = this.#batch.before[row]!;
    if (op === Op.insert || op === Op.read) this.#push(this.#present(after), op);
    else if (op === Op.delete) this.#pushDelete(row);
    else if (this.#table.key.length === 0) return !this.#options.movesAlone && this.addMove(row) !== null;
    else return this.#addUpdate(row, this.#present(after), before);
    return true;
  }

  /** Adds an update that `add` refused, as the two rows that `moveSql` or `keylessApplySql` read. */
  addMove(row: number): { oldSeq: number; newSeq: number } {
    const before = this.#batch.before[row]!;
    const isKeyed = this.#table.key.length > 0;
    if (isKeyed) this.#pushDelete(row);
    else this.#push(this.#whole(before), Op.delete);
    this.#push(this.#filled(this.#present(this.#batch.after[row]!), before), isKeyed ? Op.update : Op.insert);
    return { oldSeq: this.sequence[this.count - 2]!, newSeq: this.sequence[this.count - 1]! };
  }

  #addUpdate(row: number, after: number, before: number): boolean {
    if (before === NO_IMAGE) {
      for (const column of this.#table.key)
        if (this.#length[after + column] === UNCHANGED_CELL) this.#misuse('an unknown key');
      this.#push(after, Op.update);
    } else if (this.#sameKey(after, before)) {
      this.#push(this.#filled(after, before), Op.update);
    } else {
      const whole = this.#options.movesAlone ? after : this.#filled(after, before);
      if (this.#options.movesAlone || this.#hasUnchanged(whole)) return false;
      this.#pushDelete(row);
      this.#push(whole, Op.insert);
    }
    return true;
  }

  #pushDelete(row: number): void {
    const before = this.#present(this.#batch.before[row]!);
    this.#push(this.#table.key.length === 0 ? this.#whole(before) : before, Op.delete);
    if (this.#options.marksDeletes) this.gone[this.count - 1] = this.#batch.commits[this.#batch.commit[row]!]!.time;
  }

  /** Adds a delete of the row's key that carries no other cell of it, however large they are. */
  addKeyDelete(row: number): void {
    const before = this.#batch.before[row]!;
    const image = this.#present(before === NO_IMAGE ? this.#batch.after[row]! : before);
    const columns = this.#table.columns.length;
    this.#reserve(columns);
    const keyOnly = this.#cells;
    this.#length.fill(NULL_CELL, keyOnly, keyOnly + columns);
    for (const column of this.#table.key) {
      this.#start[keyOnly + column] = this.#start[image + column]!;
      this.#length[keyOnly + column] = this.#length[image + column]!;
    }
    this.#cells += columns;
    this.#push(keyOnly, Op.delete);
  }

  /** Whether a row brings all of its cells, under the key that it had. */
  isWhole(row: number): boolean {
    const after = this.#batch.after[row]!;
    const before = this.#batch.before[row]!;
    return !this.#hasUnchanged(after) && (before === NO_IMAGE || this.#sameKey(after, before));
  }

  /** The image of a row that is told by all of its cells. */
  #whole(image: number): number {
    if (this.#hasUnchanged(this.#present(image))) this.#misuse('no key, and an old image that is not whole');
    return image;
  }

  #push(image: number, op: number): void {
    const at = this.count++;
    this.images[at] = image;
    this.sequence[at] = this.#next++ * (1 << OP_BITS) + op;
    for (const column of this.#table.key) {
      if (this.#length[image + column]! < 0)
        this.#misuse(this.#length[image + column] === NULL_CELL ? 'a NULL key' : 'an unknown key');
    }
    if (op !== Op.update) this.onlyUpdates = false;
    if (op === Op.delete) return;
    for (let column = 0; column < this.#table.columns.length; column++) {
      if (this.#length[image + column] !== UNCHANGED_CELL) continue;
      if (op !== Op.update) this.#misuse('an unchanged cell in an inserted row');
      this.marks[Math.floor(column / MARK_BITS)]![at]! |= 1 << (column % MARK_BITS);
      this.unchanged.set(column, (this.unchanged.get(column) ?? 0) + 1);
    }
  }

  #sameKey(after: number, before: number): boolean {
    for (const column of this.#table.key) {
      if (this.#length[after + column] !== UNCHANGED_CELL && !this.#sameCell(after + column, before + column)) return false;
    }
    return true;
  }

  #sameCell(one: number, other: number): boolean {
    const length = this.#length[one]!;
    if (length !== this.#length[other]) return false;
    const a = this.#start[one]!;
    const b = this.#start[other]!;
    if (a === b || length <= 0) return true;
    const { data } = this.#batch;
    for (let i = 0; i < length; i++) if (data[a + i] !== data[b + i]) return false;
    return true;
  }

  /**
   * The after image with its unchanged cells taken from the before image, where that has them. Where an image is an old key
   * alone its other cells may be NULL; and a cell that was NULL is never left out as unchanged.
   */
  #filled(after: number, before: number): number {
    if (!this.#hasUnchanged(after)) return after;
    const columns = this.#table.columns.length;
    this.#reserve(columns);
    const image = this.#cells;
    for (let column = 0; column < columns; column++) {
      const isKnown = this.#table.key.length === 0 || this.#length[before + column]! >= 0;
      const from = this.#length[after + column] === UNCHANGED_CELL && isKnown ? before + column : after + column;
      this.#start[image + column] = this.#start[from]!;
      this.#length[image + column] = this.#length[from]!;
    }
    this.#cells += columns;
    return image;
  }

  #hasUnchanged(image: number): boolean {
    for (let cell = image; cell < image + this.#table.columns.length; cell++) {
      if (this.#length[cell] === UNCHANGED_CELL) return true;
    }
    return false;
  }

  #reserve(cells: number): void {
    if (this.#start !== this.#batch.start && this.#cells + cells <= this.#start.length) return;
    const size = this.#start.length * 2 + cells;
    const start = new Int32Array(size);
    const length = new Int32Array(size);
    start.set(this.#start);
    length.set(this.#length);
    this.#start = start;
    this.#length = length;
  }

  #present(image: number): number {
    return image === NO_IMAGE ? this.#misuse('no image') : image;
  }

  #misuse(what: string): never {
    const table = tableName(this.#table);
    throw new WeirError('WEIR_SDK_USE', `a row of ${table} has ${what}`, { table });
  }
}
