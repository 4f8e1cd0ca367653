import { COPY_HEADER, type CopyWriter } from '@weir/postgres';
import { NO_IMAGE, WeirError } from '@weir/sdk';
import { hasBytes, type Cells, type Field, type RowLoader } from '@weir/sql-sink';
import { ColumnEncoder } from './encode.ts';
import { escapeInto } from './encode-text.ts';

/** A column of the source that is copied: its place in a row's image, and how its cells are written. */
export interface CopiedCell {
  readonly index: number;
  readonly encoder: ColumnEncoder;
}

/** Bytes of a frame. Two are in use: one is filled while the connection takes the other (invariant 8). */
const FRAME_BYTES = 128 * 1024;
/** Pieces that what does not fit in a frame is written in; twice as long, one fits. */
const PIECE_BYTES = FRAME_BYTES / 2 - 64;

/** The most digits that a number has. */
const NUMBER_BYTES = 24;

const TAB = 0x09;
const NEWLINE = 0x0a;
const BACKSLASH = 0x5c;
const N = 0x4e;

/** The buffers of all COPYs of a connection. */
export function copyFrames(): readonly [Buffer, Buffer] {
  return [Buffer.allocUnsafeSlow(FRAME_BYTES), Buffer.allocUnsafeSlow(FRAME_BYTES)];
}

/**
 * Rows of COPY's text format on their way to the server. Bytes go from the batch's slab to the frame that is sent, with no
 * string between.
 */
export class CopyRows implements RowLoader {
  readonly #writer: CopyWriter;
  readonly #frames: readonly [Buffer, Buffer];
  #frame: Buffer;
  #at: number = COPY_HEADER;
  #sending: Promise<void> = Promise.resolve();
  #fresh = true;

  constructor(writer: CopyWriter, frames: readonly [Buffer, Buffer]) {
    this.#writer = writer;
    this.#frames = frames;
    this.#frame = frames[0];
  }

  /** See `RowLoader`. @throws WeirError WEIR_PG_VALUE, WEIR_SDK_USE for an unchanged cell that is not allowed */
  row(
    fields: readonly Field[],
    cells: Cells,
    image: number,
    columns: readonly CopiedCell[],
    unchangedAllowed: boolean,
  ): Promise<void> | null {
    // Iterators would be objects of each row.
    let bound = 1;
    for (let at = 0; at < fields.length; at++) bound += ColumnEncoder.bound(lengthOf(fields[at]!));
    for (let at = 0; at < columns.length; at++) {
      bound += ColumnEncoder.bound(image === NO_IMAGE ? 0 : Math.max(0, cells.length[image + columns[at]!.index]!));
    }
    if (bound > this.#room) return this.#flushedRow(bound, fields, cells, image, columns, unchangedAllowed);
    for (let at = 0; at < fields.length; at++) this.#field(fields[at]!);
    for (let at = 0; at < columns.length; at++) {
      const column = columns[at]!;
      if (hasBytes(cells, image, column.index, unchangedAllowed)) this.#cell(cells, image, column);
      else this.#null();
    }
    this.#endRow();
    return null;
  }

  /** Sends what is left. */
  async end(): Promise<void> {
    if (this.#at > COPY_HEADER) await this.#flush();
    await this.#sending;
  }

  async #flushedRow(
    bound: number,
    fields: readonly Field[],
    cells: Cells,
    image: number,
    columns: readonly CopiedCell[],
    unchangedAllowed: boolean,
  ): Promise<void> {
    await this.#flush();
    if (bound <= this.#room) return void this.row(fields, cells, image, columns, unchangedAllowed);
    for (const field of fields) await this.#largeField(field);
    for (const column of columns) {
      if (hasBytes(cells, image, column.index, unchangedAllowed)) await this.#largeCell(cells, image, column);
      else await this.#largeField(null);
    }
    if (this.#room < 1) await this.#flush();
    this.#endRow();
  }

  /** Bytes of the frame that are free. */
  get #room(): number {
    return FRAME_BYTES - this.#at;
  }

  #separate(): void {
    if (!this.#fresh) this.#frame[this.#at++] = TAB;
    this.#fresh = false;
  }

  #endRow(): void {
    this.#frame[this.#at++] = NEWLINE;
    this.#fresh = true;
  }

  #null(): void {
    this.#separate();
    this.#frame[this.#at++] = BACKSLASH;
    this.#frame[this.#at++] = N;
  }

  #field(field: Field): void {
    if (field === null) return this.#null();
    this.#separate();
    if (typeof field === 'number') this.#at += this.#frame.write(String(field), this.#at, 'latin1');
    else if (typeof field === 'string') this.#at += this.#frame.write(field, this.#at, 'latin1');
    else this.#escape(field, 0, field.length);
  }

  #cell({ data, start, length }: Cells, image: number, { index, encoder }: CopiedCell): void {
    this.#separate();
    this.#prefix(encoder);
    const from = start[image + index]!;
    this.#at = encoder.encode(this.#frame, this.#at, data, from, from + length[image + index]!);
  }

  async #largeField(field: Field): Promise<void> {
    const bound = ColumnEncoder.bound(lengthOf(field));
    if (bound > this.#room) await this.#flush();
    if (field === null || typeof field === 'number' || bound <= this.#room) return this.#field(field);
    const bytes = typeof field === 'string' ? Buffer.from(field, 'latin1') : field;
    this.#separate();
    await this.#pieces(bytes.length, (from, to) => this.#escape(bytes, from, to));
  }

  async #largeCell(cells: Cells, image: number, column: CopiedCell): Promise<void> {
    const length = cells.length[image + column.index]!;
    const bound = ColumnEncoder.bound(length);
    if (bound > this.#room) await this.#flush();
    if (bound <= this.#room) return this.#cell(cells, image, column);
    const { encoder } = column;
    const start = cells.start[image + column.index]!;
    this.#separate();
    this.#prefix(encoder);
    if (encoder.divisible) {
      await this.#pieces(length, (from, to) => {
        this.#at = encoder.encode(this.#frame, this.#at, cells.data, start + from, start + to);
      });
      return;
    }
    const whole = Buffer.allocUnsafe(bound);
    const end = encoder.encode(whole, 0, cells.data, start, start + length);
    await this.#pieces(end, (from, to) => {
      this.#at += whole.copy(this.#frame, this.#at, from, to);
    });
  }

  async #pieces(length: number, put: (from: number, to: number) => void): Promise<void> {
    for (let from = 0; from < length; from += PIECE_BYTES) {
      if (this.#room < 2 * PIECE_BYTES) await this.#flush();
      put(from, Math.min(from + PIECE_BYTES, length));
    }
  }

  #prefix({ prefix }: ColumnEncoder): void {
    if (prefix !== '') this.#at += this.#frame.write(prefix, this.#at, 'latin1');
  }

  #escape(bytes: Uint8Array, from: number, to: number): void {
    const end = escapeInto(this.#frame, this.#at, bytes, from, to);
    if (end < 0) throw new WeirError('WEIR_SDK_USE', 'a field of Weir’s own holds a NUL character');
    this.#at = end;
  }

  /** Sends the frame; waits only until the connection has taken the one before. */
  async #flush(): Promise<void> {
    const frame = this.#frame.subarray(0, this.#at);
    await this.#sending;
    this.#sending = this.#writer.write(frame);
    // It is awaited before the next frame is sent; until then nobody else handles its failure.
    this.#sending.catch(() => {});
    this.#frame = this.#frame === this.#frames[0] ? this.#frames[1] : this.#frames[0];
    this.#at = COPY_HEADER;
  }
}

/** Bytes of a field; of a number at most. */
function lengthOf(field: Field): number {
  return field === null ? 0 : typeof field === 'number' ? NUMBER_BYTES : field.length;
}
