import type { BatchWriter } from '@weir/sdk';
import type { CellDecoder } from './cell-decoder.ts';
import type { Charset } from './charset/charset.ts';
import { prefixedLength } from './length-prefix.ts';

/** CHAR, VARCHAR and TEXT in a character set that is not UTF-8; text of ASCII alone stays where it lies. */
export class TextCell implements CellDecoder {
  readonly #column: string;
  readonly #prefix: number;
  readonly #charset: Charset;

  constructor(column: string, prefix: number, charset: Charset) {
    this.#column = column;
    this.#prefix = prefix;
    this.#charset = charset;
  }

  write(data: Uint8Array, at: number, end: number, writer: BatchWriter): number {
    const start = at + this.#prefix;
    const length = prefixedLength(this.#column, data, at, end, this.#prefix);
    if (this.#charset.extendsAscii && isAscii(data, start, start + length)) {
      writer.cell(start, length);
    } else {
      const from = writer.spill.length;
      this.#charset.write(data, start, start + length, writer.spill);
      writer.spilledCell(from);
    }
    return start + length;
  }

  pass(data: Uint8Array, at: number, end: number): number {
    return at + this.#prefix + prefixedLength(this.#column, data, at, end, this.#prefix);
  }
}

function isAscii(data: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (data[at]! >= 0x80) return false;
  return true;
}
