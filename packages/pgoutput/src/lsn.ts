import { WeirError } from '@weir/sdk';

const LSN_TEXT = /^([0-9A-Fa-f]{1,8})\/([0-9A-Fa-f]{1,8})$/;
const LSN_BITS = 64n;

/**
 * A place in PostgreSQL's write-ahead log, in bytes, from the server's own text of it: two hexadecimal halves, `0/16B3748`
 * (https://www.postgresql.org/docs/current/datatype-pg-lsn.html).
 *
 * @throws WeirError WEIR_PGOUTPUT_DAMAGED when the text is no LSN
 */
export function parseLsn(text: string): bigint {
  const match = LSN_TEXT.exec(text);
  if (match === null) throw new WeirError('WEIR_PGOUTPUT_DAMAGED', 'an LSN is two hexadecimal numbers and a slash');
  return (BigInt(`0x${match[1]}`) << 32n) | BigInt(`0x${match[2]}`);
}

/**
 * The text of an LSN as the server writes it.
 * @param lsn 0 to 2^64 - 1
 * @throws RangeError when it does not fit in 64 bits
 */
export function formatLsn(lsn: bigint): string {
  if (lsn !== BigInt.asUintN(Number(LSN_BITS), lsn)) throw new RangeError(`${lsn} does not fit in ${LSN_BITS} bits`);
  return `${(lsn >> 32n).toString(16)}/${(lsn & 0xffff_ffffn).toString(16)}`.toUpperCase();
}
