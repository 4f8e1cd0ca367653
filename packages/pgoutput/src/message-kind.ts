import { WeirError } from '@weir/sdk';

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

/**
 * Messages of versions 2 to 4, which a session that asks for version 1 never gets:
 * stream start, stop, commit, abort; begin prepare, prepare, commit prepared, rollback prepared, stream prepare.
 */
const LATER_KINDS = 'SEcAbPKrp';

/** A message that is not what the protocol says. Names kind and place only: its bytes may be row values (invariant 10). */
export function damaged(kind: number, offset: number, what: string): WeirError {
  return new WeirError('WEIR_PGOUTPUT_DAMAGED', `replication message ${kindName(kind)}, byte ${offset}: ${what}`);
}

/** Something that protocol version 1 in text format does not send. */
export function unsupported(kind: number, offset: number, what: string): WeirError {
  return new WeirError('WEIR_PGOUTPUT_UNSUPPORTED', `replication message ${kindName(kind)}, byte ${offset}: ${what}`);
}

/** The error for a first byte that is none of the above. */
export function unknownKind(kind: number): WeirError {
  return LATER_KINDS.includes(String.fromCharCode(kind))
    ? unsupported(kind, 0, 'belongs to protocol version 2 or later')
    : damaged(kind, 0, 'no message starts with this byte');
}

function kindName(kind: number): string {
  const letter = (kind >= 0x41 && kind <= 0x5a) || (kind >= 0x61 && kind <= 0x7a);
  return letter ? `'${String.fromCharCode(kind)}'` : `0x${kind.toString(16).padStart(2, '0')}`;
}
