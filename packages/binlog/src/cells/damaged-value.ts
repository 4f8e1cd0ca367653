import { WeirError } from '@weir/sdk';

/** A value that the column's type does not allow. Names the column, never the value (invariant 10). */
export function damagedValue(column: string, what: string): WeirError {
  return new WeirError('WEIR_BINLOG_DAMAGED', `${column}: ${what}`);
}

/** A column that cannot be read, with what to do about it. */
export function unsupportedColumn(column: string, what: string, fix: string): WeirError {
  return new WeirError('WEIR_BINLOG_UNSUPPORTED', `${column}: ${what}`, { fix });
}

/** @returns the offset behind a value of so many bytes; refuses one that is cut off */
export function valueEnd(column: string, at: number, size: number, end: number): number {
  if (size > end - at) throw damagedValue(column, 'the value is cut off');
  return at + size;
}
