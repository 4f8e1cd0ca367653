import { STATEMENT_HEADER, type MysqlClient } from '@weir/mysql';
import { NO_IMAGE, WeirError } from '@weir/sdk';
import { hasBytes, type Cells, type Field, type RowLoader, type WrittenCell } from '@weir/sql-sink';
import { ColumnEncoder } from './encode.ts';
import { escapeInto } from './encode-text.ts';

/** Two are in use: one is filled while the server works on the other (invariant 8). */
export type Frames = readonly [Buffer, Buffer];

/** Bytes of a statement: so large that round trips do not count, and small beside what the server takes. */
const FRAME_BYTES = 1 << 20;
/** Digits of a number, or NULL; with a comma or parenthesis on each side. */
const SHORT_BYTES = 24;

const COMMA = 0x2c;
const OPEN = 0x28;
const CLOSE = 0x29;
const QUOTE = 0x27;
const NULL = Buffer.from('NULL');

/** @param packetBytes the server's max_allowed_packet */
export function insertFrames(packetBytes: number): Frames {
  const size = Math.min(FRAME_BYTES, packetBytes);
  return [Buffer.allocUnsafeSlow(size), Buffer.allocUnsafeSlow(size)];
}

/**
 * Rows on their way to the server, as INSERTs of many rows each. Bytes go from the batch's slab to the statement that is sent,
 * with no string between.
 */
export class InsertRows implements RowLoader {
  readonly #client: MysqlClient;
  readonly #into: Buffer;
  readonly #frames: Frames;
  readonly #packetBytes: number;
  #frame: Buffer;
  #at = STATEMENT_HEADER;
  #rows = 0;
  #sending: Promise<unknown> = Promise.resolve();

  constructor(client: MysqlClient, into: string, frames: Frames, packetBytes: number) {
    this.#client = client;
    this.#into = Buffer.from(`${into} `);
    this.#frames = frames;
    this.#packetBytes = packetBytes;
    this.#frame = frames[0];
  }

  /** See `RowLoader`. @throws WeirError WEIR_MYSQL_VALUE, WEIR_MYSQL_PACKET, WEIR_SDK_USE for an unchanged cell that is not allowed */
  row(
    fields: readonly Field[],
    cells: Cells,
    image: number,
    columns: readonly WrittenCell[],
    unchangedAllowed: boolean,
  ): Promise<void> | null {
    const bound = rowBound(fields, cells, image, columns);
    if (this.#at + bound + this.#into.length > this.#frame.length) {
      return this.#flushedRow(bound, fields, cells, image, columns, unchangedAllowed);
    }
    this.#write(fields, cells, image, columns, unchangedAllowed);
    return null;
  }

  /** Sends what is left. */
  async end(): Promise<void> {
    if (this.#rows > 0) await this.#flush();
    await this.#sending;
  }

  /** Waits for a statement that is under way, however it ends. */
  async settled(): Promise<void> {
    await this.#sending.catch(() => {});
  }

  async #flushedRow(
    bound: number,
    fields: readonly Field[],
    cells: Cells,
    image: number,
    columns: readonly WrittenCell[],
    unchangedAllowed: boolean,
  ): Promise<void> {
    if (this.#rows > 0) await this.#flush();
    if (STATEMENT_HEADER + bound + this.#into.length <= this.#frame.length) {
      return this.#write(fields, cells, image, columns, unchangedAllowed);
    }
    // A row that is larger than a frame has one of its own, for as long as it is under way.
    await this.#sending;
    const frame = this.#frame;
    this.#frame = Buffer.allocUnsafeSlow(STATEMENT_HEADER + bound + this.#into.length);
    this.#write(fields, cells, image, columns, unchangedAllowed);
    await this.#send();
    await this.#sending;
    this.#frame = frame;
  }

  #write(
    fields: readonly Field[],
    cells: Cells,
    image: number,
    columns: readonly WrittenCell[],
    unchangedAllowed: boolean,
  ): void {
    const frame = this.#frame;
    let at = this.#at;
    if (this.#rows === 0) at += this.#into.copy(frame, at);
    else frame[at++] = COMMA;
    frame[at++] = OPEN;
    const first = at;
    // Iterators would be objects of each row.
    for (let i = 0; i < fields.length; i++) {
      if (at > first) frame[at++] = COMMA;
      at = writeField(frame, at, fields[i]!);
    }
    for (let i = 0; i < columns.length; i++) {
      if (at > first) frame[at++] = COMMA;
      const { index, encoder } = columns[i]!;
      if (hasBytes(cells, image, index, unchangedAllowed)) {
        const from = cells.start[image + index]!;
        at = encoder.encode(frame, at, cells.data, from, from + cells.length[image + index]!);
      } else {
        at += NULL.copy(frame, at);
      }
    }
    frame[at++] = CLOSE;
    this.#at = at;
    this.#rows++;
  }

  /** Sends the frame; waits only until the server has answered the one before. */
  async #flush(): Promise<void> {
    await this.#send();
    this.#frame = this.#frame === this.#frames[0] ? this.#frames[1] : this.#frames[0];
  }

  async #send(): Promise<void> {
    const [frame, end] = [this.#frame, this.#at];
    if (end > this.#packetBytes) {
      const message = `a row takes ${end} bytes as a statement, and max_allowed_packet of the server is ${this.#packetBytes}`;
      throw new WeirError('WEIR_MYSQL_PACKET', message);
    }
    await this.#sending;
    this.#sending = this.#client.send(frame, end);
    // It is awaited before the next statement; until then nobody else handles its failure.
    this.#sending.catch(() => {});
    this.#at = STATEMENT_HEADER;
    this.#rows = 0;
  }
}

function rowBound(fields: readonly Field[], { length }: Cells, image: number, columns: readonly WrittenCell[]): number {
  let bound = SHORT_BYTES;
  for (let i = 0; i < fields.length; i++) {
    const field = fields[i]!;
    bound += typeof field === 'string' || field instanceof Uint8Array ? ColumnEncoder.bound(field.length) : SHORT_BYTES;
  }
  for (let i = 0; i < columns.length; i++) {
    bound += ColumnEncoder.bound(image === NO_IMAGE ? 0 : Math.max(0, length[image + columns[i]!.index]!));
  }
  return bound;
}

function writeField(frame: Buffer, at: number, field: Field): number {
  if (field === null) return at + NULL.copy(frame, at);
  if (typeof field === 'number') return at + frame.write(String(field), at, 'latin1');
  frame[at] = QUOTE;
  const inside = at + 1;
  const end = typeof field === 'string' ? inside + frame.write(field, inside, 'latin1') : escapeInto(frame, inside, field, 0, field.length);
  frame[end] = QUOTE;
  return end + 1;
}
