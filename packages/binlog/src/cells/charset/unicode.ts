import type { Spill } from '@weir/sdk';
import { writeCodePoint, writeUnmapped, type Charset } from './charset.ts';

/** ucs2 and utf16, big-endian, and utf16le. In ucs2 there are no pairs of surrogates. */
export class Utf16Charset implements Charset {
  readonly name: string;
  readonly isUtf8 = false;
  readonly extendsAscii = false;
  readonly #high: 0 | 1;
  readonly #pairs: boolean;

  constructor(name: 'ucs2' | 'utf16' | 'utf16le') {
    this.name = name;
    this.#high = name === 'utf16le' ? 1 : 0;
    this.#pairs = name !== 'ucs2';
  }

  write(data: Uint8Array, start: number, end: number, spill: Spill): void {
    for (let at = start; at + 2 <= end; at += 2) {
      const unit = this.#unitAt(data, at);
      const next = this.#pairs && unit >= 0xd800 && unit < 0xdc00 && at + 4 <= end ? this.#unitAt(data, at + 2) : 0;
      if (next >= 0xdc00 && next < 0xe000) {
        writeCodePoint(spill, 0x1_0000 + ((unit & 0x3ff) << 10) + (next & 0x3ff));
        at += 2;
      } else {
        writeCodePoint(spill, unit);
      }
    }
  }

  #unitAt(data: Uint8Array, at: number): number {
    return (data[at + this.#high]! << 8) | data[at + 1 - this.#high]!;
  }
}

/** utf32, big-endian. */
export class Utf32Charset implements Charset {
  readonly name = 'utf32';
  readonly isUtf8 = false;
  readonly extendsAscii = false;

  write(data: Uint8Array, start: number, end: number, spill: Spill): void {
    for (let at = start; at + 4 <= end; at += 4) {
      const code = ((data[at]! << 24) | (data[at + 1]! << 16) | (data[at + 2]! << 8) | data[at + 3]!) >>> 0;
      if (code > 0x10_ffff) writeUnmapped(spill);
      else writeCodePoint(spill, code);
    }
  }
}
