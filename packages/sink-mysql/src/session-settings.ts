import { query, type MysqlClient } from '@weir/mysql';

/** Waits for a row's lock, or for readers of a table whose shape changes, no longer than this. */
const LOCK_SECONDS = 30;

/** What a writing session needs beside what every session has. Foreign keys that somebody put on a mirror are passed over. */
const SETTINGS = [
  "SESSION transaction_isolation = 'READ-COMMITTED'",
  `SESSION innodb_lock_wait_timeout = ${LOCK_SECONDS}`,
  `SESSION lock_wait_timeout = ${LOCK_SECONDS}`,
  'SESSION foreign_key_checks = 0',
  'SESSION autocommit = 1',
] as const;

/** @returns the server's max_allowed_packet, in bytes */
export async function prepareSession(client: MysqlClient): Promise<number> {
  const [names] = await query(client, "SHOW VARIABLES LIKE 'transaction_isolation'");
  for (const setting of SETTINGS) {
    // MariaDB before 11.1 has another name for it.
    const named = names === undefined ? setting.replace('transaction_isolation', 'tx_isolation') : setting;
    await query(client, `SET ${named}`);
  }
  const [packet] = await query(client, 'SELECT @@max_allowed_packet');
  return Number(packet![0]);
}
