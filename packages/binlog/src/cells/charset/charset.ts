import type { Spill } from '@weir/sdk';

const QUESTION = 0x3f;

/** A character set of the servers. */
export interface Charset {
  /** As the servers call it: `latin1`. */
  readonly name: string;
  /** Its text is UTF-8 already. */
  readonly isUtf8: boolean;
  /** Bytes below 0x80 that follow one another are always ASCII, so that text of only those is UTF-8 already. */
  readonly extendsAscii: boolean;
  /**
   * Appends text in UTF-8. As the servers do when they send text, a `?` stands for a sequence of bytes that has no character
   * (sql-common/sql_string.cc, `well_formed_copy_nchars` and `copy_and_convert`).
   */
  write(data: Uint8Array, start: number, end: number, spill: Spill): void;
}

/** Appends a code point in UTF-8; 0 is NUL, and a surrogate is none. */
export function writeCodePoint(spill: Spill, code: number): void {
  if (code < 0x80) {
    spill.byte(code);
  } else if (code < 0x800) {
    spill.byte(0xc0 | (code >> 6));
    spill.byte(0x80 | (code & 63));
  } else if (code < 0x1_0000) {
    if (code >= 0xd800 && code < 0xe000) {
      writeUnmapped(spill);
      return;
    }
    spill.byte(0xe0 | (code >> 12));
    spill.byte(0x80 | ((code >> 6) & 63));
    spill.byte(0x80 | (code & 63));
  } else {
    spill.byte(0xf0 | (code >> 18));
    spill.byte(0x80 | ((code >> 12) & 63));
    spill.byte(0x80 | ((code >> 6) & 63));
    spill.byte(0x80 | (code & 63));
  }
}

/** Appends what stands for bytes without a character. */
export function writeUnmapped(spill: Spill): void {
  spill.byte(QUESTION);
}

/** Text of these is UTF-8. */
export class Utf8Charset implements Charset {
  readonly name: string;
  readonly isUtf8 = true;
  readonly extendsAscii = true;

  constructor(name: string) {
    this.name = name;
  }

  write(data: Uint8Array, start: number, end: number, spill: Spill): void {
    spill.bytes(data, start, end);
  }
}
