import type { EventReader } from './event-reader.ts';
import { LAST_NUMBER, isTag, uuidText } from './gtid.ts';
import type { GtidEvent } from './gtid-event.ts';

/** Fields of the message, in their order. Those that are not read are passed over by their form. */
const Field = {
  flags: 0,
  uuid: 1,
  number: 2,
  tag: 3,
  lastCommitted: 4,
  sequenceNumber: 5,
  commitTime: 6,
  originalCommitTime: 7,
  length: 8,
  serverVersion: 9,
  originalServerVersion: 10,
  groupTicket: 11,
} as const;
const VERSION = 1;
const UUID_BYTES = 16;
const MAX_TAG = 32;

/**
 * Reads the body of a GTID_TAGGED: a message of `mysql::serialization`, that is version, size, the last field that a reader
 * must know, then fields with their number in front.
 * https://dev.mysql.com/doc/dev/mysql-server/latest/PageLibsMysqlSerialization.html
 */
export function readTaggedGtid(reader: EventReader): GtidEvent {
  const version = Number(readVarint(reader));
  if (version !== VERSION) throw reader.unsupported(`a message of version ${version}`);
  // Its size, which is that of the event.
  readVarint(reader);
  const lastNeeded = Number(readVarint(reader));
  let uuid: string | null = null;
  let tag = '';
  let number: bigint | null = null;
  const times = { commit: null as number | null, original: null as number | null, length: null as number | null };
  let last = -1;
  while (reader.left > 0) {
    const field = Number(readVarint(reader));
    if (field <= last) throw reader.damaged('fields out of order');
    last = field;
    if (field > Field.groupTicket) {
      if (field <= lastNeeded) throw reader.unsupported(`field ${field} of a newer server`);
      reader.at = reader.end;
    } else if (field === Field.flags) readByte(reader);
    else if (field === Field.uuid) uuid = uuidText(Uint8Array.from({ length: UUID_BYTES }, () => readByte(reader)));
    else if (field === Field.number) number = readSigned(reader);
    else if (field === Field.tag) tag = readTag(reader);
    else if (field === Field.commitTime) times.commit = readSafe(reader);
    else if (field === Field.originalCommitTime) times.original = readSafe(reader);
    else if (field === Field.length) times.length = readSafe(reader);
    else readVarint(reader);
  }
  if (uuid === null || number === null || number < 1n || number > LAST_NUMBER) throw reader.damaged('a GTID without uuid or number');
  return {
    gtid: { uuid, tag, number },
    commitTime: times.commit,
    originalCommitTime: times.original ?? times.commit,
    length: times.length,
  };
}

function readTag(reader: EventReader): string {
  const length = Number(readVarint(reader));
  if (length > MAX_TAG) throw reader.damaged('a tag is too long');
  const tag = Buffer.from(reader.bytes(length)).toString('latin1');
  if (tag !== '' && !isTag(tag)) throw reader.damagedBefore(length, 'a tag has other characters');
  return tag;
}

/** The number of ones at the end of the first byte says how many bytes follow; the value stands above them. */
function readVarint(reader: EventReader): bigint {
  const first = reader.uint8();
  let more = 0;
  while (more < 8 && ((first >> more) & 1) === 1) more++;
  if (more === 8) return reader.uint64();
  let value = BigInt(first);
  for (let byte = 1n; byte <= more; byte++) value |= BigInt(reader.uint8()) << (8n * byte);
  return value >> BigInt(more + 1);
}

/** The sign stands in the lowest bit; a negative value is one less than its magnitude says. */
function readSigned(reader: EventReader): bigint {
  const value = readVarint(reader);
  return (value & 1n) === 0n ? value >> 1n : -(value >> 1n) - 1n;
}

function readSafe(reader: EventReader): number {
  const value = readVarint(reader);
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw reader.damaged('a number is out of range');
  return Number(value);
}

/** Bytes of fixed fields are integers of their own, of one byte or two. */
function readByte(reader: EventReader): number {
  const value = readVarint(reader);
  if (value > 255n) throw reader.damaged('no byte has this value');
  return Number(value);
}
