import type { BatchWriter } from '@weir/sdk';
import type { CellDecoder } from './cell-decoder.ts';
import { damagedValue } from './damaged-value.ts';
import { prefixedLength } from './length-prefix.ts';

/** Bytes that are the cell as they lie there: VARBINARY, BLOB, GEOMETRY, and text in UTF-8. */
export class BytesCell implements CellDecoder {
  readonly #column: string;
  readonly #prefix: number;

  /** @param prefix bytes of the length, 1 to 4 */
  constructor(column: string, prefix: number) {
    this.#column = column;
    this.#prefix = prefix;
  }

  write(data: Uint8Array, at: number, end: number, writer: BatchWriter): number {
    const length = prefixedLength(this.#column, data, at, end, this.#prefix);
    const start = at + this.#prefix;
    writer.cell(start, length);
    return start + length;
  }

  pass(data: Uint8Array, at: number, end: number): number {
    return at + this.#prefix + prefixedLength(this.#column, data, at, end, this.#prefix);
  }
}

/** BINARY(n): the log lacks the zero bytes at its end. */
export class FixedBytesCell implements CellDecoder {
  readonly #column: string;
  readonly #prefix: number;
  readonly #size: number;

  constructor(column: string, size: number) {
    this.#column = column;
    this.#prefix = size > 255 ? 2 : 1;
    this.#size = size;
  }

  write(data: Uint8Array, at: number, end: number, writer: BatchWriter): number {
    const behind = this.pass(data, at, end);
    const start = at + this.#prefix;
    if (behind - start === this.#size) {
      writer.cell(start, this.#size);
      return behind;
    }
    const { spill } = writer;
    const from = spill.length;
    spill.bytes(data, start, behind);
    for (let i = behind - start; i < this.#size; i++) spill.byte(0);
    writer.spilledCell(from);
    return behind;
  }

  pass(data: Uint8Array, at: number, end: number): number {
    const length = prefixedLength(this.#column, data, at, end, this.#prefix);
    if (length > this.#size) throw damagedValue(this.#column, 'the value is longer than its type allows');
    return at + this.#prefix + length;
  }
}
