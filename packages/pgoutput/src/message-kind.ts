import { WeirError } from '@weir/sdk';

/** Versions of the protocol; each has the messages of those before it. */
export type ProtocolVersion = 1 | 2 | 3 | 4;

/** First bytes of the messages of protocol version 1. */
export const BEGIN = 0x42;
export const COMMIT = 0x43;
export const ORIGIN = 0x4f;
export const RELATION = 0x52;
export const TYPE = 0x59;
export const INSERT = 0x49;
export const UPDATE = 0x55;
export const DELETE = 0x44;
export const TRUNCATE = 0x54;
export const MESSAGE = 0x4d;

/** Version 2: transactions that are sent before they have ended. Version 4 has the same, with more in an abort. */
export const STREAM_START = 0x53;
export const STREAM_STOP = 0x45;
export const STREAM_COMMIT = 0x63;
export const STREAM_ABORT = 0x41;

/** Version 3: the two phases of prepared transactions. */
export const BEGIN_PREPARE = 0x62;
export const PREPARE = 0x50;
export const COMMIT_PREPARED = 0x4b;
export const ROLLBACK_PREPARED = 0x72;
export const STREAM_PREPARE = 0x70;

const KINDS_SINCE_2: readonly number[] = [STREAM_START, STREAM_STOP, STREAM_COMMIT, STREAM_ABORT];
const KINDS_SINCE_3: readonly number[] = [BEGIN_PREPARE, PREPARE, COMMIT_PREPARED, ROLLBACK_PREPARED, STREAM_PREPARE];

/** A message that is not what the protocol says. Names kind and place only: its bytes may be row values (invariant 10). */
export function damaged(kind: number, offset: number, what: string): WeirError {
  return new WeirError('WEIR_PGOUTPUT_DAMAGED', `replication message ${kindName(kind)}, byte ${offset}: ${what}`);
}

/** Something that the protocol has and that was not asked for. */
export function unsupported(kind: number, offset: number, what: string): WeirError {
  return new WeirError('WEIR_PGOUTPUT_UNSUPPORTED', `replication message ${kindName(kind)}, byte ${offset}: ${what}`);
}

/** The error for a first byte that a session of this version never gets. */
export function unknownKind(kind: number, version: ProtocolVersion): WeirError {
  const since = KINDS_SINCE_2.includes(kind) ? 2 : KINDS_SINCE_3.includes(kind) ? 3 : null;
  if (since === null) return damaged(kind, 0, 'no message starts with this byte');
  return since > version
    ? unsupported(kind, 0, `belongs to protocol version ${since} or later`)
    : unsupported(kind, 0, 'was not asked for');
}

function kindName(kind: number): string {
  const letter = (kind >= 0x41 && kind <= 0x5a) || (kind >= 0x61 && kind <= 0x7a);
  return letter ? `'${String.fromCharCode(kind)}'` : `0x${kind.toString(16).padStart(2, '0')}`;
}
