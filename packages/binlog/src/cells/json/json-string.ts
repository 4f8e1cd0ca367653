import type { Spill } from '@weir/sdk';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const HEX = '0123456789abcdef';
/** By control character: the letter behind the backslash. */
const LETTERS: Readonly<Record<number, string>> = { 8: 'b', 9: 't', 10: 'n', 12: 'f', 13: 'r' };

/** Appends UTF-8 as a JSON string, escaped as MySQL does (sql-common/json_dom.cc, double_quote). */
export function writeJsonString(spill: Spill, data: Uint8Array, start: number, end: number): void {
  spill.byte(QUOTE);
  for (let at = start; at < end; at++) {
    const byte = data[at]!;
    if (byte >= 0x20) {
      if (byte === QUOTE || byte === BACKSLASH) spill.byte(BACKSLASH);
      spill.byte(byte);
    } else {
      spill.byte(BACKSLASH);
      spill.ascii(LETTERS[byte] ?? `u00${HEX[byte >> 4]}${HEX[byte & 15]}`);
    }
  }
  spill.byte(QUOTE);
}
