import type { Spill } from '@weir/sdk';

export const ZERO = 0x30;
export const MINUS = 0x2d;
export const POINT = 0x2e;

/** Room for the longest number, 20 digits, and for what is written beyond it: digits go in words of four bytes. */
export const NUMBER_ROOM = 24;
const BILLION = 1_000_000_000;
const TWO_32 = 4_294_967_296;

// Numbers of 32 bits are handed over as their bits, which are signed integers to JavaScript: from 2^31 on a number would be an
// object. `put…` writes where its caller has made room, up to three bytes beyond the offset behind, which it returns.

/** The two digits of a number below 100, the first in the low byte. */
export function digits2(value: number): number {
  // The multiplication is a division by 10 up to 1028.
  const tens = (value * 103) >> 10;
  return (tens | ((value - tens * 10) << 8)) + 0x3030;
}

/** The four digits of each number below 10,000, the first in the low byte: 40 kB, from which a load is faster than divisions. */
const FOUR_DIGITS = Int32Array.from({ length: 10_000 }, (_, value) => {
  const hundreds = (value / 100) | 0;
  return digits2(hundreds) | (digits2(value - hundreds * 100) << 16);
});

/** The four digits of a number below 10,000, the first in the low byte. */
export function digits4(value: number): number {
  return FOUR_DIGITS[value]!;
}

/** A word of up to four bytes, the first in the low byte. */
export function putWord(into: DataView, at: number, word: number): void {
  into.setUint32(at, word, true);
}

/** Nine digits of a number below 10^9. */
export function put9(into: DataView, at: number, value: number): number {
  const above = (value / 10_000) | 0;
  const first = (above / 10_000) | 0;
  into.setUint8(at, ZERO + first);
  putWord(into, at + 1, digits4(above - first * 10_000));
  putWord(into, at + 5, digits4(value - above * 10_000));
  return at + 9;
}

/** The last `width` digits, at most 9, of a whole number from 0 to 2^31 - 1, zeros before them. */
export function putPadded(into: DataView, at: number, value: number, width: number): number {
  const above = (value / 10_000) | 0;
  const last = digits4(value - above * 10_000);
  if (width <= 4) {
    putWord(into, at, last >> (8 * (4 - width)));
    return at + width;
  }
  const first = (above / 10_000) | 0;
  const middle = digits4(above - first * 10_000);
  if (width < 9) {
    putWord(into, at, middle >> (8 * (8 - width)));
  } else {
    into.setUint8(at, ZERO + (first % 10));
    putWord(into, at + 1, middle);
  }
  putWord(into, at + width - 4, last);
  return at + width;
}

/** A whole number from 0 to 2^31 - 1, without zeros before it. */
export function putNumber(into: DataView, at: number, value: number): number {
  if (value < 10_000) return putFew(into, at, value);
  const above = (value / 10_000) | 0;
  const last = value - above * 10_000;
  let behind: number;
  if (above < 10_000) {
    behind = putFew(into, at, above);
  } else {
    const first = (above / 10_000) | 0;
    behind = putFew(into, at, first);
    putWord(into, behind, digits4(above - first * 10_000));
    behind += 4;
  }
  putWord(into, behind, digits4(last));
  return behind + 4;
}

/** A number below 10,000, without zeros before it. */
function putFew(into: DataView, at: number, value: number): number {
  const zeros = value < 100 ? (value < 10 ? 3 : 2) : value < 1000 ? 1 : 0;
  putWord(into, at, digits4(value) >> (8 * zeros));
  return at + 4 - zeros;
}

/** A whole number of 32 bits, taken as unsigned. */
export function putNumber32(into: DataView, at: number, bits: number): number {
  if (bits >= 0) return putNumber(into, at, bits);
  // From 2^31 on the first of ten digits is 2, 3 or 4.
  const value = bits >>> 0;
  const first = (value / BILLION) | 0;
  into.setUint8(at, ZERO + first);
  return put9(into, at + 1, (value - first * BILLION) | 0);
}

/** A whole number of 64 bits, taken as unsigned, of the bits of its two halves. */
export function putNumber64(into: DataView, at: number, highBits: number, lowBits: number): number {
  if (highBits === 0) return putNumber32(into, at, lowBits);
  const high = highBits >>> 0;
  let quotient: number;
  let last: number;
  if (high < 0x20_0000) {
    const value = high * TWO_32 + (lowBits >>> 0);
    quotient = Math.floor(value / BILLION);
    last = value - quotient * BILLION;
  } else {
    // Long division by 10^9 in steps that a double holds exactly.
    const first = Math.floor(high / BILLION);
    const middle = (high - first * BILLION) * 65_536 + (lowBits >>> 16);
    const second = Math.floor(middle / BILLION);
    const lower = (middle - second * BILLION) * 65_536 + (lowBits & 0xffff);
    const third = Math.floor(lower / BILLION);
    quotient = first * TWO_32 + second * 65_536 + third;
    last = lower - third * BILLION;
  }
  if (quotient < BILLION) return put9(into, putNumber(into, at, quotient | 0), last | 0);
  const first = Math.floor(quotient / BILLION);
  return put9(into, put9(into, putNumber(into, at, first | 0), (quotient - first * BILLION) | 0), last | 0);
}

/** A point and so many digits, at most 9, of a fraction, without zeros at the end; nothing where it is 0. */
export function putFraction(into: DataView, at: number, value: number, digits: number): number {
  if (value === 0) return at;
  into.setUint8(at, POINT);
  return dropZeros(into, putPadded(into, at + 1, value, digits));
}

/** @returns the offset behind the last byte before `behind` that is no zero */
export function dropZeros(into: DataView, behind: number): number {
  let last = behind;
  while (into.getUint8(last - 1) === ZERO) last--;
  return last;
}

/** Appends a whole number of 32 bits, taken as unsigned. */
export function writeNumber(spill: Spill, bits: number): void {
  spill.length = putNumber32(spill.room(NUMBER_ROOM), spill.length, bits | 0);
}

/** Appends the last `width` digits, at most 9, of a whole number from 0 to 2^31 - 1, zeros before them. */
export function writePadded(spill: Spill, value: number, width: number): void {
  spill.length = putPadded(spill.room(NUMBER_ROOM), spill.length, value, width);
}

/** Appends a point and so many digits of a fraction, without zeros at the end; nothing where it is 0. */
export function writeFraction(spill: Spill, value: number, digits: number): void {
  spill.length = putFraction(spill.room(NUMBER_ROOM), spill.length, value, digits);
}
