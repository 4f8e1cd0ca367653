import type { Table } from '@weir/sdk';
import { ColumnEncoder } from './encode.ts';
import { nearestFloat32 } from './float32.ts';
import type { Slots } from './slots.ts';
import { WideInteger } from './wide-integer.ts';

const ZERO = 0x30;
const MINUS = 0x2d;
const POINT = 0x2e;
/** Any integer of 15 digits is exact in a double. */
const SAFE_DIGITS = 15;
/** Powers of ten; up to 10^22 they are exact in a double. */
const POWERS = [1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];

/** `t` and `f`. */
export class BoolEncoder extends ColumnEncoder {
  protected put(slot: number, start: number, end: number): void {
    const byte = this.data[start];
    if (end - start !== 1 || (byte !== 0x74 && byte !== 0x66)) this.refuse();
    this.slots.u8[slot] = byte === 0x74 ? 1 : 0;
  }
}

/** Decimal digits into an integer of up to 32 bits. */
export class SmallIntegerEncoder extends ColumnEncoder {
  readonly #to: Int8Array | Uint8Array | Int16Array | Uint16Array | Int32Array | Uint32Array;
  readonly #least: number;
  readonly #greatest: number;

  constructor(table: Table, index: number, slots: Slots, signed: boolean, bits: 8 | 16 | 32) {
    super(table, index, slots);
    const arrays = { 8: [slots.u8, slots.i8], 16: [slots.u16, slots.i16], 32: [slots.u32, slots.i32] } as const;
    this.#to = arrays[bits][signed ? 1 : 0];
    this.#least = signed ? -(2 ** (bits - 1)) : 0;
    this.#greatest = 2 ** (signed ? bits - 1 : bits) - 1;
  }

  protected put(slot: number, start: number, end: number): void {
    const { data } = this;
    const negative = data[start] === MINUS;
    const first = negative ? start + 1 : start;
    if (first === end || end - first > SAFE_DIGITS) this.refuse();
    let value = 0;
    for (let i = first; i < end; i++) {
      const digit = data[i]! - ZERO;
      if (!(digit >= 0 && digit <= 9)) this.refuse();
      value = value * 10 + digit;
    }
    if (negative) value = -value;
    if (value < this.#least || value > this.#greatest) this.refuse();
    this.#to[slot] = value;
  }
}

/** Decimal digits into an integer of 64 bits. */
export class BigIntegerEncoder extends ColumnEncoder {
  readonly #wide = new WideInteger();
  readonly #signed: boolean;

  constructor(table: Table, index: number, slots: Slots, signed: boolean) {
    super(table, index, slots);
    this.#signed = signed;
  }

  protected put(slot: number, start: number, end: number): void {
    const { data } = this;
    const negative = data[start] === MINUS;
    const first = negative ? start + 1 : start;
    if (first === end || (negative && !this.#signed)) this.refuse();
    if (end - first > SAFE_DIGITS) return this.#putWide(slot, first, end, negative);
    let value = 0;
    for (let i = first; i < end; i++) {
      const digit = data[i]! - ZERO;
      if (!(digit >= 0 && digit <= 9)) this.refuse();
      value = value * 10 + digit;
    }
    this.slots.setInt64(slot, negative ? -value : value);
  }

  #putWide(slot: number, first: number, end: number, negative: boolean): void {
    if (end - first > 20) this.refuse();
    this.#wide.start();
    for (let i = first; i < end; i++) {
      const digit = this.data[i]! - ZERO;
      if (!(digit >= 0 && digit <= 9)) this.refuse();
      this.#wide.digit(digit);
    }
    const { u32 } = this.slots;
    const fits = this.#signed ? this.#wide.write(u32, slot * 2, 2, negative) : this.#wide.writeUnsigned64(u32, slot * 2);
    if (!fits) this.refuse();
  }
}

/** A plain decimal into an integer without the point: exact, or refused (invariant 9). */
export class DecimalEncoder extends ColumnEncoder {
  readonly #wide = new WideInteger();
  readonly #scale: number;
  readonly #whole: number;
  readonly #to: Int16Array | Int32Array | null;

  constructor(table: Table, index: number, slots: Slots, digits: number, scale: number) {
    super(table, index, slots);
    this.#scale = scale;
    this.#whole = digits - scale;
    this.#to = this.width === 2 ? slots.i16 : this.width === 4 ? slots.i32 : null;
  }

  protected put(slot: number, start: number, end: number): void {
    const { data } = this;
    const negative = data[start] === MINUS;
    let first = negative ? start + 1 : start;
    let point = first;
    while (point < end && data[point] !== POINT) point++;
    const after = point < end ? end - point - 1 : 0;
    if (first === end || (point < end && after === 0) || point === first || after > this.#scale) this.refuse();
    while (first < point && data[first] === ZERO) first++;
    if (point - first > this.#whole) this.refuse();
    if (point - first + this.#scale > SAFE_DIGITS) return this.#putWide(slot, first, point, end, negative);
    let value = 0;
    for (let i = first; i < end; i++) {
      if (i === point) continue;
      const digit = data[i]! - ZERO;
      if (!(digit >= 0 && digit <= 9)) this.refuse();
      value = value * 10 + digit;
    }
    for (let i = after; i < this.#scale; i++) value *= 10;
    this.#write(slot, negative ? -value : value);
  }

  #write(slot: number, value: number): void {
    if (this.#to !== null) {
      this.#to[slot] = value;
    } else if (this.width === 8) {
      this.slots.setInt64(slot, value);
    } else {
      this.slots.setInt64(slot * 2, value);
      this.slots.i32.fill(value < 0 ? -1 : 0, slot * 4 + 2, slot * 4 + 4);
    }
  }

  #putWide(slot: number, first: number, point: number, end: number, negative: boolean): void {
    this.#wide.start();
    for (let i = first; i < end; i++) {
      if (i === point) continue;
      const digit = this.data[i]! - ZERO;
      if (!(digit >= 0 && digit <= 9)) this.refuse();
      this.#wide.digit(digit);
    }
    for (let i = point < end ? end - point - 1 : 0; i < this.#scale; i++) this.#wide.digit(0);
    const words = this.width === 16 ? 4 : 2;
    if (!this.#wide.write(this.slots.u32, slot * words, words, negative)) this.refuse();
  }
}

/** A shortest decimal, `NaN` or an infinity into a float. What it reads is the nearest float, which is the source's own. */
export class FloatEncoder extends ColumnEncoder {
  readonly #to: Float32Array | Float64Array;
  /** Longest text that is read without a string; for a float32 so short that rounding twice cannot err. */
  readonly #quickLength: number;

  constructor(table: Table, index: number, slots: Slots) {
    super(table, index, slots);
    this.#to = this.width === 4 ? slots.f32 : slots.f64;
    this.#quickLength = this.width === 4 ? 10 : SAFE_DIGITS;
  }

  protected put(slot: number, start: number, end: number): void {
    const value = this.#quick(start, end);
    this.#to[slot] = value === null ? this.#parse(start, end) : value;
    // An overflow to infinity would be another value; NaN and infinities have no digit at their end.
    const last = this.data[end - 1]!;
    if (last >= ZERO && last <= 0x39 && !Number.isFinite(this.#to[slot])) this.refuse();
  }

  /** Digits with or without a point: both parts are exact in a double, so their quotient is the nearest one. */
  #quick(start: number, end: number): number | null {
    const { data } = this;
    if (end - start > this.#quickLength || end === start) return null;
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
        return null;
      }
    }
    const last = data[end - 1]! - ZERO;
    if (!(last >= 0 && last <= 9)) return null;
    if (after > 0) value /= POWERS[after]!;
    return negative ? -value : value;
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

/** 32 hexadecimal digits with hyphens into 128 bits whose top bit is flipped, so that DuckDB's signed order is the text's. */
export class UuidEncoder extends ColumnEncoder {
  readonly #words = new Uint32Array(4);

  protected put(slot: number, start: number, end: number): void {
    const { data } = this;
    if (end - start !== 36) this.refuse();
    let digits = 0;
    for (let i = 0; i < 36; i++) {
      const byte = data[start + i]!;
      if (i === 8 || i === 13 || i === 18 || i === 23) {
        if (byte !== MINUS) this.refuse();
        continue;
      }
      const digit = hexDigit(byte);
      if (digit < 0) this.refuse();
      const word = digits++ >> 3;
      this.#words[word] = (this.#words[word]! << 4) | digit;
    }
    const { u32 } = this.slots;
    u32[slot * 4] = this.#words[3]!;
    u32[slot * 4 + 1] = this.#words[2]!;
    u32[slot * 4 + 2] = this.#words[1]!;
    u32[slot * 4 + 3] = this.#words[0]! ^ 0x80000000;
  }
}

function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}
