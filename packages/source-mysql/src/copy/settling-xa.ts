import { query, type MysqlClient } from '@weir/mysql';

/**
 * Whether MariaDB is still about to commit one of these XA transactions. It writes the COMMIT of one that was prepared into its log
 * first and shows its rows later, and the place that it says of a snapshot knows only of the first; XA RECOVER lists it until the
 * second. MySQL has the GTID of the COMMIT in `gtid_executed` when the rows are seen.
 * @param xids as `XaStep.xid`
 */
export async function isSettlingXa(client: MysqlClient, xids: readonly string[]): Promise<boolean> {
  if (xids.length === 0) return false;
  const listed = await query(client, "XA RECOVER FORMAT = 'SQL'");
  const delivered = new Set(xids);
  return listed.some(([, , , name]) => delivered.has(canonicalXid(name!)));
}

/** As the log has it: the server lists names of plain letters as such. Of another form it stays what it is. */
function canonicalXid(listed: string): string {
  const [, isHex, global, isBranchHex, branch, format] = /^(X?)'([^']*)',(X?)'([^']*)',(-?\d+)$/iu.exec(listed) ?? [];
  if (global === undefined) return listed;
  const hex = (mark: string, text: string): string => (mark === '' ? Buffer.from(text).toString('hex') : text.toLowerCase());
  return `X'${hex(isHex!, global)}',X'${hex(isBranchHex!, branch!)}',${format}`;
}
