import { nearestFloat32 } from '@weir/sdk';
import { ColumnEncoder, type EncodedColumn } from './encode.ts';
import type { Slots } from './slots.ts';

const ZERO = 0x30;
const MINUS = 0x2d;
const POINT = 0x2e;
/** Any integer of 15 digits is exact in a double. */
const SAFE_DIGITS = 15;
/** Powers of ten; up to 10^22 they are exact in a double. */
const POWERS = [1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];

/** A shortest decimal, `NaN` or an infinity into a float. What it reads is the nearest float, which is the source's own. */
export class FloatEncoder extends ColumnEncoder {
  readonly #to: Float32Array | Float64Array;
  /** Longest text that is read without a string; for a float32 so short that rounding twice cannot err. */
  readonly #quickLength: number;

  constructor(column: EncodedColumn, slots: Slots) {
    super(column, slots);
    this.#to = this.width === 4 ? slots.f32 : slots.f64;
    this.#quickLength = this.width === 4 ? 10 : SAFE_DIGITS;
  }

  protected put(slot: number, start: number, end: number): void {
    if (!this.#putQuick(slot, start, end)) this.#to[slot] = this.#parse(start, end);
    // An overflow to infinity would be another value; NaN and infinities have no digit at their end.
    const last = this.data[end - 1]!;
    if (last >= ZERO && last <= 0x39 && !Number.isFinite(this.#to[slot])) this.refuse();
  }

  /**
   * Digits with or without a point: both parts are exact in a double, so their quotient is the nearest one.
   * @returns whether it was put; a double that is returned would be an object
   */
  #putQuick(slot: number, start: number, end: number): boolean {
    const { data } = this;
    if (end - start > this.#quickLength || end === start) return false;
    const negative = data[start] === MINUS;
    let value = 0;
    let after = -1;
    for (let i = negative ? start + 1 : start; i < end; i++) {
      const digit = data[i]! - ZERO;
      if (digit >= 0 && digit <= 9) {
        value = value * 10 + digit;
        if (after >= 0) after++;
      } else if (data[i] === POINT && after < 0) {
        after = 0;
      } else {
        return false;
      }
    }
    const last = data[end - 1]! - ZERO;
    if (!(last >= 0 && last <= 9)) return false;
    if (after > 0) value /= POWERS[after]!;
    this.#to[slot] = negative ? -value : value;
    return true;
  }

  #parse(start: number, end: number): number {
    const text = Buffer.from(this.data.buffer, this.data.byteOffset + start, end - start).toString('latin1');
    if (text === 'NaN') return Number.NaN;
    if (text === 'Infinity') return Number.POSITIVE_INFINITY;
    if (text === '-Infinity') return Number.NEGATIVE_INFINITY;
    if (!/^-?\d+(\.\d+)?(e[+-]?\d+)?$/.test(text)) this.refuse();
    return this.width === 4 ? nearestFloat32(text) : Number(text);
  }
}
