import { unchanged } from '@weir/sdk';
import {
  BEGIN,
  BEGIN_PREPARE,
  COMMIT,
  COMMIT_PREPARED,
  DELETE,
  INSERT,
  MESSAGE,
  ORIGIN,
  PREPARE,
  RELATION,
  ROLLBACK_PREPARED,
  STREAM_ABORT,
  STREAM_COMMIT,
  STREAM_PREPARE,
  STREAM_START,
  STREAM_STOP,
  TRUNCATE,
  TYPE,
  UPDATE,
} from './message-kind.ts';
import type { CommitPrepared, Prepare, RollbackPrepared } from './prepared.ts';
import type { Relation } from './relation.ts';
import type { StreamAbort, StreamCommit, StreamStart } from './streamed.ts';
import type { Begin, CommitEnd } from './transaction.ts';

/** Microseconds from 1970-01-01 to 2000-01-01. */
const POSTGRES_EPOCH = 946_684_800_000_000n;

const utf8 = new TextEncoder();

/** A cell as the server sends it: text or its bytes, NULL, or an unchanged TOAST value. */
export type SentCell = string | Uint8Array | null | typeof unchanged;

/** The old tuple of an update or a delete: the key (NULL outside the replica identity) or the whole row. */
export interface SentOldTuple {
  readonly kind: 'K' | 'O';
  readonly cells: readonly SentCell[];
}

/** Used again by every message: each is written in one go, and copied out. Grown as needed. */
let scratch = new Uint8Array(4096);

/** A message that grows; integers are big-endian, as on the wire. */
class MessageBytes {
  #length = 0;

  constructor(kind: number) {
    this.uint8(kind);
  }

  uint8(value: number): this {
    if (this.#length === scratch.length) this.#reserve(1);
    scratch[this.#length++] = value;
    return this;
  }

  /** Makes room for so many bytes more. */
  #reserve(size: number): void {
    if (this.#length + size <= scratch.length) return;
    const larger = new Uint8Array(Math.max(this.#length + size, scratch.length * 2));
    larger.set(scratch);
    scratch = larger;
  }

  uint16(value: number): this {
    return this.uint8(value >>> 8).uint8(value);
  }

  uint32(value: number): this {
    return this.uint16(value >>> 16).uint16(value);
  }

  uint64(value: bigint): this {
    const bits = BigInt.asUintN(64, value);
    return this.uint32(Number(bits >> 32n)).uint32(Number(bits & 0xffff_ffffn));
  }

  time(microsecondsSince1970: number): this {
    return this.uint64(BigInt(microsecondsSince1970) - POSTGRES_EPOCH);
  }

  bytes(bytes: Uint8Array): this {
    this.#reserve(bytes.length);
    scratch.set(bytes, this.#length);
    this.#length += bytes.length;
    return this;
  }

  letter(letter: string): this {
    return this.uint8(letter.charCodeAt(0));
  }

  string(text: string): this {
    return this.bytes(utf8.encode(text)).uint8(0);
  }

  tuple(mark: string, cells: readonly SentCell[]): this {
    this.letter(mark).uint16(cells.length);
    for (const cell of cells) this.#cell(cell);
    return this;
  }

  #cell(cell: SentCell): void {
    if (cell === null) this.letter('n');
    else if (cell === unchanged) this.letter('u');
    else {
      const bytes = typeof cell === 'string' ? utf8.encode(cell) : cell;
      this.letter('t').uint32(bytes.length).bytes(bytes);
    }
  }

  done(): Uint8Array {
    return scratch.slice(0, this.#length);
  }
}

/**
 * Encoders of the messages that `PgoutputDecoder` reads, for tests and benchmarks: written from the protocol's page, not
 * from the decoder. https://www.postgresql.org/docs/current/protocol-logicalrep-message-formats.html
 */
export function encodeBegin({ commitLsn, time, transactionId }: Begin): Uint8Array {
  return new MessageBytes(BEGIN).uint64(commitLsn).time(time).uint32(transactionId).done();
}

export function encodeCommit({ commitLsn, endLsn, time }: CommitEnd): Uint8Array {
  return new MessageBytes(COMMIT).uint8(0).uint64(commitLsn).uint64(endLsn).time(time).done();
}

export function encodeOrigin(commitLsn: bigint, name: string): Uint8Array {
  return new MessageBytes(ORIGIN).uint64(commitLsn).string(name).done();
}

export function encodeRelation(relation: Relation): Uint8Array {
  const namespace = relation.namespace === 'pg_catalog' ? '' : relation.namespace;
  const message = new MessageBytes(RELATION).uint32(relation.oid).string(namespace).string(relation.name);
  message.letter(relation.replicaIdentity).uint16(relation.columns.length);
  for (const column of relation.columns) {
    message.uint8(column.isKey ? 1 : 0).string(column.name).uint32(column.typeOid).uint32(column.typeModifier);
  }
  return message.done();
}

export function encodeType(oid: number, namespace: string, name: string): Uint8Array {
  return new MessageBytes(TYPE).uint32(oid).string(namespace).string(name).done();
}

export function encodeInsert(relation: number, cells: readonly SentCell[]): Uint8Array {
  return new MessageBytes(INSERT).uint32(relation).tuple('N', cells).done();
}

/** @param old null when the server sends none: the key did not change and the replica identity is not FULL */
export function encodeUpdate(relation: number, old: SentOldTuple | null, cells: readonly SentCell[]): Uint8Array {
  const message = new MessageBytes(UPDATE).uint32(relation);
  if (old !== null) message.tuple(old.kind, old.cells);
  return message.tuple('N', cells).done();
}

export function encodeDelete(relation: number, old: SentOldTuple): Uint8Array {
  return new MessageBytes(DELETE).uint32(relation).tuple(old.kind, old.cells).done();
}

/** @param options 1 for CASCADE, 2 for RESTART IDENTITY, 3 for both */
export function encodeTruncate(relations: readonly number[], options = 0): Uint8Array {
  const message = new MessageBytes(TRUNCATE).uint32(relations.length).uint8(options);
  for (const relation of relations) message.uint32(relation);
  return message.done();
}

export function encodeMessage(transactional: boolean, lsn: bigint, prefix: string, content: Uint8Array): Uint8Array {
  const message = new MessageBytes(MESSAGE).uint8(transactional ? 1 : 0).uint64(lsn).string(prefix);
  return message.uint32(content.length).bytes(content).done();
}

/** A data, relation, type or logical message as it stands in a streamed block: the id of its subtransaction behind the kind. */
export function encodeStreamed(subtransactionId: number, message: Uint8Array): Uint8Array {
  return new MessageBytes(message[0]!).uint32(subtransactionId).bytes(message.subarray(1)).done();
}

export function encodeStreamStart({ transactionId, first }: StreamStart): Uint8Array {
  return new MessageBytes(STREAM_START).uint32(transactionId).uint8(first ? 1 : 0).done();
}

export function encodeStreamStop(): Uint8Array {
  return new MessageBytes(STREAM_STOP).done();
}

export function encodeStreamCommit({ transactionId, commitLsn, endLsn, time }: StreamCommit): Uint8Array {
  const message = new MessageBytes(STREAM_COMMIT).uint32(transactionId).uint8(0);
  return message.uint64(commitLsn).uint64(endLsn).time(time).done();
}

/** With LSN and time as in a parallel stream of version 4, without them as in any other. */
export function encodeStreamAbort({ transactionId, subtransactionId, lsn, time }: StreamAbort): Uint8Array {
  const message = new MessageBytes(STREAM_ABORT).uint32(transactionId).uint32(subtransactionId);
  return lsn === null || time === null ? message.done() : message.uint64(lsn).time(time).done();
}

export function encodeBeginPrepare({ prepareLsn, endLsn, time, transactionId, gid }: Prepare): Uint8Array {
  const message = new MessageBytes(BEGIN_PREPARE).uint64(prepareLsn).uint64(endLsn).time(time);
  return message.uint32(transactionId).string(gid).done();
}

export function encodePrepare({ prepareLsn, endLsn, time, transactionId, gid }: Prepare): Uint8Array {
  const message = new MessageBytes(PREPARE).uint8(0).uint64(prepareLsn).uint64(endLsn).time(time);
  return message.uint32(transactionId).string(gid).done();
}

export function encodeStreamPrepare({ prepareLsn, endLsn, time, transactionId, gid }: Prepare): Uint8Array {
  const message = new MessageBytes(STREAM_PREPARE).uint8(0).uint64(prepareLsn).uint64(endLsn).time(time);
  return message.uint32(transactionId).string(gid).done();
}

export function encodeCommitPrepared({ commitLsn, endLsn, time, transactionId, gid }: CommitPrepared): Uint8Array {
  const message = new MessageBytes(COMMIT_PREPARED).uint8(0).uint64(commitLsn).uint64(endLsn).time(time);
  return message.uint32(transactionId).string(gid).done();
}

export function encodeRollbackPrepared(rollback: RollbackPrepared): Uint8Array {
  const { prepareEndLsn, endLsn, prepareTime, time, transactionId, gid } = rollback;
  const message = new MessageBytes(ROLLBACK_PREPARED).uint8(0).uint64(prepareEndLsn).uint64(endLsn);
  return message.time(prepareTime).time(time).uint32(transactionId).string(gid).done();
}
