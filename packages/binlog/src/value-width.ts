import { MysqlType, realType } from './cells/mysql-type.ts';

/**
 * How long values of a column are: bytes where all have the same length, -1 to -4 where they start with a length of so many
 * bytes, `UNKNOWN_WIDTH` for a type that is not known.
 */
export type ValueWidth = number;
export const UNKNOWN_WIDTH: ValueWidth = -5;

const NULL_TYPE = 6;
/** Of the types without metadata, and of floats. */
const fixedWidths: Readonly<Record<number, ValueWidth>> = {
  [MysqlType.tiny]: 1,
  [MysqlType.short]: 2,
  [MysqlType.long]: 4,
  [MysqlType.float]: 4,
  [MysqlType.double]: 8,
  [NULL_TYPE]: 0,
  [MysqlType.timestamp]: 4,
  [MysqlType.longlong]: 8,
  [MysqlType.int24]: 3,
  [MysqlType.date]: 3,
  [MysqlType.time]: 3,
  [MysqlType.datetime]: 8,
  [MysqlType.year]: 1,
  [MysqlType.newDate]: 3,
};
/** Bytes of 0 to 9 digits that are left over beside groups of nine. */
const digitBytes: readonly number[] = [0, 1, 1, 2, 2, 3, 3, 4, 4, 4];
const MAX_FRACTION = 6;

/** @param meta two bytes as the event has them, the first in the low byte */
export function valueWidth(type: number, meta: number): ValueWidth {
  const fixed = fixedWidths[type];
  if (fixed !== undefined) return fixed;
  const first = meta & 0xff;
  const second = meta >> 8;
  switch (type) {
    case MysqlType.timestamp2:
      return temporalWidth(4, first);
    case MysqlType.datetime2:
      return temporalWidth(5, first);
    case MysqlType.time2:
      return temporalWidth(3, first);
    case MysqlType.newDecimal:
      return decimalWidth(first, second);
    case MysqlType.bit:
      return second + (first > 0 ? 1 : 0);
    case MysqlType.varchar:
    case MysqlType.varString:
    case MysqlType.compressedVarchar:
      return meta > 255 ? -2 : -1;
    case MysqlType.blob:
    case MysqlType.json:
    case MysqlType.geometry:
    case MysqlType.vector:
    case MysqlType.compressedBlob:
      return first >= 1 && first <= 4 ? -first : UNKNOWN_WIDTH;
    case MysqlType.string:
      return stringWidth(type, meta);
    default:
      return UNKNOWN_WIDTH;
  }
}

function stringWidth(type: number, meta: number): ValueWidth {
  const real = realType(type, meta);
  if (real.type === MysqlType.enum || real.type === MysqlType.set) return real.size >= 1 && real.size <= 8 ? real.size : UNKNOWN_WIDTH;
  return real.size > 255 ? -2 : -1;
}

function temporalWidth(bytes: number, digits: number): ValueWidth {
  return digits > MAX_FRACTION ? UNKNOWN_WIDTH : bytes + ((digits + 1) >> 1);
}

function decimalWidth(precision: number, scale: number): ValueWidth {
  if (scale > precision) return UNKNOWN_WIDTH;
  const whole = precision - scale;
  return Math.floor(whole / 9) * 4 + digitBytes[whole % 9]! + Math.floor(scale / 9) * 4 + digitBytes[scale % 9]!;
}

/** @returns the offset behind the value at `at`; beyond `end`, or -1, where it is cut off. `width` is known. */
export function passValue(width: ValueWidth, data: Uint8Array, at: number, end: number): number {
  if (width >= 0) return at + width;
  const behind = at - width;
  if (behind > end) return behind;
  let length = data[at]!;
  if (width < -1) length += data[at + 1]! * 0x100;
  if (width < -2) length += data[at + 2]! * 0x1_0000;
  if (width < -3) length += data[at + 3]! * 0x100_0000;
  return behind + length;
}
