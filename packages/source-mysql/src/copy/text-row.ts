import type { TextRewrite } from '@weir/binlog';
import { NULL_CELL, WeirError, type BatchWriter } from '@weir/sdk';

const NULL = 0xfb;
const TWO_BYTES = 0xfc;
const THREE_BYTES = 0xfd;
const EIGHT_BYTES = 0xfe;

/**
 * Writes the cells of a row of an answer, the bytes of the slab from `start` to `end`: each has its length in front.
 * @param rewrites one for each column; null where the server's text is the cell
 * @throws WeirError WEIR_MYSQL_CONNECTION_LOST for what is no row of so many columns, WEIR_BINLOG_ZERO_DATE
 */
export function writeTextRow(writer: BatchWriter, rewrites: readonly (TextRewrite | null)[], start: number, end: number): void {
  const { data } = writer;
  let at = start;
  for (const rewrite of rewrites) {
    if (at >= end) throw damaged();
    let length = data[at++]!;
    if (length === NULL) {
      writer.nullCell();
      continue;
    }
    if (length >= TWO_BYTES) {
      const bytes = length === TWO_BYTES ? 2 : length === THREE_BYTES ? 3 : 4;
      const isLong = length === EIGHT_BYTES;
      length = 0;
      for (let byte = bytes - 1; byte >= 0; byte--) length = length * 0x100 + data[at + byte]!;
      at += isLong ? 8 : bytes;
    }
    // The slab may hold what was there before, also where a length is to be.
    if (!(at + length <= end)) throw damaged();
    writeCell(writer, rewrite, at, length);
    at += length;
  }
  if (at !== end) throw damaged();
}

function writeCell(writer: BatchWriter, rewrite: TextRewrite | null, at: number, length: number): void {
  if (rewrite === null) return writer.cell(at, length);
  if (rewrite.place === 'slab') {
    const left = rewrite.rewrite(writer.data, at, length);
    return left === NULL_CELL ? writer.nullCell() : writer.cell(at, left);
  }
  const { spill } = writer;
  const from = spill.length;
  if (rewrite.rewrite(writer.data, at, length, spill)) writer.spilledCell(from);
  else writer.nullCell();
}

function damaged(): WeirError {
  return new WeirError('WEIR_MYSQL_CONNECTION_LOST', 'a row of the answer has other columns than were asked for');
}
