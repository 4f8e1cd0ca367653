import { MariadbGtidPosition, MysqlGtidSet, type LogPosition } from '@weir/binlog';
import { isAtLeast, query, serverVersion, type MysqlClient, type ServerVersion } from '@weir/mysql';
import { WeirError } from '@weir/sdk';
import type { Flavour } from './checkpoint-state.ts';

/** Where a server's log ends, and whose log it is. */
export interface ServerLog {
  readonly flavour: Flavour;
  /** As `MysqlState.server` has it. */
  readonly server: string;
  /** Behind the last transaction that is in the log. */
  readonly end: LogPosition;
  /** What is committed; null where the server has GTIDs off. Read after `end`, so it has no less than the log up to there. */
  readonly gtids: MysqlGtidSet | MariadbGtidPosition | null;
}

/** @throws WeirError WEIR_MYSQL_LOG_SETTINGS when the server has no log; what `serverError` says */
export async function readServerLog(client: MysqlClient): Promise<ServerLog> {
  const version = await serverVersion(client);
  const [status] = await query(client, statusStatement(version));
  if (status === undefined) throw new WeirError('WEIR_MYSQL_LOG_SETTINGS', 'the server has no binary log (log_bin)');
  const end = { file: status[0]!, offset: Number(status[1]) };
  if (version.flavour === 'mariadb') {
    const [row] = await query(client, "SELECT CONCAT(@@global.gtid_domain_id, '-', @@global.server_id), @@global.gtid_binlog_pos");
    return { flavour: 'mariadb', server: row![0]!, end, gtids: MariadbGtidPosition.parse(row![1] ?? '') };
  }
  const [row] = await query(client, 'SELECT @@global.server_uuid, @@global.gtid_mode, @@global.gtid_executed');
  const gtids = row![1] === 'ON' ? MysqlGtidSet.parse(row![2] ?? '') : null;
  return { flavour: 'mysql', server: row![0]!, end, gtids };
}

/** The statement that says where the log ends; it needs REPLICATION CLIENT, or BINLOG MONITOR on MariaDB. */
export function statusStatement(version: ServerVersion): string {
  return version.flavour === 'mysql' && isAtLeast(version, 8, 2, 0) ? 'SHOW BINARY LOG STATUS' : 'SHOW MASTER STATUS';
}
