import { WeirError, type BatchWriter } from '@weir/sdk';
import type { BoundTable } from './binding.ts';
import { damaged } from './event-type.ts';
import { passValue } from './value-width.ts';

/** Which image of a row it is; it decides what an absent column means. */
export const Image = {
  /** The key, or the whole row: an absent column was not sent. */
  before: 0,
  /** Behind a before image: an absent column is as it was. */
  after: 1,
} as const;
export type Image = (typeof Image)[keyof typeof Image];

/**
 * Appends the cells of one image, one for each column that has a decoder; nothing is allocated.
 * @param present 1 for each column that the image has
 * @param nullBytes of the bits in front, one for each column that the image has
 * @returns the offset behind the image
 * @throws WeirError with the row half written; the caller drops it
 */
export function writeImage(
  data: Uint8Array,
  start: number,
  end: number,
  present: Uint8Array,
  nullBytes: number,
  table: BoundTable,
  writer: BatchWriter,
  image: Image,
): number {
  const { decoders, widths } = table;
  const columns = decoders.length;
  let at = start + nullBytes;
  if (at > end) throw cutOff();
  let sent = 0;
  let cell = 0;
  let bits = 0;
  for (let column = 0; column < columns; column++) {
    const decoder = decoders[column]!;
    if (present[column] === 0) {
      if (decoder === null) continue;
      if (image === Image.after) writer.repeatBefore(cell);
      else writer.unchangedCell();
      cell++;
      continue;
    }
    if ((sent & 7) === 0) bits = data[start + (sent >> 3)]!;
    const isNull = (bits & 1) === 1;
    bits >>= 1;
    sent++;
    if (decoder !== null) {
      if (isNull) writer.nullCell();
      else at = decoder.write(data, at, end, writer);
      cell++;
    } else if (!isNull) {
      at = passValue(widths[column]!, data, at, end);
      if (at < 0 || at > end) throw cutOff();
    }
  }
  return at;
}

/**
 * Passes over one image.
 * @returns the offset behind the image, or -1 where it is cut off
 */
export function passImage(
  data: Uint8Array,
  start: number,
  end: number,
  present: Uint8Array,
  nullBytes: number,
  { widths }: BoundTable,
): number {
  const columns = widths.length;
  let at = start + nullBytes;
  if (at > end) return -1;
  let sent = 0;
  let bits = 0;
  for (let column = 0; column < columns; column++) {
    if (present[column] === 0) continue;
    if ((sent & 7) === 0) bits = data[start + (sent >> 3)]!;
    if ((bits & 1) === 0) {
      at = passValue(widths[column]!, data, at, end);
      if (at > end) return -1;
    }
    bits >>= 1;
    sent++;
  }
  return at;
}

export function cutOff(): WeirError {
  return new WeirError('WEIR_BINLOG_DAMAGED', 'the row is cut off');
}

/** An error of a value of a row, with the event and the row in front; others are as they are. */
export function inRow(error: unknown, type: number, offset: number): unknown {
  if (!(error instanceof WeirError) || error.code !== 'WEIR_BINLOG_DAMAGED') return error;
  return damaged(type, offset, error.message);
}
