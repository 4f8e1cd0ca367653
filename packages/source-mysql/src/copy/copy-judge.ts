import { NO_IMAGE, NULL_CELL, Op, type BatchWriter, type Key, type RowJudge, type Table } from '@weir/sdk';
import type { RowCopy } from './chunk-window.ts';
import { keyOfImage, keyText } from './row-key.ts';

/** How far the copy of a table is, where the stream is. */
export interface CopyPlace {
  /** Whether the stream has to bring what happens to the row with this key. */
  delivers(key: Key): boolean;
  /** The stream brings something about a key. */
  drops(key: Key): void;
  /** The stream leaves a row out. @param row what it is now; null when it is gone */
  takes(key: Key, row: RowCopy | null): void;
  /** The stream leaves a row out of which the log has not all. */
  spoil(): void;
  /** The table is empty from here on. */
  truncated(): void;
}

/**
 * Leaves out of the stream what the copy of a table is still to read, and tells the chunk that is under way. A changed key is two
 * events, a delete of the old one and an insert of the new one, each judged by itself.
 */
export class CopyJudge implements RowJudge {
  readonly #table: Table;
  readonly #place: CopyPlace;

  constructor(table: Table, place: CopyPlace) {
    this.#table = table;
    this.#place = place;
  }

  keeps(writer: BatchWriter): boolean {
    const { op, after, before } = writer.lastRow;
    const old = keyOfImage(writer, this.#table, before);
    const next = op === Op.delete ? null : (keyOfImage(writer, this.#table, after) ?? old);
    const isMoved = old !== null && next !== null && keyText(old) !== keyText(next);
    const keepsOld = old !== null && (isMoved || next === null) && this.#judge(writer, old, NO_IMAGE);
    if (next === null) return keepsOld;
    const keepsNext = this.#judge(writer, next, after);
    if (!isMoved) return keepsNext;
    if (keepsOld && !keepsNext) writer.turnIntoDelete();
    if (keepsNext && !keepsOld) writer.turnIntoInsert();
    return keepsOld || keepsNext;
  }

  truncated(): void {
    this.#place.truncated();
  }

  /** Whether the stream keeps what a key has become. @param image `NO_IMAGE` when its row is gone */
  #judge(writer: BatchWriter, key: Key, image: number): boolean {
    const keeps = this.#place.delivers(key);
    if (keeps) {
      this.#place.drops(key);
      return true;
    }
    if (image === NO_IMAGE) {
      this.#place.takes(key, null);
      return false;
    }
    const row = copyOf(writer, this.#table, image);
    if (row === null) this.#place.spoil();
    else this.#place.takes(key, row);
    return false;
  }
}

/** The cells of an image; null where some are not in the log. */
function copyOf(writer: BatchWriter, { columns }: Table, image: number): RowCopy | null {
  const cells: (Uint8Array | null)[] = [];
  for (let column = 0; column < columns.length; column++) {
    const cell = writer.cellAt(image + column);
    if (typeof cell !== 'number') cells.push(cell.slice());
    else if (cell === NULL_CELL) cells.push(null);
    else return null;
  }
  return cells;
}
