import type { Spill } from '@weir/sdk';
import iconv from 'iconv-lite';
import { writeCodePoint, writeUnmapped, type Charset } from './charset.ts';
import { doubleByteSets, type DoubleByteSet } from './double-byte-sets.ts';

const FIRST = 0x8000;
const KATAKANA = 0xff61;

/** A character set of one, two and, behind 0x8f, three bytes a character. Its table, 64 or 128 KiB, is made when it is first used. */
export class DoubleByteCharset implements Charset {
  readonly name: string;
  readonly isUtf8 = false;
  readonly extendsAscii = true;
  readonly #set: DoubleByteSet;
  /** Code points of characters of two bytes from 0x8000 on; 0 where there is none. */
  readonly #codes: Uint16Array;
  readonly #behind8f: Uint16Array | null;

  /** @param name one of `doubleByteNames` */
  constructor(name: string) {
    this.name = name;
    this.#set = doubleByteSets[name]!;
    this.#codes = codesOf(this.#set, []);
    this.#behind8f = this.#set.ownBehind8f === undefined ? null : codesOf(this.#set, [0x8f]);
  }

  write(data: Uint8Array, start: number, end: number, spill: Spill): void {
    for (let at = start; at < end; ) {
      const size = this.#sizeAt(data, at, end);
      const code = this.#codeAt(data, at, size);
      if (code === 0 && data[at] !== 0) writeUnmapped(spill);
      else writeCodePoint(spill, code);
      at += size;
    }
  }

  /** Bytes of the character at `at`; 1 for a byte that begins none. */
  #sizeAt(data: Uint8Array, at: number, end: number): 1 | 2 | 3 {
    const first = data[at]!;
    if (first < 0x80 || at + 2 > end) return 1;
    const second = data[at + 1]!;
    const { leads, trails, katakana } = this.#set;
    if (katakana === 'behind 8e' && first === 0x8e) return second >= 0xa1 && second <= 0xdf ? 2 : 1;
    if (this.#behind8f !== null && first === 0x8f) {
      return at + 3 <= end && isWithin(trails, second) && isWithin(trails, data[at + 2]!) ? 3 : 1;
    }
    return isWithin(leads, first) && isWithin(trails, second) ? 2 : 1;
  }

  /** The code point of a character of so many bytes; 0 where it has none. */
  #codeAt(data: Uint8Array, at: number, size: 1 | 2 | 3): number {
    const first = data[at]!;
    if (size === 3) return this.#behind8f![((data[at + 1]! << 8) | data[at + 2]!) - FIRST]!;
    if (size === 2 && first === 0x8e && this.#set.katakana === 'behind 8e') return KATAKANA + data[at + 1]! - 0xa1;
    if (size === 2) return this.#codes[((first << 8) | data[at + 1]!) - FIRST]!;
    if (first < 0x80) return first;
    return this.#set.katakana === 'single' && first >= 0xa1 && first <= 0xdf ? KATAKANA + first - 0xa1 : 0;
  }
}

export const doubleByteNames: readonly string[] = Object.keys(doubleByteSets);

function isWithin(ranges: readonly (readonly [number, number])[], value: number): boolean {
  for (let i = 0; i < ranges.length; i++) if (value >= ranges[i]![0] && value <= ranges[i]![1]) return true;
  return false;
}

/** The table of characters of two bytes, or of those of three behind `prefix`. */
function codesOf(set: DoubleByteSet, prefix: readonly number[]): Uint16Array {
  const codes = new Uint16Array(FIRST);
  const bytes = Buffer.from([...prefix, 0, 0]);
  for (let code = FIRST; code < 2 * FIRST; code++) {
    if (!isWithin(set.leads, code >> 8) || !isWithin(set.trails, code & 0xff)) continue;
    if (prefix.length === 0 && isWithin(set.lacks, code)) continue;
    bytes.writeUInt16BE(code, prefix.length);
    codes[code - FIRST] = codeOf(iconv.decode(bytes, set.base), set.privateUse);
  }
  const own = prefix.length === 0 ? set.own : (set.ownBehind8f ?? {});
  for (const [first, characters] of Object.entries(own)) {
    for (let i = 0; i < characters.length; i++) codes[Number(first) + i - FIRST] = characters.charCodeAt(i);
  }
  return codes;
}

/** The code point of a text that is one character; 0 where it is none that a character set has. */
function codeOf(text: string, privateUse: boolean): number {
  if (text.length !== 1 || text === '\ufffd' || text === '?') return 0;
  const code = text.charCodeAt(0);
  return code >= 0xe000 && code < 0xf900 && !privateUse ? 0 : code;
}
