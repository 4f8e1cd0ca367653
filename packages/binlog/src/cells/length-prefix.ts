import { damagedValue } from './damaged-value.ts';

/**
 * Reads the length before a value of variable length: 1 to 4 bytes, little-endian. The value begins behind them.
 * @throws WeirError WEIR_BINLOG_DAMAGED where prefix or value reach beyond `end`
 */
export function prefixedLength(column: string, data: Uint8Array, at: number, end: number, prefix: number): number {
  if (prefix > end - at) throw damagedValue(column, 'the value is cut off');
  let length = data[at]!;
  if (prefix > 1) length |= data[at + 1]! << 8;
  if (prefix > 2) length |= data[at + 2]! << 16;
  if (prefix > 3) length += data[at + 3]! * 0x100_0000;
  if (length > end - at - prefix) throw damagedValue(column, 'the value is cut off');
  return length;
}
