import { EventType } from './event-type.ts';
import type { EventReader } from './event-reader.ts';

/** Compressed events of the open transaction, which come back by `decodeInner`. */
export interface Payload {
  /**
   * `zstd`: several events one behind the other (MySQL, `binlog_transaction_compression`). `none`: the same, as they are.
   * `zlib`: one event of MariaDB (`log_bin_compress`), whose header is not compressed.
   */
  readonly compression: 'zstd' | 'zlib' | 'none';
  /** The compressed bytes are `writer.data[start, end)`; of `zlib` the whole event without its checksum. */
  readonly start: number;
  readonly end: number;
  /** Bytes when they are inflated; null where the server does not say. */
  readonly size: number | null;
}

/** Fields in front of a payload. */
const END_MARK = 0;
const SIZE = 1;
const COMPRESSION = 2;
const UNCOMPRESSED_SIZE = 3;
const ZSTD = 0;
const NONE = 255;

/**
 * Reads the body of a TRANSACTION_PAYLOAD: fields of type, length and value, then the compressed bytes.
 * https://dev.mysql.com/doc/dev/mysql-server/latest/classmysql_1_1binlog_1_1event_1_1Transaction__payload__event.html
 */
export function readPayload(reader: EventReader): Payload {
  let bytes: number | null = null;
  let kind: number | null = null;
  let size: number | null = null;
  for (;;) {
    const field = reader.packed();
    if (field === END_MARK) break;
    const length = reader.packed();
    const end = reader.at + length;
    reader.need(length);
    if (field === SIZE) bytes = reader.packed();
    else if (field === COMPRESSION) kind = reader.packed();
    else if (field === UNCOMPRESSED_SIZE) size = reader.packed();
    else reader.skip(length);
    if (reader.at !== end) throw reader.damaged('a field is not as long as it says');
  }
  if (bytes === null || kind === null) throw reader.damaged('a payload without its size or its compression');
  if (bytes !== reader.left) throw reader.damaged('the payload has another size than it says');
  if (kind !== ZSTD && kind !== NONE) throw reader.unsupported(`compression of kind ${kind}`);
  const start = reader.skip(bytes);
  return { compression: kind === ZSTD ? 'zstd' : 'none', start, end: reader.end, size };
}

/** MariaDB's compressed events and what they are when they are inflated. */
const inflatedTypes: ReadonlyMap<number, EventType> = new Map<number, EventType>([
  [EventType.queryCompressed, EventType.query],
  [EventType.writeRowsCompressedV1, EventType.writeRowsV1],
  [EventType.updateRowsCompressedV1, EventType.updateRowsV1],
  [EventType.deleteRowsCompressedV1, EventType.deleteRowsV1],
  [EventType.writeRowsCompressed, EventType.writeRows],
  [EventType.updateRowsCompressed, EventType.updateRows],
  [EventType.deleteRowsCompressed, EventType.deleteRows],
]);

/** The type of an event of MariaDB when it is inflated; null for one that is not compressed. */
export function inflatedType(type: number): EventType | null {
  return inflatedTypes.get(type) ?? null;
}
