import { ColumnEncoder, type EncodedColumn } from './encode.ts';
import type { Slots } from './slots.ts';
import { WideInteger } from './wide-integer.ts';

const ZERO = 0x30;
const MINUS = 0x2d;
const POINT = 0x2e;
/** Any integer of 15 digits is exact in a double. */
const SAFE_DIGITS = 15;
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

  constructor(column: EncodedColumn, slots: Slots, signed: boolean, bits: 8 | 16 | 32) {
    super(column, slots);
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

  constructor(column: EncodedColumn, slots: Slots, signed: boolean) {
    super(column, slots);
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

  constructor(column: EncodedColumn, slots: Slots, digits: number, scale: number) {
    super(column, slots);
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
    if (first === end || (point < end && after === 0) || point === first) this.refuse();
    if (after > this.#scale) return this.#putShorter(slot, start, point, end);
    while (first < point && data[first] === ZERO) first++;
    if (point - first > this.#whole) this.#refuseText(start, end);
    if (point - first + this.#scale > SAFE_DIGITS) return this.#putWide(slot, start, first, point, end);
    let value = 0;
    for (let i = first; i < end; i++) {
      if (i === point) continue;
      const digit = data[i]! - ZERO;
      if (!(digit >= 0 && digit <= 9)) this.#refuseText(start, end);
      value = value * 10 + digit;
    }
    for (let i = after; i < this.#scale; i++) value *= 10;
    this.#write(slot, negative ? -value : value);
  }

  /** A decimal with more digits behind its point than the column has is the same number if they are zeros. */
  #putShorter(slot: number, start: number, point: number, end: number): void {
    const last = this.#scale === 0 ? point : point + 1 + this.#scale;
    for (let i = point + 1 + this.#scale; i < end; i++) if (this.data[i] !== ZERO) this.refuse();
    this.put(slot, start, last);
  }

  #refuseText(start: number, end: number): never {
    const text = Buffer.from(this.data.subarray(start, end)).toString('latin1');
    if (/^(NaN|-?Infinity)$/.test(text)) this.refuseNotFinite();
    this.refuse();
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

  #putWide(slot: number, start: number, first: number, point: number, end: number): void {
    const negative = this.data[start] === MINUS;
    this.#wide.start();
    for (let i = first; i < end; i++) {
      if (i === point) continue;
      const digit = this.data[i]! - ZERO;
      if (!(digit >= 0 && digit <= 9)) this.#refuseText(start, end);
      this.#wide.digit(digit);
    }
    for (let i = point < end ? end - point - 1 : 0; i < this.#scale; i++) this.#wide.digit(0);
    const words = this.width === 16 ? 4 : 2;
    if (!this.#wide.write(this.slots.u32, slot * words, words, negative)) this.refuse();
  }
}
