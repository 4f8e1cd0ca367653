import type { Spill } from '@weir/sdk';
import iconv from 'iconv-lite';
import type { Charset } from './charset.ts';

/** gb18030 of MySQL: one, two or four bytes a character. */
export class Gb18030Charset implements Charset {
  readonly name = 'gb18030';
  readonly isUtf8 = false;
  readonly extendsAscii = true;

  write(data: Uint8Array, start: number, end: number, spill: Spill): void {
    const bytes = Buffer.from(data.buffer, data.byteOffset + start, end - start);
    const text = Buffer.from(iconv.decode(bytes, 'gb18030').replaceAll('\ufffd', '?'));
    spill.bytes(text, 0, text.length);
  }
}
