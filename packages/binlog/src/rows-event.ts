import { EventType } from './event-type.ts';
import type { EventReader } from './event-reader.ts';
import { TABLE_ID_BYTES } from './table-map.ts';

/** What rows of an event are. */
export const Change = { insert: 0, update: 1, delete: 2 } as const;
export type Change = (typeof Change)[keyof typeof Change];

const STATEMENT_END = 0x01;
/** A table's number that only says that the statement has ended. */
const NO_TABLE_IDS: readonly number[] = [0xff_ffff, 0xffff_ffff_ffff];
/** The length of the extra information counts itself. */
const EXTRA_LENGTH = 2;

/** In which images of a rows event which columns are, for all its rows. One object serves all events: nothing is allocated. */
export class RowsHeader {
  tableId = 0;
  endsStatement = false;
  /** No rows follow, and no table. */
  isEmpty = false;
  change: Change = Change.insert;
  /** Of an update: an after image may have a JSON value as differences. */
  partial = false;
  /** Columns of the table when the rows were written. */
  width = 0;
  /** 1 for each column that the first image has: the before image, of an insert the after image. */
  first: Uint8Array = new Uint8Array(64);
  /** The same for the after image of an update. */
  second: Uint8Array = new Uint8Array(64);
  /** Whether they have all columns. */
  firstIsWhole = false;
  secondIsWhole = false;
  /** Bytes of the NULL bits of each. */
  firstNullBytes = 0;
  secondNullBytes = 0;

  /**
   * Reads the body up to the rows.
   * https://dev.mysql.com/doc/dev/mysql-server/latest/classmysql_1_1binlog_1_1event_1_1Rows__event.html,
   * https://mariadb.com/kb/en/rows_event_v1v2-rows_compressed_event_v1/
   */
  read(reader: EventReader): void {
    const { type } = reader;
    this.tableId = reader.uint(TABLE_ID_BYTES);
    this.endsStatement = (reader.uint16() & STATEMENT_END) !== 0;
    if (isVersion2(type)) {
      // Which partition, or what a cluster says; not used.
      const extra = reader.uint16();
      if (extra < EXTRA_LENGTH) throw reader.damagedBefore(2, 'the extra information is shorter than its length');
      reader.skip(extra - EXTRA_LENGTH);
    }
    this.isEmpty = NO_TABLE_IDS.includes(this.tableId);
    if (this.isEmpty) {
      if (!this.endsStatement) throw reader.damaged('rows of no table');
      return;
    }
    this.change = changeOf(type);
    this.partial = type === EventType.partialUpdateRows;
    this.width = reader.packed();
    // Checked before the arrays grow for it.
    reader.need((this.width + 7) >> 3);
    const first = this.#readPresent(reader, 'first');
    const second = this.change === Change.update ? this.#readPresent(reader, 'second') : 0;
    this.firstIsWhole = first === this.width;
    this.secondIsWhole = second === this.width;
    this.firstNullBytes = (first + 7) >> 3;
    this.secondNullBytes = (second + 7) >> 3;
  }

  /** @returns how many columns the image has */
  #readPresent(reader: EventReader, image: 'first' | 'second'): number {
    const { width } = this;
    if (this[image].length < width) this[image] = new Uint8Array(width);
    const present = this[image];
    const bits = reader.skip((width + 7) >> 3);
    const { data } = reader;
    let count = 0;
    for (let column = 0; column < width; column++) {
      const bit = (data[bits + (column >> 3)]! >> (column & 7)) & 1;
      present[column] = bit;
      count += bit;
    }
    return count;
  }
}

/** Those before it have no extra information. */
function isVersion2(type: number): boolean {
  return type >= EventType.writeRows;
}

function changeOf(type: number): Change {
  if (type === EventType.writeRows || type === EventType.writeRowsV1) return Change.insert;
  return type === EventType.deleteRows || type === EventType.deleteRowsV1 ? Change.delete : Change.update;
}
