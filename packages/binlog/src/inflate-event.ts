import { inflateSync } from 'node:zlib';
import { EventType, damaged, unsupported } from './event-type.ts';
import { EventReader, SIZE_OFFSET, TYPE_OFFSET } from './event-reader.ts';
import { inflatedType } from './payload.ts';
import { QUERY_HEADER, queryTextAt } from './query-event.ts';
import { TABLE_ID_BYTES } from './table-map.ts';

/** The most that zlib can make of a byte, and what it adds at least. */
const MAX_RATIO = 1032;
const LEAST = 64;
/** The most that a server takes for an event (`max_allowed_packet`). */
const MAX_EVENT = 1 << 30;
const ZLIB = 0;

/**
 * Makes a compressed event of MariaDB (`log_bin_compress`) what it was, without a checksum.
 * @param event the whole event, without its checksum
 * @throws WeirError WEIR_BINLOG_DAMAGED, WEIR_BINLOG_UNSUPPORTED
 * https://mariadb.com/kb/en/compressing-events-to-reduce-size-of-the-binary-log/
 */
export function inflateEvent(event: Uint8Array): Uint8Array {
  const reader = new EventReader();
  reader.open(event, 0, event.length);
  const type = inflatedType(reader.type);
  if (type === null) throw reader.damaged('it is not compressed');
  if (type === EventType.query) passQueryHeader(reader);
  else passRowsHeader(reader, type);
  const head = reader.at;
  const content = inflate(reader);
  const whole = Buffer.alloc(head + content.length);
  whole.set(event.subarray(0, head));
  whole.set(content, head);
  whole[TYPE_OFFSET] = type;
  whole.writeUInt32LE(whole.length, SIZE_OFFSET);
  return whole;
}

function passQueryHeader(reader: EventReader): void {
  reader.need(QUERY_HEADER);
  reader.skip(queryTextAt(reader.data, reader.at) - reader.at);
}

function passRowsHeader(reader: EventReader, type: EventType): void {
  reader.skip(TABLE_ID_BYTES + 2);
  if (type === EventType.writeRows || type === EventType.updateRows || type === EventType.deleteRows) {
    const extra = reader.uint16();
    reader.skip(Math.max(0, extra - 2));
  }
  const bitmap = (reader.packed() + 7) >> 3;
  reader.skip(bitmap);
  if (type === EventType.updateRows || type === EventType.updateRowsV1) reader.skip(bitmap);
}

/** A byte with the algorithm and the number of bytes of the size, the size with its high byte first, then the stream. */
function inflate(reader: EventReader): Uint8Array {
  const head = reader.uint8();
  const algorithm = (head & 0x70) >> 4;
  if (algorithm !== ZLIB) throw unsupported(reader.type, reader.at - reader.start, `compression of kind ${algorithm}`);
  const sizeBytes = head & 0x07;
  if (sizeBytes < 1 || sizeBytes > 4) throw reader.damagedBefore(1, 'a size of no length');
  let size = 0;
  for (let byte = 0; byte < sizeBytes; byte++) size = size * 256 + reader.uint8();
  if (size > MAX_EVENT || size > reader.left * MAX_RATIO + LEAST) throw reader.damaged('it would be larger than it can be');
  const at = reader.at - reader.start;
  try {
    const content = inflateSync(reader.bytes(reader.left), { maxOutputLength: Math.max(size, 1) });
    if (content.length === size) return content;
  } catch {
    // Told below, without zlib's own words.
  }
  throw damaged(reader.type, at, 'its content cannot be inflated');
}
