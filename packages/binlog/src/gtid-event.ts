import { EventType } from './event-type.ts';
import type { EventReader } from './event-reader.ts';
import { LAST_NUMBER, uuidText, type MysqlGtid } from './gtid.ts';

/** What MySQL says of a transaction in front of it. */
export interface GtidEvent {
  /** Null: the server numbers no transactions (`gtid_mode` off). */
  readonly gtid: MysqlGtid | null;
  /** When it was committed at the server that sends this log, in microseconds since 1970; null before 8.0.1. */
  readonly commitTime: number | null;
  /** When it was committed first, on whatever server, in the same unit. */
  readonly originalCommitTime: number | null;
  /** Bytes of the transaction with this event; null before 8.0.2. */
  readonly length: number | null;
}

const UUID_BYTES = 16;
const LOGICAL_CLOCK = 2;
const LOGICAL_CLOCK_BYTES = 16;
const TIME_BYTES = 7;
/** Set in the last byte of a time when another follows. */
const MORE = 0x80;

/**
 * Reads the body of a GTID or an ANONYMOUS_GTID.
 * https://dev.mysql.com/doc/dev/mysql-server/latest/classmysql_1_1binlog_1_1event_1_1Gtid__event.html
 */
export function readGtid(reader: EventReader): GtidEvent {
  reader.skip(1);
  const uuid = uuidText(reader.bytes(UUID_BYTES));
  const number = reader.uint64();
  const anonymous = reader.type === EventType.anonymousGtid;
  if (anonymous ? number !== 0n : number < 1n || number > LAST_NUMBER) throw reader.damagedBefore(8, 'no GTID has this number');
  const gtid = anonymous ? null : { uuid, tag: '', number };
  let commitTime: number | null = null;
  let originalCommitTime: number | null = null;
  let length: number | null = null;
  if (reader.left > 0 && reader.uint8() === LOGICAL_CLOCK) {
    reader.skip(LOGICAL_CLOCK_BYTES);
    // What later versions added ends where the server's version does.
    if (reader.left >= TIME_BYTES) {
      const more = (reader.data[reader.at + TIME_BYTES - 1]! & MORE) !== 0;
      commitTime = readTime(reader);
      originalCommitTime = more ? readTime(reader) : commitTime;
    }
    if (reader.left > 0) length = reader.packed();
  }
  return { gtid, commitTime, originalCommitTime, length };
}

function readTime(reader: EventReader): number {
  const low = reader.uint(4);
  const high = reader.uint(3) & ~(MORE << 16);
  const time = high * 0x1_0000_0000 + low;
  if (!Number.isSafeInteger(time)) throw reader.damagedBefore(TIME_BYTES, 'a time is out of range');
  return time;
}
