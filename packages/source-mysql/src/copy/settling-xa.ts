import { query, type MysqlClient } from '@weir/mysql';

/**
 * Whether MariaDB is still about to commit one of these XA transactions. It writes the COMMIT of one that was prepared into its log
 * first and shows its rows later, and the place that it says of a snapshot knows only of the first; XA RECOVER lists it until the
 * second. MySQL has the GTID of the COMMIT in `gtid_executed` when the rows are seen.
 * @param xids as `XaStep.xid`
 */
export async function isSettlingXa(client: MysqlClient, xids: readonly string[]): Promise<boolean> {
  if (xids.length === 0) return false;
  const delivered = new Set(xids);
  const listed = (await query(client, "XA RECOVER FORMAT = 'SQL'")).map((row) => listedXid(row));
  // What cannot be read may be any of them.
  return listed.some((xid) => xid === null || delivered.has(xid));
}

/**
 * The name in a row of XA RECOVER FORMAT = 'SQL', as the log has it; null when it has another form. The row has the number of the format, the
 * lengths of both parts, and the parts as texts or in hexadecimal; an empty second part may be left out.
 * https://mariadb.com/docs/server/reference/sql-statements/transactions/xa-transactions
 */
export function listedXid([format, globalLength, branchLength, name]: readonly (string | null)[]): string | null {
  const parts = [...name!.matchAll(/(X?)'([^']*)'/giu)].map(([, isHex, text]) => Buffer.from(text!, isHex === '' ? 'latin1' : 'hex'));
  const bytes = Buffer.concat(parts);
  const global = Number(globalLength);
  if (bytes.length !== global + Number(branchLength)) return null;
  return `X'${bytes.toString('hex', 0, global)}',X'${bytes.toString('hex', global)}',${format}`;
}
