import { WeirError, type BatchWriter } from '@weir/sdk';
import type { BoundRelation, CellRewrite } from './binding.ts';
import type { MessageReader } from './message-reader.ts';

/** Kinds of cells in TupleData. */
const NULL = 0x6e;
const UNCHANGED = 0x75;
const TEXT = 0x74;
const BINARY = 0x62;

/** Which image of a row a tuple is; it decides what NULL and unchanged cells mean. */
export const Image = {
  /** The whole row: a new row without an old one, or a whole old row. */
  row: 0,
  /** An old key: the server sends NULL for the columns outside the replica identity, which is "not sent". */
  key: 1,
  /** A new row behind an old one: an unchanged cell is the old row's cell. */
  rowAfterOld: 2,
} as const;
export type Image = (typeof Image)[keyof typeof Image];

/**
 * Appends the cells of the TupleData that comes next, one for each column; nothing is allocated.
 * @throws WeirError with the row half written; the caller drops it
 */
export function writeTuple(reader: MessageReader, relation: BoundRelation, writer: BatchWriter, image: Image): void {
  const columns = readColumnCount(reader, relation);
  const { data, end } = reader;
  const { identity, rewrites } = relation;
  let at = reader.at;
  for (let column = 0; column < columns; column++) {
    // `end - at` is what is left of the message; no byte behind it is looked at.
    if (end - at >= 5 && data[at] === TEXT) {
      const length = (data[at + 1]! << 24) | (data[at + 2]! << 16) | (data[at + 3]! << 8) | data[at + 4]!;
      at += 5;
      if (length < 0 || length > end - at) throw cellLength(reader, at - 4);
      const rewrite = rewrites[column]!;
      if (rewrite === null) writer.cell(at, length);
      else writeRewritten(rewrite, data, at, length, writer);
      at += length;
    } else if (at < end && data[at] === NULL) {
      at++;
      if (image === Image.key && identity[column] === 0) writer.unchangedCell();
      else writer.nullCell();
    } else if (at < end && data[at] === UNCHANGED) {
      at++;
      if (image === Image.rowAfterOld) writer.repeatBefore(column);
      else writer.unchangedCell();
    } else {
      throw cellKind(reader, at);
    }
  }
  reader.at = at;
}

/** Passes over the TupleData of a row that is left out, with the same checks. */
export function checkTuple(reader: MessageReader, relation: BoundRelation): void {
  const columns = readColumnCount(reader, relation);
  const { data, end } = reader;
  let at = reader.at;
  for (let column = 0; column < columns; column++) {
    if (end - at >= 5 && data[at] === TEXT) {
      const length = (data[at + 1]! << 24) | (data[at + 2]! << 16) | (data[at + 3]! << 8) | data[at + 4]!;
      at += 5;
      if (length < 0 || length > end - at) throw cellLength(reader, at - 4);
      at += length;
    } else if (at < end && (data[at] === NULL || data[at] === UNCHANGED)) {
      at++;
    } else {
      throw cellKind(reader, at);
    }
  }
  reader.at = at;
}

function readColumnCount(reader: MessageReader, relation: BoundRelation): number {
  const columns = reader.uint16();
  if (columns === relation.identity.length) return columns;
  throw reader.damagedBefore(2, `a row of ${columns} cells, but its relation has ${relation.identity.length} columns`);
}

function writeRewritten(rewrite: CellRewrite, data: Uint8Array, start: number, length: number, writer: BatchWriter): void {
  if (rewrite.place === 'slab') {
    const rewritten = rewrite.rewrite(data, start, length);
    if (rewritten < 0 || rewritten > length) throw new WeirError('WEIR_SDK_USE', 'a cell has outgrown its place');
    writer.cell(start, rewritten);
  } else {
    const { spill } = writer;
    const from = spill.length;
    rewrite.rewrite(data, start, length, spill);
    writer.spilledCell(from);
  }
}

function cellLength(reader: MessageReader, at: number): WeirError {
  reader.at = at;
  return reader.damaged('a cell passes the end of the message');
}

/** The error for a cell that is neither text, NULL nor unchanged, or that has no room for its length. */
function cellKind(reader: MessageReader, at: number): WeirError {
  reader.at = at;
  if (at >= reader.end) return reader.damaged('the row ends early');
  const kind = reader.data[at]!;
  if (kind === BINARY) return reader.unsupported('a cell in binary format');
  return reader.damaged(kind === TEXT ? 'the length of a cell is cut off' : 'no cell is of this kind');
}
