import type { EventReader } from './event-reader.ts';
import { MariadbGtidPosition, type MariadbGtid } from './mariadb-gtid.ts';
import { formatXid } from './xid.ts';

/** Bits of the flags. */
const STANDALONE = 0x01;
const GROUP_COMMIT_ID = 0x02;
const TRANSACTIONAL = 0x04;
const DDL = 0x20;
const PREPARED_XA = 0x40;
const COMPLETED_XA = 0x80;
/** Bits of the further flags (10.8 and later). */
const EXTRA_ENGINES = 0x01;
const START_ALTER = 0x02;
const COMMIT_ALTER = 0x04;
const ROLLBACK_ALTER = 0x08;

/** Which part of an ALTER of two phases (`binlog_alter_two_phase`) a group is: only its `commit` changes the table. */
export type AlterPhase = 'start' | 'commit' | 'rollback';

/** What MariaDB says of an event group in front of it. Unless `standalone` it is the group's BEGIN as well. */
export interface MariadbGtidEvent {
  readonly gtid: MariadbGtid;
  /** One statement, without a COMMIT behind it. */
  readonly standalone: boolean;
  /** Nothing in it is of an engine without transactions. */
  readonly transactional: boolean;
  readonly ddl: boolean;
  /** The rows of an XA transaction up to its PREPARE. */
  readonly preparesXa: boolean;
  /** The COMMIT or ROLLBACK of an XA transaction that was prepared. */
  readonly completesXa: boolean;
  /** Set with the two. */
  readonly xid: string | null;
  readonly alter: AlterPhase | null;
}

/** Reads the body of MariaDB's GTID. https://mariadb.com/kb/en/gtid_event/ */
export function readMariadbGtid(reader: EventReader): MariadbGtidEvent {
  const sequence = reader.uint64();
  const domain = reader.uint32();
  const flags = reader.uint8();
  if ((flags & GROUP_COMMIT_ID) !== 0) reader.skip(8);
  const preparesXa = (flags & PREPARED_XA) !== 0;
  const completesXa = (flags & COMPLETED_XA) !== 0;
  const xid = preparesXa || completesXa ? readXid(reader) : null;
  return {
    gtid: { domain, server: reader.serverId, sequence },
    standalone: (flags & STANDALONE) !== 0,
    transactional: (flags & TRANSACTIONAL) !== 0,
    ddl: (flags & DDL) !== 0,
    preparesXa,
    completesXa,
    xid,
    alter: readAlterPhase(reader),
  };
}

function readXid(reader: EventReader): string {
  const format = reader.uint32() | 0;
  const global = reader.uint8();
  const branch = reader.uint8();
  return formatXid(format, reader.bytes(global), reader.bytes(branch));
}

/** What follows is zero bytes up to the old size of the event, or of a later version. */
function readAlterPhase(reader: EventReader): AlterPhase | null {
  if (reader.left === 0) return null;
  const flags = reader.uint8();
  if ((flags & EXTRA_ENGINES) !== 0) reader.skip(1);
  if ((flags & START_ALTER) !== 0) return 'start';
  if ((flags & COMMIT_ALTER) !== 0) return 'commit';
  return (flags & ROLLBACK_ALTER) !== 0 ? 'rollback' : null;
}

/** Reads the body of a GTID_LIST: the last GTIDs in front of this file, of each domain. https://mariadb.com/kb/en/gtid_list_event/ */
export function readGtidList(reader: EventReader): MariadbGtidPosition {
  const count = reader.uint32() & 0x0fff_ffff;
  // An empty list is filled up with zero bytes.
  if (count * 16 > reader.left) throw reader.damaged('the number of GTIDs does not fit');
  const position = new MariadbGtidPosition();
  for (let index = 0; index < count; index++) {
    const domain = reader.uint32();
    const server = reader.uint32();
    position.add({ domain, server, sequence: reader.uint64() });
  }
  return position;
}
