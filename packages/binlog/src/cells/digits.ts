import type { Spill } from '@weir/sdk';

export const ZERO = 0x30;
export const MINUS = 0x2d;
export const POINT = 0x2e;

// Numbers of 32 bits are handed over as their bits, which are signed integers to JavaScript: from 2^31 on a number would be an object.

/** Appends a whole number of 32 bits, taken as unsigned. */
export function writeNumber(spill: Spill, bits: number): void {
  const value = bits >>> 0;
  let width = 1;
  for (let above = 10; width < 10 && value >= above; above *= 10) width++;
  writePadded(spill, bits, width);
}

/** Appends the last `width` digits of a whole number of 32 bits, taken as unsigned, zeros before them. */
export function writePadded(spill: Spill, bits: number, width: number): void {
  const from = spill.extend(width);
  const { data } = spill;
  let rest = bits >>> 0;
  for (let i = from + width - 1; i >= from; i--) {
    const tenth = (rest / 10) >>> 0;
    data[i] = ZERO + rest - tenth * 10;
    rest = tenth;
  }
}

/** Appends a whole number of 64 bits, taken as unsigned, of the bits of its two halves. */
export function writeNumber64(spill: Spill, highBits: number, lowBits: number): void {
  if (highBits === 0) {
    writeNumber(spill, lowBits);
    return;
  }
  const high = highBits >>> 0;
  // Long division by 10^9 in steps that a double holds exactly.
  const middle = (high % 1e9) * 65536 + (lowBits >>> 16);
  const lower = (middle % 1e9) * 65536 + (lowBits & 0xffff);
  const quotient = Math.floor(high / 1e9) * 4294967296 + Math.floor(middle / 1e9) * 65536 + Math.floor(lower / 1e9);
  const first = Math.floor(quotient / 1e9) | 0;
  const second = quotient % 1e9 | 0;
  if (first > 0) {
    writeNumber(spill, first);
    writePadded(spill, second, 9);
  } else {
    writeNumber(spill, second);
  }
  writePadded(spill, lower % 1e9 | 0, 9);
}

/** Appends a point and so many digits of a fraction, without zeros at the end; nothing where it is 0. */
export function writeFraction(spill: Spill, value: number, digits: number): void {
  if (value === 0) return;
  spill.byte(POINT);
  writePadded(spill, value, digits);
  while (spill.data[spill.length - 1] === ZERO) spill.length--;
}
