import { crc32 } from 'node:zlib';
import { HEADER_BYTES } from './event-reader.ts';

export const CHECKSUM_BYTES = 4;
const FLAGS_OFFSET = 17;
/** Of a log that is being written; the server sets it in the file behind the back of the checksum. */
const IN_USE_FLAG = 0x01;

/** Whether the last four bytes of `data[start, end)` are the CRC-32 of the others. */
export function checksumFits(data: Uint8Array, start: number, end: number): boolean {
  const at = end - CHECKSUM_BYTES;
  return at >= start + HEADER_BYTES && crc32(data.subarray(start, at)) === checksumAt(data, at);
}

/** The same for a FORMAT_DESCRIPTION, whose flag of a log in use does not count. */
export function formatChecksumFits(data: Uint8Array, start: number, end: number): boolean {
  const at = end - CHECKSUM_BYTES;
  const flags = start + FLAGS_OFFSET;
  const before = crc32(data.subarray(start, flags));
  const cleared = crc32(Uint8Array.of(data[flags]! & ~IN_USE_FLAG), before);
  return crc32(data.subarray(flags + 1, at), cleared) === checksumAt(data, at);
}

function checksumAt(data: Uint8Array, at: number): number {
  return (data[at]! | (data[at + 1]! << 8) | (data[at + 2]! << 16) | (data[at + 3]! << 24)) >>> 0;
}
