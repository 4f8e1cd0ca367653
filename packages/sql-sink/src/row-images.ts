import { NO_IMAGE, NULL_CELL, Op, UNCHANGED_CELL, WeirError, tableName, type Batch } from '@weir/sdk';
import { findNotUtf8 } from './find-not-utf8.ts';
import type { Layout } from './layout.ts';
import type { Cells } from './row-loader.ts';
import { OP_BITS } from './stage-sql.ts';

/** A row of the stage. */
export interface StagedRow {
  /** First cell of its image. */
  readonly image: number;
  /** `number << 3 | op`: see `stage-sql.ts`. */
  readonly seq: number;
  /** Its op; a changed key is a delete and an insert. */
  readonly op: number;
  /** For each column of the source's table `1` when its cell did not come since it did not change; null when all came. */
  readonly marks: string | null;
  /** The row of the batch that it comes from. */
  readonly row: number;
}

/** Rows of a batch as staged rows. */
export class RowImages {
  readonly rows: StagedRow[] = [];
  readonly #layout: Layout;
  readonly #batch: Batch;
  /** Columns that an image of these left unchanged. */
  readonly unchanged: Set<number> = new Set();
  #next: number;
  #start: Int32Array;
  #length: Int32Array;
  #cells: number;

  /** @param next the first number */
  constructor(layout: Layout, batch: Batch, next: number) {
    this.#layout = layout;
    this.#batch = batch;
    this.#next = next;
    this.#start = batch.start;
    this.#length = batch.length;
    this.#cells = batch.start.length;
  }

  /** The number that the next row gets. */
  get next(): number {
    return this.#next;
  }

  /** The batch's cells, with those of images that had to be put together. */
  get cells(): Cells {
    return { data: this.#batch.data, start: this.#start, length: this.#length };
  }

  /**
   * Adds a row of the batch.
   * @returns false, and adds nothing, for an update that gives the row another key, or that changes a row without a key, and
   *   leaves something as it was that only the target knows: see `addMove`
   */
  add(row: number): boolean {
    const batch = this.#batch;
    const op = batch.op[row]!;
    if (op === Op.insert || op === Op.read) this.#push(row, this.#present(batch.after[row]!), op);
    else if (op === Op.delete) this.#push(row, this.#whole(this.#present(batch.before[row]!)), op);
    else return this.#addUpdate(row, this.#present(batch.after[row]!), batch.before[row]!);
    return true;
  }

  /** Adds an update that `add` refused: the old row is deleted, the new one inserted with cells that are to be filled in. */
  addMove(row: number): void {
    const before = this.#batch.before[row]!;
    this.#push(row, before, Op.delete);
    this.#push(row, this.#filled(this.#batch.after[row]!, before), Op.insert, true);
  }

  /** The first column whose cells are not all UTF-8; null when there is none. */
  findNotUtf8(): string | null {
    return findNotUtf8(this.#layout, this.cells, this.rows.map(({ image }) => image));
  }

  /** The key of a row, or its new key, as text that is equal when its cells are. */
  keyText(image: number): string {
    const { data } = this.#batch;
    const cell = (index: number): string => {
      const start = this.#start[image + index]!;
      return Buffer.from(data.buffer, data.byteOffset + start, Math.max(0, this.#length[image + index]!)).toString('latin1');
    };
    return JSON.stringify(this.#layout.key.map(({ index }) => cell(index)));
  }

  #addUpdate(row: number, after: number, before: number): boolean {
    const { key, extras } = this.#layout;
    if (key.length === 0) return this.#addKeyless(row, after, before);
    if (before === NO_IMAGE || this.#sameKey(after, before)) {
      this.#push(row, before === NO_IMAGE ? after : this.#filled(after, before), Op.update);
      return true;
    }
    const whole = this.#filled(after, before);
    if (extras.length > 0 || this.#hasUnchanged(whole)) return false;
    this.#push(row, before, Op.delete);
    this.#push(row, whole, Op.insert);
    return true;
  }

  #addKeyless(row: number, after: number, before: number): boolean {
    const whole = this.#filled(after, this.#whole(this.#present(before)));
    if (this.#layout.extras.length > 0) return false;
    this.#push(row, before, Op.delete);
    this.#push(row, whole, Op.insert);
    return true;
  }

  #push(row: number, image: number, op: number, mayLack = false): void {
    for (const { index } of this.#layout.key) {
      const length = this.#length[image + index]!;
      if (length < 0) this.#misuse(length === NULL_CELL ? 'a NULL key' : 'an unknown key');
    }
    const marks = op === Op.delete ? null : this.#marksOf(image);
    if (marks !== null && op !== Op.update && !mayLack) this.#misuse('an unchanged cell in an inserted row');
    this.rows.push({ image, seq: this.#next++ * (1 << OP_BITS) + op, op, marks, row });
  }

  #marksOf(image: number): string | null {
    if (!this.#hasUnchanged(image)) return null;
    let marks = '';
    for (let column = 0; column < this.#layout.table.columns.length; column++) {
      const isUnchanged = this.#length[image + column] === UNCHANGED_CELL;
      marks += isUnchanged ? '1' : '0';
      if (isUnchanged) this.unchanged.add(column);
    }
    return marks;
  }

  #sameKey(after: number, before: number): boolean {
    for (const { index } of this.#layout.key) {
      if (this.#length[after + index] !== UNCHANGED_CELL && !this.#sameCell(after + index, before + index)) return false;
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
    return Buffer.compare(data.subarray(a, a + length), data.subarray(b, b + length)) === 0;
  }

  /**
   * The after image with its unchanged cells taken from the before image, where that has them. NULL there says nothing when
   * there is a key: an image of the key alone has it for every other column, and a cell that is left unchanged is no NULL.
   */
  #filled(after: number, before: number): number {
    if (!this.#hasUnchanged(after)) return after;
    const keyed = this.#layout.key.length > 0;
    const columns = this.#layout.table.columns.length;
    this.#reserve(columns);
    const image = this.#cells;
    for (let column = 0; column < columns; column++) {
      const isUnchanged = this.#length[after + column] === UNCHANGED_CELL;
      const isKnown = isUnchanged && (!keyed || this.#length[before + column]! >= 0);
      const from = isKnown ? before + column : after + column;
      this.#start[image + column] = this.#start[from]!;
      this.#length[image + column] = this.#length[from]!;
    }
    this.#cells += columns;
    return image;
  }

  /** Without a key a row is found by all of its cells. */
  #whole(image: number): number {
    if (this.#layout.key.length > 0 || !this.#hasUnchanged(image)) return image;
    return this.#misuse('no whole image of the old row, and no key');
  }

  #hasUnchanged(image: number): boolean {
    for (let cell = image; cell < image + this.#layout.table.columns.length; cell++) {
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
    const table = tableName(this.#layout.table);
    throw new WeirError('WEIR_SDK_USE', `a row of ${table} has ${what}`, { table });
  }
}
