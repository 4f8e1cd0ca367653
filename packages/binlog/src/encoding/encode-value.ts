/** Values as a row event holds them, for tests and benchmarks: the counterpart of the decoders, written from the format alone. */

/** A whole number, little-endian. */
export function encodeInteger(value: bigint, bytes: number): Buffer {
  const unsigned = BigInt.asUintN(8 * bytes, value);
  return Buffer.from(Array.from({ length: bytes }, (_, i) => Number((unsigned >> BigInt(8 * i)) & 0xffn)));
}

/** A whole number, big-endian. */
export function encodeBigEndian(value: bigint, bytes: number): Buffer {
  return Buffer.from(encodeInteger(value, bytes).toReversed());
}

/** Bytes behind their length. */
export function encodeBytes(bytes: Uint8Array, prefix: number): Buffer {
  return Buffer.concat([encodeInteger(BigInt(bytes.length), prefix), bytes]);
}

const GROUP_BYTES = [0, 1, 1, 2, 2, 3, 3, 4, 4, 4];

/** @param digits of the unscaled number, without a sign; at most `precision` */
export function encodeDecimal(negative: boolean, digits: string, precision: number, scale: number): Buffer {
  const padded = digits.padStart(precision, '0');
  const whole = padded.slice(0, precision - scale);
  const fraction = padded.slice(precision - scale);
  const groups: string[] = [];
  if (whole.length % 9 > 0) groups.push(whole.slice(0, whole.length % 9));
  for (let at = whole.length % 9; at < whole.length; at += 9) groups.push(whole.slice(at, at + 9));
  for (let at = 0; at < fraction.length; at += 9) groups.push(fraction.slice(at, at + 9));
  const bytes = Buffer.concat(groups.map((group) => encodeBigEndian(BigInt(group), GROUP_BYTES[group.length]!)));
  const flipped = Buffer.from(bytes.map((byte) => (negative ? ~byte : byte)));
  flipped[0]! ^= 0x80;
  return flipped;
}

/** A date and time as a server shows it. */
export interface MomentValue {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  /** Microseconds. */
  readonly micros: number;
}

/** Microseconds in as many bytes as so many digits of a fraction take. */
function encodeFraction(micros: number, digits: number): Buffer {
  const bytes = Math.ceil(digits / 2);
  return encodeBigEndian(BigInt(Math.floor(micros / 100 ** (3 - bytes))), bytes);
}

export function encodeDate({ year, month, day }: MomentValue): Buffer {
  return encodeInteger(BigInt((year << 9) | (month << 5) | day), 3);
}

function datetimeBits({ year, month, day, hour, minute, second }: MomentValue): bigint {
  const date = BigInt(((year * 13 + month) << 5) | day);
  return (date << 17n) | BigInt((hour << 12) | (minute << 6) | second);
}

export function encodeDatetime2(value: MomentValue, digits: number): Buffer {
  return Buffer.concat([encodeBigEndian(datetimeBits(value) + 0x80_0000_0000n, 5), encodeFraction(value.micros, digits)]);
}

export function encodeOldDatetime({ year, month, day, hour, minute, second }: MomentValue): Buffer {
  const date = BigInt(year * 10_000 + month * 100 + day);
  return encodeInteger(date * 1_000_000n + BigInt(hour * 10_000 + minute * 100 + second), 8);
}

export function encodeTimestamp2(seconds: number, micros: number, digits: number): Buffer {
  return Buffer.concat([encodeBigEndian(BigInt(seconds), 4), encodeFraction(micros, digits)]);
}

/** A time of day or a duration; `hour` up to 838. */
export interface TimeValue {
  readonly negative: boolean;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  readonly micros: number;
}

export function encodeTime2({ negative, hour, minute, second, micros }: TimeValue, digits: number): Buffer {
  const bytes = Math.ceil(digits / 2);
  const clock = BigInt((hour << 12) | (minute << 6) | second);
  const packed = (clock << BigInt(8 * bytes)) | BigInt(Math.floor(micros / 100 ** (3 - bytes)));
  return encodeBigEndian((negative ? -packed : packed) + (0x80_0000n << BigInt(8 * bytes)), 3 + bytes);
}

export function encodeOldTime({ negative, hour, minute, second }: TimeValue): Buffer {
  const number = BigInt(hour * 10_000 + minute * 100 + second);
  return encodeInteger(negative ? -number : number, 3);
}

export function encodeFloat(value: number, bytes: 4 | 8): Buffer {
  const buffer = Buffer.alloc(bytes);
  if (bytes === 4) buffer.writeFloatLE(value);
  else buffer.writeDoubleLE(value);
  return buffer;
}

/** Eight bytes of a date or time in a JSON document. */
export function encodePackedMoment(value: MomentValue): Buffer {
  return encodeInteger((datetimeBits(value) << 24n) | BigInt(value.micros), 8);
}

/** Eight bytes of a TIME in a JSON document. */
export function encodePackedTime({ negative, hour, minute, second, micros }: TimeValue): Buffer {
  const packed = (BigInt((hour << 12) | (minute << 6) | second) << 24n) | BigInt(micros);
  return encodeInteger(negative ? -packed : packed, 8);
}
