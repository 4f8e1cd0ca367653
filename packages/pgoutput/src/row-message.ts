import type { BatchWriter } from '@weir/sdk';
import type { BoundRelation } from './binding.ts';
import { DELETE, INSERT, UPDATE } from './message-kind.ts';
import type { MessageReader } from './message-reader.ts';
import { Image, checkTuple, writeTuple } from './tuple.ts';

/** Marks in front of the tuples of a row. */
const NEW_TUPLE = 0x4e;
const OLD_KEY = 0x4b;
const OLD_ROW = 0x4f;

/**
 * Reads the tuples of a row message: an insert is a new one, an update an old one or none and a new one, a delete an old one.
 * @param writer has begun the row; null: it is left out, and only checked
 */
export function readRow(reader: MessageReader, writer: BatchWriter | null, relation: BoundRelation, kind: number): void {
  let image: Image = Image.row;
  let mark = reader.uint8();
  if (kind !== INSERT && (mark === OLD_KEY || mark === OLD_ROW)) {
    writer?.beginBefore();
    readTuple(reader, writer, relation, mark === OLD_KEY ? Image.key : Image.row);
    image = Image.rowAfterOld;
    if (kind === UPDATE) mark = reader.uint8();
  } else if (kind === DELETE) {
    throw reader.damagedBefore(1, 'no tuple of this kind belongs here');
  }
  if (kind !== DELETE) {
    if (mark !== NEW_TUPLE) throw reader.damagedBefore(1, 'no tuple of this kind belongs here');
    writer?.beginAfter();
    readTuple(reader, writer, relation, image);
  }
  reader.close();
}

function readTuple(reader: MessageReader, writer: BatchWriter | null, relation: BoundRelation, image: Image): void {
  if (writer === null) checkTuple(reader, relation);
  else writeTuple(reader, relation, writer, image);
}
