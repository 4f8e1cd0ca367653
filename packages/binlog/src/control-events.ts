import type { EventReader } from './event-reader.ts';
import type { LogPosition } from './log-position.ts';

/** Fields of a HEARTBEAT of version 2. */
const END_MARK = 0;
const FILE_FIELD = 1;
const POSITION_FIELD = 2;

/** Reads the body of a ROTATE: the file in which the log goes on. */
export function readRotate(reader: EventReader): LogPosition {
  const offset = reader.safeUint64();
  if (reader.left === 0) throw reader.damaged('a file without a name');
  return { file: reader.utf8(reader.left), offset };
}

/**
 * Reads the body of a HEARTBEAT: how far the server is, while it has nothing to send.
 * @param offset the low 32 bits that the header has, made whole; MariaDB writes 0 there and the whole of it into the body
 * where it does not fit
 */
export function readHeartbeat(reader: EventReader, offset: number): LogPosition {
  const place = reader.endPosition === 0 && reader.left > 8 ? reader.safeUint64() : offset;
  if (reader.left === 0) throw reader.damaged('a file without a name');
  return { file: reader.utf8(reader.left), offset: place };
}

/** Reads the body of a HEARTBEAT of version 2, fields of type, length and value. */
export function readHeartbeatV2(reader: EventReader): LogPosition {
  let file: string | null = null;
  let offset: number | null = null;
  while (reader.left > 0) {
    const field = reader.packed();
    if (field === END_MARK) break;
    const length = reader.packed();
    const end = reader.at + length;
    reader.need(length);
    if (field === FILE_FIELD) file = reader.utf8(length);
    else if (field === POSITION_FIELD) offset = reader.packed();
    else reader.skip(length);
    if (reader.at !== end) throw reader.damaged('a field is not as long as it says');
  }
  if (file === null || offset === null) throw reader.damaged('a heartbeat without file or position');
  reader.close();
  return { file, offset };
}

/** Reads the body of an INCIDENT: why the server's log lacks changes. */
export function readIncident(reader: EventReader): string {
  const incident = reader.uint16();
  const message = reader.left === 0 ? '' : Buffer.from(reader.bytes(reader.uint8())).toString('utf8');
  return `${incident}${message === '' ? '' : `: ${message}`}`;
}
