import { CHECKSUM_BYTES } from './checksum.ts';
import { EventType } from './event-type.ts';
import { HEADER_BYTES, type EventReader } from './event-reader.ts';

/** What a FORMAT_DESCRIPTION says of the log whose first event it is. */
export interface LogFormat {
  readonly flavour: 'mysql' | 'mariadb';
  /** As the server names it: `8.4.3`, `11.4.2-MariaDB-log`. */
  readonly serverVersion: string;
  /** Whether each event that follows ends in a CRC-32. */
  readonly checksums: boolean;
  /** When the server began the log, in seconds since 1970; 0 where this is sent again in the middle of one. */
  readonly created: number;
  /** When the server began this file of the log, in seconds since 1970 by its clock; the same wherever in the file a stream begins. */
  readonly begun: number;
}

const LOG_VERSION = 4;
const VERSION_BYTES = 50;
const NO_CHECKSUM = 0;
const CRC32 = 1;
/** Bytes that stand in front of the body, of the types that are read by them. */
const postHeaders: readonly (readonly [type: number, bytes: number])[] = [
  [EventType.query, 13],
  [EventType.rotate, 8],
  [EventType.tableMap, 8],
  [EventType.writeRowsV1, 8],
  [EventType.updateRowsV1, 8],
  [EventType.deleteRowsV1, 8],
  [EventType.writeRows, 10],
  [EventType.updateRows, 10],
  [EventType.deleteRows, 10],
];

/** Reads the body of a FORMAT_DESCRIPTION, with its checksum. */
export function readFormat(reader: EventReader): LogFormat {
  const version = reader.uint16();
  if (version !== LOG_VERSION) throw reader.unsupported(`a log of version ${version}`);
  const name = reader.bytes(VERSION_BYTES);
  const length = name.indexOf(0);
  const serverVersion = Buffer.from(name.subarray(0, length < 0 ? VERSION_BYTES : length)).toString('latin1');
  const created = reader.uint32();
  const header = reader.uint8();
  if (header !== HEADER_BYTES) throw reader.unsupported(`events with headers of ${header} bytes`);
  const types = reader.left - 1 - CHECKSUM_BYTES;
  if (types < EventType.deleteRowsV1) throw reader.damaged('the list of event types is cut off');
  const lengths = reader.bytes(types);
  for (const [type, bytes] of postHeaders) {
    const listed = lengths[type - 1] ?? 0;
    // A server that does not write a type any more says 0.
    if (listed !== 0 && listed !== bytes) throw reader.unsupported(`another layout of events of type ${type}`);
  }
  const algorithm = reader.uint8();
  if (algorithm !== NO_CHECKSUM && algorithm !== CRC32) throw reader.unsupported(`checksums of kind ${algorithm}`);
  reader.skip(CHECKSUM_BYTES);
  reader.close();
  const flavour = /mariadb/iu.test(serverVersion) ? 'mariadb' : 'mysql';
  return { flavour, serverVersion, checksums: algorithm === CRC32, created, begun: reader.seconds };
}
