import { WeirError } from '@weir/sdk';

/**
 * A global transaction identifier of MySQL: `uuid:number`, or `uuid:tag:number` from 8.4 on.
 * https://dev.mysql.com/doc/refman/8.4/en/replication-gtids-concepts.html
 */
export interface MysqlGtid {
  /** Of the server that committed first, 36 characters, lower-case. */
  readonly uuid: string;
  /** Empty, or up to 32 of a to z, 0 to 9 and _, not a digit first. */
  readonly tag: string;
  /** 1 to 2^63 - 2. */
  readonly number: bigint;
}

export const LAST_NUMBER: bigint = (1n << 63n) - 2n;
const uuidPattern = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/u;
const tagPattern = /^[a-z_][a-z0-9_]{0,31}$/u;

export function formatMysqlGtid({ uuid, tag, number }: MysqlGtid): string {
  return `${formatSource(uuid, tag)}:${number}`;
}

/** `uuid` or `uuid:tag`: whose numbers go up one by one. */
export function formatSource(uuid: string, tag: string): string {
  return tag === '' ? uuid : `${uuid}:${tag}`;
}

/** @throws WeirError WEIR_BINLOG_GTID */
export function parseMysqlGtid(text: string): MysqlGtid {
  const parts = text.trim().toLowerCase().split(':');
  const [uuid = '', tag = ''] = parts.length === 3 ? parts : [parts[0], ''];
  if (parts.length < 2 || parts.length > 3 || (parts.length === 3 && !isTag(tag))) throw notGtid(text);
  return { uuid: parseUuid(uuid), tag, number: parseNumber(parts.at(-1)!) };
}

/** With or without hyphens, as the servers take it. */
export function parseUuid(text: string): string {
  const uuid = /^[\da-f]{32}$/u.test(text) ? text.replace(/^(.{8})(.{4})(.{4})(.{4})/u, '$1-$2-$3-$4-') : text;
  if (!uuidPattern.test(uuid)) throw notGtid(text);
  return uuid;
}

export function isTag(text: string): boolean {
  return tagPattern.test(text);
}

export function parseNumber(text: string): bigint {
  if (!/^\d{1,19}$/u.test(text)) throw notGtid(text);
  const number = BigInt(text);
  if (number < 1n || number > LAST_NUMBER) throw notGtid(text);
  return number;
}

const hexBytes: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** Of 16 bytes. One for each transaction, so it makes nothing but the text. */
export function uuidText(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < 16; at++) {
    if (at === 4 || at === 6 || at === 8 || at === 10) text += '-';
    text += hexBytes[bytes[at]!]!;
  }
  return text;
}

export function notGtid(text: string): WeirError {
  return new WeirError('WEIR_BINLOG_GTID', `'${text.slice(0, 80)}' is no part of a set of GTIDs`);
}
