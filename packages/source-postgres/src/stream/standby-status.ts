/** PostgreSQL's epoch, 2000-01-01, in ms since 1970. */
const POSTGRES_EPOCH_MS = 946_684_800_000;

/**
 * A standby status update: what is durable in every sink counts as written, flushed and applied (invariant 1).
 *
 * Format: https://www.postgresql.org/docs/current/protocol-replication.html
 * @param now ms since 1970
 */
export function standbyStatus(confirmed: bigint, now: number, askReply: boolean): Buffer {
  const message = Buffer.alloc(34);
  message[0] = 0x72; // r
  message.writeBigUInt64BE(confirmed, 1);
  message.writeBigUInt64BE(confirmed, 9);
  message.writeBigUInt64BE(confirmed, 17);
  message.writeBigInt64BE(BigInt(now - POSTGRES_EPOCH_MS) * 1000n, 25);
  message[33] = askReply ? 1 : 0;
  return message;
}
