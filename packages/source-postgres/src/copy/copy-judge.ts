import { NO_IMAGE, Op, UNCHANGED_CELL, keyOrder, type BatchWriter, type Key, type RowJudge, type Table } from '@weir/sdk';

/** How far the copy of a table is, where the stream is. */
export interface CopyPlace {
  /** Whether the stream has to bring what the open transaction did to a row with this key. */
  delivers(key: Key, order: (a: Key, b: Key) => number): boolean;
  /** The row with this key has to be read once more: what the stream brought of it was not all of it. */
  addHole(key: Key): void;
  /** The table is empty from here on. */
  truncated(): void;
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/**
 * Leaves out of the stream what the copy of a table holds already, or is still to read. A changed key is two events, a
 * delete of the old one and an insert of the new one, each judged by itself.
 */
export class CopyJudge implements RowJudge {
  readonly #table: Table;
  readonly #order: (a: Key, b: Key) => number;
  readonly #place: CopyPlace;

  constructor(table: Table, place: CopyPlace) {
    this.#table = table;
    this.#order = keyOrder(table)!;
    this.#place = place;
  }

  keeps(writer: BatchWriter): boolean {
    const { op, after, before } = writer.lastRow;
    const old = before === NO_IMAGE ? null : this.#key(writer, before);
    const next = op === Op.delete ? null : (this.#key(writer, after) ?? old);
    if (next === null) return this.#delivers(old!);
    if (old === null || this.#order(old, next) === 0) return this.#delivers(next);
    const [keepsOld, keepsNext] = [this.#delivers(old), this.#delivers(next)];
    if (keepsOld && !keepsNext) writer.turnIntoDelete();
    if (keepsOld || !keepsNext) return keepsOld;
    if (this.#isWhole(writer, after)) {
      writer.turnIntoInsert();
      return true;
    }
    // The sink has no row with the old key to take the unchanged value from.
    this.#place.addHole(next);
    return false;
  }

  truncated(): void {
    this.#place.truncated();
  }

  #delivers(key: Key): boolean {
    return this.#place.delivers(key, this.#order);
  }

  /** Null when the image lacks a cell of the key, which is that of the row before then. */
  #key(writer: BatchWriter, image: number): Key | null {
    const { columns, key } = this.#table;
    const cells: string[] = [];
    for (const column of key) {
      const cell = writer.cellAt(image + column);
      if (typeof cell === 'number') return null;
      cells.push(columns[column]!.type.kind === 'bytes' ? Buffer.from(cell).toString('hex') : decoder.decode(cell));
    }
    return cells;
  }

  #isWhole(writer: BatchWriter, image: number): boolean {
    return this.#table.columns.every((_column, index) => writer.cellAt(image + index) !== UNCHANGED_CELL);
  }
}
