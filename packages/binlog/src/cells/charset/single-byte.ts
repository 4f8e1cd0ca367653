import type { Spill } from '@weir/sdk';
import { writeCodePoint, writeUnmapped, type Charset } from './charset.ts';
import { upperHalves } from './single-byte-tables.ts';

/** Where swe7 is not ASCII: a Swedish variant of 7 bits. DEL has no character. */
const SWE7: Readonly<Record<number, string>> = {
  0x40: 'É',
  0x5b: 'Ä',
  0x5c: 'Ö',
  0x5d: 'Å',
  0x5e: 'Ü',
  0x60: 'é',
  0x7b: 'ä',
  0x7c: 'ö',
  0x7d: 'å',
  0x7e: 'ü',
  0x7f: '\0',
};

/** A character set of one byte a character. */
export class SingleByteCharset implements Charset {
  readonly name: string;
  readonly isUtf8 = false;
  readonly extendsAscii: boolean;
  /** The code point of each byte; 0 where it has none. */
  readonly #codes = new Uint16Array(256);

  /** @param name one of `singleByteNames` */
  constructor(name: string) {
    this.name = name;
    this.extendsAscii = name !== 'swe7';
    const upper = upperHalves[name]!;
    for (let byte = 0; byte < 128; byte++) {
      this.#codes[byte] = (name === 'swe7' ? SWE7[byte]?.charCodeAt(0) : undefined) ?? byte;
      this.#codes[byte + 128] = upper.charCodeAt(byte);
    }
  }

  write(data: Uint8Array, start: number, end: number, spill: Spill): void {
    for (let at = start; at < end; at++) {
      const byte = data[at]!;
      const code = this.#codes[byte]!;
      if (code === 0 && byte !== 0) writeUnmapped(spill);
      else writeCodePoint(spill, code);
    }
  }
}

export const singleByteNames: readonly string[] = Object.keys(upperHalves);
