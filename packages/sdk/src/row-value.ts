import type { ImageCursor } from './row-cursor.ts';
import type { LogicalType } from './logical-type.ts';

/**
 * A cell as a JavaScript value that loses nothing (invariant 9):
 *
 * | logical type | value |
 * |---|---|
 * | bool | boolean |
 * | int, uint up to 32 bits, float | number |
 * | int, uint of 64 bits | bigint |
 * | bytes | Uint8Array, a copy |
 * | everything else | the canonical text, see `LogicalType`: decimals, times, JSON and arrays too |
 */
export type RowValue = boolean | number | bigint | string | Uint8Array | null;

/** A cell of a `Key` as such a value. */
export function keyValue(cell: string, type: LogicalType): RowValue {
  switch (type.kind) {
    case 'bool':
      return cell === 't';
    case 'int':
    case 'uint':
      return type.bits === 64 ? BigInt(cell) : Number(cell);
    case 'bytes':
      return new Uint8Array(Buffer.from(cell, 'hex'));
    default:
      return cell;
  }
}

/** The value of a cell; null for NULL, undefined for a cell that the source did not send since it did not change. */
export function rowValue(image: ImageCursor, column: number, type: LogicalType): RowValue | undefined {
  if (image.isUnchanged(column)) return undefined;
  switch (type.kind) {
    case 'bool':
      return image.bool(column);
    case 'float':
      return image.number(column);
    case 'int':
    case 'uint':
      return type.bits === 64 ? image.bigint(column) : image.number(column);
    case 'bytes':
      return image.bytes(column)?.slice() ?? null;
    default:
      return image.text(column);
  }
}
