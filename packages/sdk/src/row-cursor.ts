import { NO_IMAGE, NULL_CELL, UNCHANGED_CELL, type Batch, type Commit, type Op } from './batch.ts';
import type { Table } from './table.ts';

/** Keeps a byte order mark: it is part of the value (invariant 9). */
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** Typed reading of a batch's rows over one reused object: `for (const row of new RowCursor(batch)) row.text(0)`. */
export class RowCursor implements Iterable<RowCursor> {
  readonly batch: Batch;
  #row = -1;
  readonly after: ImageCursor;
  readonly before: ImageCursor;

  constructor(batch: Batch) {
    this.batch = batch;
    this.after = new ImageCursor(batch);
    this.before = new ImageCursor(batch);
  }

  /** Moves to a row, 0 to `batch.rows` - 1. */
  at(row: number): this {
    this.#row = row;
    this.after.moveTo(this.batch.after[row]!);
    this.before.moveTo(this.batch.before[row]!);
    return this;
  }

  *[Symbol.iterator](): Generator<RowCursor> {
    for (let row = 0; row < this.batch.rows; row++) yield this.at(row);
  }

  get row(): number {
    return this.#row;
  }

  get op(): Op {
    return this.batch.op[this.#row]! as Op;
  }

  /** The row's table. Not for logical messages, which have none. */
  get table(): Table {
    return this.batch.tables[this.batch.table[this.#row]!]!;
  }

  get commit(): Commit {
    return this.batch.commits[this.batch.commit[this.#row]!]!;
  }

  get ordinal(): number {
    return this.batch.ordinal[this.#row]!;
  }
}

/**
 * One image (after or before) of the row that a {@link RowCursor} stands on; columns by index. Where the row has no such
 * image there are no cells: every value is null, and neither NULL nor unchanged.
 */
export class ImageCursor {
  readonly #batch: Batch;
  #first = NO_IMAGE;

  constructor(batch: Batch) {
    this.#batch = batch;
  }

  moveTo(first: number): void {
    this.#first = first;
  }

  get exists(): boolean {
    return this.#first !== NO_IMAGE;
  }

  isNull(column: number): boolean {
    return this.exists && this.#batch.length[this.#first + column] === NULL_CELL;
  }

  isUnchanged(column: number): boolean {
    return this.exists && this.#batch.length[this.#first + column] === UNCHANGED_CELL;
  }

  /** A view of the cell's bytes, valid until the batch is released; null for NULL and unchanged cells. */
  bytes(column: number): Uint8Array | null {
    if (!this.exists) return null;
    const cell = this.#first + column;
    const length = this.#batch.length[cell]!;
    if (length < 0) return null;
    const start = this.#batch.start[cell]!;
    return this.#batch.data.subarray(start, start + length);
  }

  /** The cell's canonical text; null for NULL and unchanged cells. */
  text(column: number): string | null {
    const bytes = this.bytes(column);
    return bytes && decoder.decode(bytes);
  }

  /** The cell as an exact integer; null for NULL and unchanged cells. @throws SyntaxError when it is none */
  bigint(column: number): bigint | null {
    const text = this.text(column);
    return text === null ? null : BigInt(text);
  }

  /** The cell as a double: digits beyond 2^53 are lost; null for NULL and unchanged cells. */
  number(column: number): number | null {
    const text = this.text(column);
    return text === null ? null : Number(text);
  }

  bool(column: number): boolean | null {
    const text = this.text(column);
    return text === null ? null : text === 't';
  }
}
