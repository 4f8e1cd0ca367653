import { inflateRawSync, inflateSync } from 'node:zlib';
import type { BatchWriter } from '@weir/sdk';
import type { CellDecoder } from './cell-decoder.ts';
import type { Charset } from './charset/charset.ts';
import { damagedValue } from './damaged-value.ts';
import { prefixedLength } from './length-prefix.ts';

/**
 * A COMPRESSED column of MariaDB: a byte that is 0 before the value as it is; or 0x80 to 0x8f before the length that the value has
 * inflated, big-endian in as many bytes as its lower three bits say, and the deflated value, raw where bit 3 is set (sql/field_comp.cc).
 */
export class CompressedCell implements CellDecoder {
  readonly #column: string;
  readonly #prefix: number;
  readonly #charset: Charset | null;

  /** @param charset null for bytes */
  constructor(column: string, prefix: number, charset: Charset | null) {
    this.#column = column;
    this.#prefix = prefix;
    this.#charset = charset;
  }

  write(data: Uint8Array, at: number, end: number, writer: BatchWriter): number {
    const behind = this.pass(data, at, end);
    const start = at + this.#prefix;
    const from = writer.spill.length;
    if (behind > start) {
      const header = data[start]!;
      const value = header === 0 ? data.subarray(start + 1, behind) : this.#inflate(data, start, behind, header);
      if (this.#charset === null) writer.spill.bytes(value, 0, value.length);
      else this.#charset.write(value, 0, value.length, writer.spill);
    }
    writer.spilledCell(from);
    return behind;
  }

  pass(data: Uint8Array, at: number, end: number): number {
    return at + this.#prefix + prefixedLength(this.#column, data, at, end, this.#prefix);
  }

  #inflate(data: Uint8Array, start: number, end: number, header: number): Uint8Array {
    const lengthBytes = header & 7;
    const body = start + 1 + lengthBytes;
    if (header >> 4 !== 8 || lengthBytes === 0 || body > end) throw damagedValue(this.#column, 'a compressed value has another header');
    let length = 0;
    for (let i = start + 1; i < body; i++) length = length * 256 + data[i]!;
    const inflate = (header & 8) === 0 ? inflateSync : inflateRawSync;
    const value = this.#inflated(() => inflate(data.subarray(body, end), { maxOutputLength: Math.max(1, Math.min(length, 0xffff_ffff)) }));
    if (value?.length !== length) throw damagedValue(this.#column, 'a compressed value cannot be inflated');
    return value;
  }

  #inflated(inflate: () => Uint8Array): Uint8Array | null {
    try {
      return inflate();
    } catch {
      return null;
    }
  }
}
