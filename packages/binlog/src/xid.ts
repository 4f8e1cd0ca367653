import type { EventReader } from './event-reader.ts';

const MAX_PART = 64;

/** What an XA transaction is called here: as the servers write it, `X'676c6f62616c',X'6272616e6368',1`, lower-case. */
export function formatXid(format: number, global: Uint8Array, branch: Uint8Array): string {
  return `X'${Buffer.from(global).toString('hex')}',X'${Buffer.from(branch).toString('hex')}',${format}`;
}

/** Finds the name in a statement such as `XA START X'61',X'',1`; null where there is none of this form. */
export function xidOf(statement: string): string | null {
  const [, global, branch, format] = /\bX'([\da-f]*)',\s*X'([\da-f]*)',\s*(-?\d+)/iu.exec(statement) ?? [];
  return global === undefined ? null : `X'${global.toLowerCase()}',X'${branch!.toLowerCase()}',${format}`;
}

/** XA_PREPARE: the rows of an XA transaction are complete. */
export interface XaPrepare {
  readonly xid: string;
  /** It is committed by this (XA COMMIT … ONE PHASE). */
  readonly onePhase: boolean;
}

/** Reads the body of an XA_PREPARE. */
export function readXaPrepare(reader: EventReader): XaPrepare {
  const onePhase = reader.uint8();
  if (onePhase > 1) throw reader.damagedBefore(1, 'neither one phase nor two');
  const format = reader.uint32() | 0;
  const global = reader.uint32();
  const branch = reader.uint32();
  if (global > MAX_PART || branch > MAX_PART) throw reader.damaged('a name of an XA transaction is too long');
  const xid = formatXid(format, reader.bytes(global), reader.bytes(branch));
  reader.close();
  return { xid, onePhase: onePhase === 1 };
}
