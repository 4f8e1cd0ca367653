import { query, type MysqlClient } from '@weir/mysql';

/** The XA transactions that MariaDB lists: prepared, and not shown yet. By their names as `XaStep.xid`; null stands for those that cannot be read. */
export async function listedXids(client: MysqlClient): Promise<Set<string | null>> {
  return new Set((await query(client, "XA RECOVER FORMAT = 'SQL'")).map((row) => listedXid(row)));
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
