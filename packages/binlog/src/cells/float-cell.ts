import { float32Text, float64Text, type BatchWriter, type Spill } from '@weir/sdk';
import type { CellDecoder } from './cell-decoder.ts';
import { valueEnd } from './damaged-value.ts';
import { MINUS, POINT, ZERO, dropZeros, put9, putFraction, putNumber, putPadded, putWord } from './digits.ts';

/** Powers of ten that a double holds exactly, as many as decimals of 17 digits need. */
const POWERS = [1, 10, 100, 1000, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20];
/** From here on, and below the largest, canonical text has no exponent. */
const SMALLEST = 1e-4;
const LARGEST_32 = 1e6;
const LARGEST_64 = 1e15;
/** Decimals of so many digits are told apart by any float32, and nine tell all of them apart. */
const SAFE_DIGITS_32 = 6;
const MOST_DIGITS_32 = 9;
const BILLION = 1e9;
/** Sign, 15 digits before the point, the point and 15 behind it, and what is written beyond them. */
const MOST_BYTES = 40;

const bytes = new Uint8Array(8);
const int32 = new Int32Array(bytes.buffer);
const float32 = new Float32Array(bytes.buffer);
const float64 = new Float64Array(bytes.buffer);

/** FLOAT and DOUBLE: IEEE 754, little-endian. */
export class FloatCell implements CellDecoder {
  readonly #column: string;
  readonly #size: 4 | 8;
  /** The slab that was read last, and a view of it: bytes that are put together one by one are read again later than they are there. */
  #data: Uint8Array = bytes;
  #view: DataView = new DataView(bytes.buffer);

  constructor(column: string, size: 4 | 8) {
    this.#column = column;
    this.#size = size;
  }

  write(data: Uint8Array, at: number, end: number, writer: BatchWriter): number {
    const behind = valueEnd(this.#column, at, this.#size, end);
    const from = writer.spill.length;
    if (data !== this.#data) this.#look(data);
    if (this.#size === 8) {
      float64[0] = this.#view.getFloat64(at, true);
      writeStored64(writer.spill);
    } else {
      float32[0] = this.#view.getFloat32(at, true);
      writeStored32(writer.spill);
    }
    writer.spilledCell(from);
    return behind;
  }

  #look(data: Uint8Array): void {
    this.#data = data;
    this.#view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  }

  pass(_data: Uint8Array, at: number, end: number): number {
    return valueEnd(this.#column, at, this.#size, end);
  }
}

/** Appends the canonical text of a number that a float32 holds. */
export function writeFloat32(spill: Spill, value: number): void {
  float32[0] = value;
  writeStored32(spill);
}

/** Appends the canonical text of a float64. */
export function writeFloat64(spill: Spill, value: number): void {
  float64[0] = value;
  writeStored64(spill);
}

// A number is handed over in `float32` or `float64`, since a double as an argument or a result may be an object.

/** Appends the number in `float64`. */
function writeStored64(spill: Spill): void {
  const value = float64[0]!;
  const magnitude = Math.abs(value);
  if (magnitude === 0) writeZero(spill, Object.is(value, -0));
  else if (!(magnitude >= SMALLEST && magnitude < LARGEST_64)) spill.ascii(float64Text(value));
  // Within these bounds JavaScript writes the same digits in the same way.
  else if (!writeShort64(spill) && !writeLong64(spill)) spill.ascii(String(value));
}

/**
 * Writes the number in `float64`, within the bounds, if it is a decimal of at most 15 digits, without a string on the way. Two of
 * those never read back as the same number, so that the one which does is the shortest but for zeros at its end.
 * @returns false where it is none, and nothing was written
 */
function writeShort64(spill: Spill): boolean {
  const value = float64[0]!;
  const magnitude = Math.abs(value);
  const decimals = magnitude < 1e6 ? (magnitude < 1e3 ? (magnitude < 1 ? 15 : 12) : 9) : magnitude < 1e9 ? 6 : magnitude < 1e12 ? 3 : 0;
  const power = POWERS[decimals]!;
  const scaled = Math.floor(magnitude * power + 0.5);
  if (scaled / power !== magnitude) return false;
  const whole = Math.floor(magnitude);
  const from = spill.length;
  const into = spill.room(MOST_BYTES);
  if (value < 0) into.setUint8(from, MINUS);
  const behind = putWhole(into, value < 0 ? from + 1 : from, Math.floor(whole / BILLION) | 0, (whole - Math.floor(whole / BILLION) * BILLION) | 0);
  const fraction = scaled - whole * power;
  const upper = Math.floor(fraction / BILLION);
  spill.length = putFraction18(into, behind, decimals, upper | 0, (fraction - upper * BILLION) | 0);
  return true;
}

/** Twice as many bits: a product of two doubles, and what rounding took from it. */
const product = new Float64Array(2);
const half = new Float64Array(1);
const halfBits = new Int32Array(half.buffer);
/** Splits 53 bits into two halves (T. J. Dekker, A floating-point technique for extending the available precision). */
const SPLITTER = 134_217_729;

/** The magnitude of the number in `float64` times a power of ten, exactly: into `product`. */
function multiply(decimals: number): void {
  const value = Math.abs(float64[0]!);
  const power = POWERS[decimals]!;
  const rounded = value * power;
  const above = SPLITTER * value;
  const upper = above - (above - value);
  const lower = value - upper;
  const powerAbove = SPLITTER * power;
  const powerUpper = powerAbove - (powerAbove - power);
  const powerLower = power - powerUpper;
  product[0] = rounded;
  product[1] = upper * powerUpper - rounded + upper * powerLower + lower * powerUpper + lower * powerLower;
}

/**
 * Writes the number in `float64`, within the bounds, that takes 16 or 17 digits, or 15 that were not tried: the nearest decimal of 16 if
 * it is nearer than half the distance to the next number, or of 15 if that is; else the nearest of 17.
 * @returns false, and nothing was written, where two are as near, and for powers of two, whose neighbours are not as far on both sides
 */
function writeLong64(spill: Spill): boolean {
  const negative = int32[1]! < 0;
  if (int32[0] === 0 && (int32[1]! & 0xf_ffff) === 0) return false;
  const magnitude = Math.abs(float64[0]!);
  let whole = magnitude < 1 ? (magnitude < 0.01 ? (magnitude < 0.001 ? -3 : -2) : magnitude < 0.1 ? -1 : 0) : 1;
  while (whole > 0 && magnitude >= POWERS[whole]!) whole++;
  let decimals = 16 - whole;
  multiply(decimals);
  // Half a unit of the last of 53 bits, times the same power; a product with a power of two is exact.
  halfBits[1] = (((int32[1]! >>> 20) & 0x7ff) - 53) << 20;
  const reach = half[0]! * POWERS[decimals]!;
  let base = Math.floor(product[0]!);
  let rest = product[0]! - base + product[1]!;
  let step = Math.floor(rest + 0.5);
  let over = rest - step;
  if (Math.abs(over) === 0.5) return false;
  if (Math.abs(over) < reach) {
    const last = (base - Math.floor(base / 10) * 10 + step + 10) % 10;
    if (last === 1 && 1 + over < reach) step--;
    else if (last === 9 && 1 - over < reach) step++;
  } else {
    multiply(++decimals);
    base = Math.floor(product[0]!);
    rest = product[0]! - base + product[1]!;
    step = Math.floor(rest + 0.5);
    over = rest - step;
    if (Math.abs(over) === 0.5) return false;
  }
  let upper = Math.floor(base / BILLION);
  let lower = base - upper * BILLION + step;
  if (lower < 0) {
    upper--;
    lower += BILLION;
  } else if (lower >= BILLION) {
    upper++;
    lower -= BILLION;
  }
  putLong(spill, negative, upper | 0, lower | 0, decimals, whole);
  return true;
}

/**
 * Appends a number of 16 or 17 digits, as the quotient and the rest of a division by 10^9, with its point moved.
 * @param whole how many of its digits stand before the point; where it is not positive, as many zeros stand behind the point
 */
function putLong(spill: Spill, negative: boolean, upper: number, lower: number, decimals: number, whole: number): void {
  const into = spill.room(MOST_BYTES);
  let at = spill.length;
  if (negative) into.setUint8(at++, MINUS);
  if (whole > 0) {
    const behind = put9(into, putPadded(into, at + 1, upper, decimals + whole - 9), lower);
    for (let digit = 0; digit < whole; digit++) into.setUint8(at + digit, into.getUint8(at + digit + 1));
    into.setUint8(at + whole, POINT);
    spill.length = dropZeros(into, behind);
  } else {
    into.setUint8(at, ZERO);
    putWord(into, at + 1, 0x3030_302e);
    spill.length = dropZeros(into, put9(into, putPadded(into, at + 2 - whole, upper, decimals + whole - 9), lower));
  }
}

/** A whole number as the quotient and the rest of a division by 10^9. */
function putWhole(into: DataView, at: number, upper: number, lower: number): number {
  return upper === 0 ? putNumber(into, at, lower) : put9(into, putNumber(into, at, upper), lower);
}

/** A fraction of so many digits, at most 18, as the quotient and the rest of a division by 10^9, without zeros at the end. */
function putFraction18(into: DataView, at: number, digits: number, upper: number, lower: number): number {
  if (digits <= 9) return putFraction(into, at, lower, digits);
  if (lower === 0) return putFraction(into, at, upper, digits - 9);
  into.setUint8(at, POINT);
  return dropZeros(into, put9(into, putPadded(into, at + 1, upper, digits - 9), lower));
}

function writeZero(spill: Spill, negative: boolean): void {
  if (negative) spill.byte(MINUS);
  spill.byte(ZERO);
}

/** Appends the number in `float32`. */
function writeStored32(spill: Spill): void {
  const value = float32[0]!;
  const magnitude = Math.abs(value);
  if (magnitude === 0) writeZero(spill, Object.is(value, -0));
  else if (!(magnitude >= SMALLEST && magnitude < LARGEST_32)) spill.ascii(float32Text(value));
  else writeFixed32(spill, value < 0);
}

/**
 * Writes the number in `float32`, within the bounds, as the shortest decimal between the midpoints to its neighbours: the nearest of
 * so many digits, of two as near the even one, else the one above, since the neighbour below a power of two is nearer. All products
 * are exact: 25 bits times a power of ten up to 10^12, of which 28 bits are no power of two.
 */
function writeFixed32(spill: Spill, negative: boolean): void {
  int32[0] = int32[0]! & 0x7fff_ffff;
  const value = float32[0]!;
  int32[0]--;
  const below = (value + float32[0]!) / 2;
  int32[0] += 2;
  const above = (value + float32[0]!) / 2;
  let decimals = value < 10 ? (value < 0.1 ? (value < 0.01 ? (value < 0.001 ? 9 : 8) : 7) : value < 1 ? 6 : 5) : 4;
  if (value >= 100) decimals = value < 1000 ? 3 : value < 1e4 ? 2 : value < 1e5 ? 1 : 0;
  for (let digits = SAFE_DIGITS_32; ; digits++, decimals++) {
    const power = POWERS[decimals]!;
    const exact = value * power;
    let decimal = Math.floor(exact);
    const over = exact - decimal;
    if (over > 0.5 || (over === 0.5 && decimal % 2 === 1)) decimal++;
    if (digits < MOST_DIGITS_32 && (decimal <= below * power || decimal >= above * power)) {
      decimal++;
      if (decimal >= above * power) continue;
    }
    return writeDecimal(spill, negative, decimal | 0, decimals);
  }
}

/** Appends a whole number below 2^31 with its point moved so many places to the left, at most 12, and no zeros behind it. */
function writeDecimal(spill: Spill, negative: boolean, decimal: number, decimals: number): void {
  const from = spill.length;
  const into = spill.room(MOST_BYTES);
  if (negative) into.setUint8(from, MINUS);
  const power = POWERS[decimals]!;
  const whole = Math.floor(decimal / power) | 0;
  const behind = putNumber(into, negative ? from + 1 : from, whole);
  const fraction = decimal - whole * power;
  const upper = Math.floor(fraction / BILLION);
  spill.length = putFraction18(into, behind, decimals, upper | 0, (fraction - upper * BILLION) | 0);
}

/** The float64 whose eight bytes, little-endian, lie at `at`. */
export function float64At(data: Uint8Array, at: number): number {
  for (let i = 0; i < 8; i++) bytes[i] = data[at + i]!;
  return float64[0]!;
}

/** The float32 whose four bytes, little-endian, lie at `at`. */
export function float32At(data: Uint8Array, at: number): number {
  for (let i = 0; i < 4; i++) bytes[i] = data[at + i]!;
  return float32[0]!;
}
