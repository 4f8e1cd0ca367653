import { ColumnEncoder } from './encode.ts';
import { asciiInto } from './encode-text.ts';

const QUOTE = 0x27;
const MINUS = 0x2d;
const SPACE = 0x20;
const T = 0x54;
const Z = 0x5a;
const ZERO = 0x30;
const NINE = 0x39;
const ONE = 0x31;

/**
 * Dates and timestamps, of the years that the server's manual promises: 1000 to 9999. `T` becomes a space and `Z` goes: what is
 * stored is UTC, and the session's zone is too.
 * https://dev.mysql.com/doc/refman/8.4/en/datetime.html
 */
export class DateEncoder extends ColumnEncoder {
  encode(out: Uint8Array, at: number, data: Uint8Array, start: number, end: number): number {
    if (!hasFourDigitYear(data, start, end)) this.refuse('a year outside of 1000 to 9999, or an infinity: see `as_text`');
    let to = at;
    out[to++] = QUOTE;
    const stop = data[end - 1] === Z ? end - 1 : end;
    for (let i = start; i < stop; i++) {
      const byte = data[i]!;
      if (byte < SPACE || byte > 0x7e || byte === QUOTE || byte === 0x5c) this.refuse('a cell is no date');
      out[to++] = byte === T ? SPACE : byte;
    }
    out[to++] = QUOTE;
    return to;
  }
}

function hasFourDigitYear(data: Uint8Array, start: number, end: number): boolean {
  if (end - start < 10 || data[start + 4] !== MINUS || data[start]! < ONE) return false;
  for (let i = start; i < start + 4; i++) if (data[i]! < ZERO || data[i]! > NINE) return false;
  return true;
}

/** `PT-838H-59M-59.5S`, all parts with one sign; at most 838 hours, which the server sees to. */
const DURATION = /^PT(?:(-?\d+)H)?(?:(-?\d+)M)?(?:(-?\d+)(\.\d{1,6})?S)?$/;
const ascii = new TextDecoder('latin1');

/** Intervals that were MySQL's TIME, as MySQL's TIME. */
export class ClockEncoder extends ColumnEncoder {
  encode(out: Uint8Array, at: number, data: Uint8Array, start: number, end: number): number {
    const parts = DURATION.exec(ascii.decode(data.subarray(start, end)));
    if (parts === null) this.refuse('an interval that is no TIME of MySQL: see `as_text`');
    const [, hours = '0', minutes = '0', seconds = '0', fraction = ''] = parts;
    const signs = new Set([hours, minutes, seconds + fraction].filter((part) => Number(part) !== 0).map((part) => part.startsWith('-')));
    const [minute, second] = [minutes, seconds].map((part) => Math.abs(Number(part)));
    if (signs.size > 1 || minute! > 59 || second! > 59) this.refuse('an interval that is no TIME of MySQL: see `as_text`');
    const sign = signs.has(true) ? '-' : '';
    return asciiInto(out, at, `'${sign}${hours.replace('-', '')}:${minute}:${second}${fraction}'`);
  }
}
