import { MysqlGtidSet, encodeGtidSet, type LogPosition, type MariadbGtidPosition } from '@weir/binlog';
import { quoteLiteral } from '@weir/mysql';
import { WeirError } from '@weir/sdk';
import type { Flavour } from '../checkpoint-state.ts';
import type { ReplicaIdentity } from './replica-identity.ts';

/** Where a stream of the log begins: behind transactions, or at a byte of a file where a transaction may start. */
export type LogStart = MysqlGtidSet | MariadbGtidPosition | LogPosition;

/** What is asked of the server. */
export interface DumpRequest {
  readonly flavour: Flavour;
  readonly identity: ReplicaIdentity;
  readonly start: LogStart;
  /** How often the server says that it has nothing to say, in ms. */
  readonly heartbeatMs: number;
}

const COM_BINLOG_DUMP = 0x12;
const COM_REGISTER_SLAVE = 0x15;
const COM_BINLOG_DUMP_GTID = 0x1e;
/** Ask MySQL for heartbeats with places beyond 4 GiB, from 8.0.26 on; older ones pass it over. It means another thing to MariaDB. */
const USE_HEARTBEAT_V2 = 2;
/** Where the first event of a file stands. */
export const FIRST_EVENT = 4;
/** GTIDs understood: MARIA_SLAVE_CAPABILITY_GTID. */
const MARIADB_CAPABILITY = 4;
/** How long the server may wait for a reader that waits for its sinks, in s: its default of 60 would end the stream. */
const WRITE_TIMEOUT_S = 86_400;

/** Whether the start is a place, not GTIDs. */
export function isPlace(start: LogStart): start is LogPosition {
  return 'file' in start;
}

/**
 * What the session is told before the dump: it has no fields for it.
 * https://mariadb.com/kb/en/5-slave-registration/, sql/rpl_replica.cc of MySQL
 */
export function dumpSettings({ flavour, identity, start, heartbeatMs }: DumpRequest): string {
  const period = String(heartbeatMs * 1_000_000);
  const checksum = quoteLiteral('CRC32');
  const common = [`@master_heartbeat_period = ${period}`, `@master_binlog_checksum = ${checksum}`, `SESSION net_write_timeout = ${WRITE_TIMEOUT_S}`];
  if (flavour === 'mysql') {
    const uuid = quoteLiteral(identity.uuid);
    const own = [`@source_heartbeat_period = ${period}`, `@source_binlog_checksum = ${checksum}`, `@replica_uuid = ${uuid}`, `@slave_uuid = ${uuid}`];
    return `SET ${[...common, ...own].join(', ')}`;
  }
  const own = [`@mariadb_slave_capability = ${MARIADB_CAPABILITY}`];
  // Strict: a GTID that the log does not have is refused, never passed over (invariant 6).
  if (!isPlace(start)) own.push(`@slave_connect_state = ${quoteLiteral(start.format())}`, '@slave_gtid_strict_mode = 1', '@slave_gtid_ignore_duplicates = 0');
  return `SET ${[...common, ...own].join(', ')}`;
}

/**
 * COM_REGISTER_SLAVE: the pipeline in SHOW REPLICAS. The server answers OK or an error.
 * https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_com_register_replica.html
 */
export function registration({ serverId }: ReplicaIdentity): Buffer {
  const host = Buffer.from('weir');
  const payload = Buffer.alloc(1 + 4 + 1 + host.length + 2 + 2 + 4 + 4);
  let at = payload.writeUInt8(COM_REGISTER_SLAVE);
  at = payload.writeUInt32LE(serverId, at);
  at = payload.writeUInt8(host.length, at);
  host.copy(payload, at);
  // User, password, port, rank and the source's id are left empty.
  return packet(payload);
}

/**
 * COM_BINLOG_DUMP_GTID of MySQL, else COM_BINLOG_DUMP: MariaDB has the GTIDs in the session.
 * https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_com_binlog_dump_gtid.html
 * @throws WeirError WEIR_MYSQL_LOG_SETTINGS for a place behind 4 GiB, which the command cannot say
 */
export function dumpCommand({ flavour, identity: { serverId }, start }: DumpRequest): Buffer {
  const flags = flavour === 'mysql' ? USE_HEARTBEAT_V2 : 0;
  if (start instanceof MysqlGtidSet) {
    const gtids = encodeGtidSet(start);
    const payload = Buffer.alloc(1 + 2 + 4 + 4 + 8 + 4);
    payload.writeUInt8(COM_BINLOG_DUMP_GTID);
    payload.writeUInt16LE(flags, 1);
    payload.writeUInt32LE(serverId, 3);
    // No name of a file: the server finds it by the GTIDs.
    payload.writeBigUInt64LE(BigInt(FIRST_EVENT), 11);
    payload.writeUInt32LE(gtids.length, 19);
    return packet(Buffer.concat([payload, gtids]));
  }
  const { file, offset } = isPlace(start) ? start : { file: '', offset: FIRST_EVENT };
  if (offset > 0xffff_ffff) {
    const fix = 'Turn GTIDs on at the server (gtid_mode), with which a stream may begin anywhere; then copy again.';
    throw new WeirError('WEIR_MYSQL_LOG_SETTINGS', `the stream cannot begin behind 4 GiB of a file, at byte ${offset} of ${file}`, { fix });
  }
  const payload = Buffer.alloc(1 + 4 + 2 + 4);
  payload.writeUInt8(COM_BINLOG_DUMP);
  payload.writeUInt32LE(offset, 1);
  payload.writeUInt16LE(flags, 5);
  payload.writeUInt32LE(serverId, 7);
  return packet(Buffer.concat([payload, Buffer.from(file)]));
}

const MAX_PACKET = 0xff_ffff;

/** A command's bytes: in packets of 16 MB, each with its length and its number. */
function packet(payload: Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0, number = 0; ; number++) {
    const part = payload.subarray(at, at + MAX_PACKET);
    const header = Buffer.alloc(4);
    header.writeUIntLE(part.length, 0, 3);
    header[3] = number & 0xff;
    parts.push(header, part);
    at += part.length;
    if (part.length < MAX_PACKET) return Buffer.concat(parts);
  }
}
