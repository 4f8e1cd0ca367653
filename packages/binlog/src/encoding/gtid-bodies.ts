import type { MysqlGtid } from '../gtid.ts';
import type { MariadbGtid } from '../mariadb-gtid.ts';
import { ByteBuilder } from './byte-builder.ts';

/** What a GTID event of MySQL says beside the GTID. Times in microseconds since 1970. */
export interface SentGtid {
  /** Null: the event of a server that numbers no transactions. */
  readonly gtid: MysqlGtid | null;
  readonly commitTime?: number;
  readonly originalCommitTime?: number;
  readonly length?: number;
}

const SERVER_VERSION = 80_403;
const SERIALIZATION = 1;
const GROUP_TICKET = 11;

function uuidBytes(uuid: string): Uint8Array {
  return Buffer.from(uuid.replaceAll('-', ''), 'hex');
}

export function gtidBody({ gtid, commitTime, originalCommitTime, length }: SentGtid): Uint8Array {
  const body = new ByteBuilder().uint8(0).bytes(gtid === null ? new Uint8Array(16) : uuidBytes(gtid.uuid));
  body.uint64(gtid?.number ?? 0n).uint8(2).uint64(7).uint64(8);
  if (commitTime === undefined) return body.done();
  const other = originalCommitTime !== undefined && originalCommitTime !== commitTime;
  // The highest bit says that another time follows.
  body.uint(commitTime % 2 ** 48, 6).uint8(Math.floor(commitTime / 2 ** 48) | (other ? 0x80 : 0));
  if (other) body.uint(originalCommitTime, 7);
  return body.packed(length ?? 0).uint32(SERVER_VERSION).done();
}

/** @param later a field that only a later server knows; `needed` where a reader must know it too */
export function taggedGtidBody({ gtid, commitTime = 0, originalCommitTime, length = 0 }: SentGtid, later?: 'ignorable' | 'needed'): Uint8Array {
  const fields = new ByteBuilder().varint(0).varint(0).varint(1);
  for (const byte of uuidBytes(gtid!.uuid)) fields.varint(byte);
  fields.varint(2).varint(gtid!.number << 1n).varint(3).varint(gtid!.tag.length).text(gtid!.tag);
  fields.varint(4).varint(14).varint(5).varint(16).varint(6).varint(commitTime);
  if (originalCommitTime !== undefined) fields.varint(7).varint(originalCommitTime);
  fields.varint(8).varint(length).varint(9).varint(SERVER_VERSION).varint(GROUP_TICKET).varint(5);
  if (later !== undefined) fields.varint(12).varint(0);
  const content = fields.done();
  const lastNeeded = later === 'needed' ? 12 : 9;
  const head = (size: number): Uint8Array => new ByteBuilder().varint(SERIALIZATION).varint(size).varint(lastNeeded).done();
  // The size counts itself.
  let size = content.length;
  while (head(size).length + content.length !== size) size = head(size).length + content.length;
  return new ByteBuilder().bytes(head(size)).bytes(content).done();
}

export interface SentMariadbGtid {
  readonly gtid: MariadbGtid;
  readonly standalone?: boolean;
  readonly groupCommit?: boolean;
  readonly ddl?: boolean;
  readonly xa?: { readonly step: 'prepare' | 'complete'; readonly format: number; readonly global: Uint8Array; readonly branch: Uint8Array };
  readonly alter?: 'start' | 'commit' | 'rollback';
}

const BODY_BYTES = 19;
const alterBits = { start: 2, commit: 4, rollback: 8 };

export function mariadbGtidBody({ gtid, standalone, groupCommit, ddl, xa, alter }: SentMariadbGtid): Uint8Array {
  const flags = (standalone ? 1 : 0) | (groupCommit ? 2 : 0) | 4 | (ddl ? 32 : 0) | (xa === undefined ? 0 : xa.step === 'prepare' ? 64 : 128);
  const body = new ByteBuilder().uint64(gtid.sequence).uint32(gtid.domain).uint8(flags);
  if (groupCommit) body.uint64(99);
  if (xa !== undefined) body.uint32(xa.format >>> 0).uint8(xa.global.length).uint8(xa.branch.length).bytes(xa.global).bytes(xa.branch);
  // With the number of engines in front of which the bit stands.
  if (alter !== undefined) body.uint8(alterBits[alter] | 1).uint8(1).uint64(3);
  const bytes = body.done();
  return bytes.length >= BODY_BYTES ? bytes : new ByteBuilder().bytes(bytes).bytes(new Uint8Array(BODY_BYTES - bytes.length)).done();
}
