import { createHash } from 'node:crypto';

/** As which replica a pipeline reads the log. Servers end the stream of whoever had the same before. */
export interface ReplicaIdentity {
  /** 32 bits, not 0. */
  readonly serverId: number;
  /** Only MySQL asks for it. */
  readonly uuid: string;
}

const HIGH_BIT = 0x8000_0000;
const HIGHEST = 0xffff_ffff;

/**
 * Derived from the pipeline's name, so that a pipeline that starts again ends the stream that the server still believes in, and
 * takes nobody else's. Its server id is 2,147,483,648 or more: people give servers small ones.
 * @param serverId that of the configuration; null for the derived one
 */
export function replicaIdentity(pipeline: string, serverId: number | null): ReplicaIdentity {
  const digest = createHash('sha256').update(`weir\0${pipeline}\0${serverId ?? ''}`).digest();
  const hex = digest.subarray(0, 16);
  // A UUID of version 8: RFC 9562, section 5.8.
  hex[6] = (hex[6]! & 0x0f) | 0x80;
  hex[8] = (hex[8]! & 0x3f) | 0x80;
  const uuid = hex.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/u, '$1-$2-$3-$4-');
  const derived = Math.min((digest.readUInt32LE(16) | HIGH_BIT) >>> 0, HIGHEST - 1);
  return { serverId: serverId ?? derived, uuid };
}
