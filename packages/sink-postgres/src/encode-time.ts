import { ColumnEncoder } from './encode.ts';
import { escapeInto } from './encode-text.ts';

const MINUS = 0x2d;
const SPACE = 0x20;
const T = 0x54;
const ZERO = 0x30;
const NINE = 0x39;
const BC = [SPACE, 0x42, 0x43] as const;

/**
 * Dates and timestamps. PostgreSQL reads ISO 8601, also with `T` and `Z`, but years BC in its own way: 1 BC, the ISO year
 * 0000, is `0001-03-15 BC`, and 44 BC, `-000043-03-15`, is `0044-03-15 BC`.
 */
export class DateEncoder extends ColumnEncoder {
  encode(out: Uint8Array, at: number, data: Uint8Array, start: number, end: number): number {
    const bc = writeBc(out, at, data, start, end);
    return bc < 0 ? this.#text(escapeInto(out, at, data, start, end)) : bc;
  }

  #text(end: number): number {
    return end < 0 ? this.refuse('a date holds a NUL character') : end;
  }
}

/** Writes a date or timestamp BC for the server. @returns where it ends, or -1 when it is none */
export function writeBc(out: Uint8Array, at: number, data: Uint8Array, start: number, end: number): number {
  const negative = data[start] === MINUS;
  let digits = start + (negative ? 1 : 0);
  let year = 0;
  while (digits < end && data[digits]! >= ZERO && data[digits]! <= NINE) year = year * 10 + data[digits++]! - ZERO;
  // `-infinity` has no digits, and a year AD other than 0 is as it should be.
  if (data[digits] !== MINUS || (negative ? digits === start + 1 : year !== 0 || digits === start)) return -1;
  year += 1;
  let to = at;
  for (let divisor = year > 9999 ? 100_000 : 1000; divisor >= 1; divisor /= 10) {
    out[to++] = ZERO + (Math.floor(year / divisor) % 10);
  }
  for (let i = digits; i < end; i++) {
    const byte = data[i]!;
    if (byte < SPACE || byte > 0x7e || byte === 0x5c) return -1;
    out[to++] = byte === T ? SPACE : byte;
  }
  for (const byte of BC) out[to++] = byte;
  return to;
}
