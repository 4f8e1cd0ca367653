import type { Spill } from '@weir/sdk';
import iconv from 'iconv-lite';
import { writeCodePoint, writeUnmapped, type Charset } from './charset.ts';
import { DoubleByteCharset } from './double-byte.ts';

/** Characters of four bytes are numbered from 81308130 on; up to this one, 8431a439, they are of the basic plane. */
const BASIC_END = 39_420;
/** Number of 90308130, which is U+10000; those behind it follow. */
const SUPPLEMENTARY = 189_000;
const SUPPLEMENTARY_END = SUPPLEMENTARY + 0x10_0000;

/** gb18030 of MySQL: one, two or four bytes a character. */
export class Gb18030Charset implements Charset {
  readonly name = 'gb18030';
  readonly isUtf8 = false;
  readonly extendsAscii = true;
  readonly #twoBytes = new DoubleByteCharset('gb18030');

  write(data: Uint8Array, start: number, end: number, spill: Spill): void {
    for (let at = start; at < end; ) {
      const number = fourBytesAt(data, at, end);
      if (number >= 0) {
        writeFourBytes(data, at, number, spill);
        at += 4;
      } else {
        const size = at + 2 <= end && data[at]! > 0x80 && data[at + 1]! >= 0x40 ? 2 : 1;
        this.#twoBytes.write(data, at, at + size, spill);
        at += size;
      }
    }
  }
}

/** The number of the character of four bytes at `at`; -1 where none is there. */
function fourBytesAt(data: Uint8Array, at: number, end: number): number {
  if (at + 4 > end) return -1;
  const first = data[at]! - 0x81;
  const second = data[at + 1]! - 0x30;
  const third = data[at + 2]! - 0x81;
  const fourth = data[at + 3]! - 0x30;
  if (first < 0 || first > 125 || second < 0 || second > 9 || third < 0 || third > 125 || fourth < 0 || fourth > 9) return -1;
  return ((first * 10 + second) * 126 + third) * 10 + fourth;
}

function writeFourBytes(data: Uint8Array, at: number, number: number, spill: Spill): void {
  if (number < BASIC_END) {
    const text = iconv.decode(Buffer.from(data.buffer, data.byteOffset + at, 4), 'gb18030');
    writeCodePoint(spill, text.charCodeAt(0));
  } else if (number >= SUPPLEMENTARY && number < SUPPLEMENTARY_END) {
    writeCodePoint(spill, 0x1_0000 + number - SUPPLEMENTARY);
  } else {
    writeUnmapped(spill);
  }
}
