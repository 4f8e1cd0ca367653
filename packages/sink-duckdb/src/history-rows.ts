import { NO_IMAGE, NULL_CELL, Op, UNCHANGED_CELL, historyColumns, type Batch, type Table } from '@weir/sdk';
import type { CellArrays } from './cells.ts';
import { timestampText } from './decode.ts';
import { JsonText } from './json-text.ts';

const encoder = new TextEncoder();
const opNames: ReadonlyMap<number, string> = new Map(Object.entries(Op).map(([name, op]) => [op, name]));
const COLUMNS = historyColumns.length;

/** The place of an event in the history of a table. */
export interface EventPlace {
  /** Microseconds since 1970; 0 when it is not known. */
  readonly time: number;
  readonly position: string;
  readonly ordinal: number;
}

/**
 * Events of a batch as rows of a history: the image whose cells they show, and the cells of Weir's own columns, see
 * `historyColumns`.
 */
export class HistoryRows {
  readonly #table: Table;
  readonly #text = new JsonText();
  readonly #start: number[] = [];
  readonly #length: number[] = [];
  /** Place and length of texts that many rows have. */
  readonly #shared = new Map<string, readonly [number, number]>();
  readonly #names: readonly Uint8Array[];
  readonly #isBytes: readonly boolean[];
  #count = 0;

  constructor(table: Table) {
    this.#table = table;
    this.#names = table.columns.map((column) => encoder.encode(column.name));
    this.#isBytes = table.columns.map((column) => column.type.kind === 'bytes');
  }

  get count(): number {
    return this.#count;
  }

  /** The own cells of the rows so far. */
  get cells(): CellArrays {
    return { data: this.#text.bytes, start: Int32Array.from(this.#start), length: Int32Array.from(this.#length) };
  }

  /** First own cell of each row. */
  get images(): Int32Array {
    return Int32Array.from({ length: this.#count }, (_, row) => row * COLUMNS);
  }

  /** @returns the image that the row shows; `NO_IMAGE` for a truncate */
  add(batch: Batch, row: number): number {
    const commit = batch.commits[batch.commit[row]!]!;
    this.#addPlace(batch.op[row]!, { time: commit.time, position: commit.position, ordinal: batch.ordinal[row]! });
    const before = batch.before[row]!;
    const after = batch.after[row]!;
    if (before === NO_IMAGE) this.#null();
    else this.#addBefore(batch, before);
    this.#addUnchanged(batch, after);
    return after === NO_IMAGE ? before : after;
  }

  /** Adds an event that is no row of a batch. */
  addTruncate(place: EventPlace): void {
    this.#addPlace(Op.truncate, place);
    this.#null();
    this.#null();
  }

  #addPlace(op: number, { time, position, ordinal }: EventPlace): void {
    this.#count++;
    this.#addShared(opNames.get(op)!);
    if (op === Op.read || time === 0) this.#null();
    else this.#addShared(timestampText(BigInt(Math.trunc(time)), 'Z'));
    this.#addShared(position);
    this.#cell(() => this.#text.raw(String(ordinal)));
  }

  #addBefore(batch: CellArrays, image: number): void {
    this.#cell(() => {
      let separator = '{';
      for (let column = 0; column < this.#names.length; column++) {
        const length = batch.length[image + column]!;
        if (length === UNCHANGED_CELL) continue;
        this.#text.raw(separator);
        this.#text.string(this.#names[column]!);
        this.#text.raw(':');
        separator = ',';
        const start = batch.start[image + column]!;
        if (length === NULL_CELL) this.#text.raw('null');
        else if (this.#isBytes[column] === true) this.#text.hex(batch.data.subarray(start, start + length));
        else this.#text.string(batch.data.subarray(start, start + length));
      }
      this.#text.raw(separator === '{' ? '{}' : '}');
    });
  }

  #addUnchanged(batch: CellArrays, image: number): void {
    if (image === NO_IMAGE || !hasUnchanged(batch, image, this.#table.columns.length)) return this.#null();
    this.#cell(() => {
      let separator = '[';
      for (let column = 0; column < this.#names.length; column++) {
        if (batch.length[image + column] !== UNCHANGED_CELL) continue;
        this.#text.raw(separator);
        this.#text.string(this.#names[column]!);
        separator = ',';
      }
      this.#text.raw(']');
    });
  }

  #addShared(text: string): void {
    let place = this.#shared.get(text);
    if (place === undefined) {
      place = [this.#text.length, text.length];
      this.#text.raw(text);
      this.#shared.set(text, place);
    }
    this.#start.push(place[0]);
    this.#length.push(place[1]);
  }

  #cell(write: () => void): void {
    const start = this.#text.length;
    write();
    this.#start.push(start);
    this.#length.push(this.#text.length - start);
  }

  #null(): void {
    this.#start.push(0);
    this.#length.push(NULL_CELL);
  }
}

function hasUnchanged({ length }: CellArrays, image: number, columns: number): boolean {
  for (let cell = image; cell < image + columns; cell++) if (length[cell] === UNCHANGED_CELL) return true;
  return false;
}
