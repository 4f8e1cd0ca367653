import { LAST_NUMBER, isTag, uuidText } from './gtid.ts';
import { damaged } from './event-type.ts';
import { MysqlGtidSet } from './mysql-gtid-set.ts';

const COUNT_BYTES = 8;
const UUID_BYTES = 16;
const INTERVAL_BYTES = 16;
/** First and last byte of the count of a set with tags; the count stands between them. */
const TAGGED = 1;

/**
 * The bytes of a set as COM_BINLOG_DUMP_GTID takes them and PREVIOUS_GTIDS has them; with tags (8.4 and later) only where
 * the set has one, so that older servers read the others.
 * https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_com_binlog_dump_gtid.html
 */
export function encodeGtidSet(set: MysqlGtidSet): Uint8Array {
  const { sources } = set;
  const tagged = sources.some(({ tag }) => tag !== '');
  const size = sources.reduce((sum, { tag, intervals }) => {
    return sum + UUID_BYTES + (tagged ? 1 + tag.length : 0) + COUNT_BYTES + (intervals.length / 2) * INTERVAL_BYTES;
  }, COUNT_BYTES);
  const bytes = Buffer.alloc(size);
  bytes.writeBigUInt64LE(tagged ? (BigInt(TAGGED) << 56n) | (BigInt(sources.length) << 8n) | BigInt(TAGGED) : BigInt(sources.length));
  let at = COUNT_BYTES;
  for (const { uuid, tag, intervals } of sources) {
    at += bytes.write(uuid.replaceAll('-', ''), at, 'hex');
    if (tagged) {
      at = bytes.writeUInt8(tag.length << 1, at);
      at += bytes.write(tag, at, 'latin1');
    }
    at = bytes.writeBigUInt64LE(BigInt(intervals.length / 2), at);
    for (const bound of intervals) at = bytes.writeBigUInt64LE(bound, at);
  }
  return bytes;
}

/**
 * Reads what `encodeGtidSet` writes.
 * @param type the event whose body it is, for the error
 * @throws WeirError WEIR_BINLOG_DAMAGED
 */
export function decodeGtidSet(data: Uint8Array, start: number, end: number, type: number): MysqlGtidSet {
  const bytes = Buffer.from(data.buffer, data.byteOffset + start, end - start);
  let at = 0;
  const need = (size: number): number => {
    if (bytes.length - at < size) throw damaged(type, at, 'a set of GTIDs is cut off');
    at += size;
    return at - size;
  };
  const set = new MysqlGtidSet();
  const head = bytes.readBigUInt64LE(need(COUNT_BYTES));
  const tagged = head >> 56n === BigInt(TAGGED);
  const sources = tagged ? (head >> 8n) & 0xffff_ffff_ffffn : head;
  for (let source = 0n; source < sources; source++) {
    const uuid = uuidText(bytes.subarray(need(UUID_BYTES), at));
    const tag = tagged ? readTag() : '';
    const intervals = bytes.readBigUInt64LE(need(COUNT_BYTES));
    for (let interval = 0n; interval < intervals; interval++) {
      const first = bytes.readBigUInt64LE(need(INTERVAL_BYTES));
      const behind = bytes.readBigUInt64LE(at - COUNT_BYTES);
      if (first < 1n || behind <= first || behind > LAST_NUMBER + 1n) throw damaged(type, at, 'an interval of GTIDs is none');
      set.addRange(uuid, tag, first, behind);
    }
  }
  if (at !== bytes.length) throw damaged(type, at, 'bytes are left over behind a set of GTIDs');
  return set;

  function readTag(): string {
    const length = bytes[need(1)]! >> 1;
    const tag = bytes.toString('latin1', need(length), at);
    if (tag !== '' && !isTag(tag)) throw damaged(type, at, 'a tag has other characters');
    return tag;
  }
}
