import { setTimeout as sleep } from 'node:timers/promises';
import { connect, query, quoteLiteral } from '@weir/mysql';
import { Secret } from '@weir/sdk';
import type { MysqlService } from '@weir/testkit/services';
import type { Flavour } from '../checkpoint-state.ts';
import { readServerLog, type ServerLog } from '../server-log.ts';

const signal = new AbortController().signal;

/** What the two servers call the same. */
const statements = {
  mysql: {
    reset: 'RESET BINARY LOGS AND GTIDS',
    stop: 'STOP REPLICA',
    forget: 'RESET REPLICA ALL',
    forgetPosition: [],
    /** Another server is followed from what is executed on. */
    follow: (host: string, port: string, user: string, password: string): string[] => [
      `CHANGE REPLICATION SOURCE TO SOURCE_HOST = ${host}, SOURCE_PORT = ${port}, SOURCE_USER = ${user}, SOURCE_PASSWORD = ${password}, ` +
        'SOURCE_AUTO_POSITION = 1, SOURCE_CONNECT_RETRY = 1, GET_SOURCE_PUBLIC_KEY = 1',
      'START REPLICA',
    ],
  },
  mariadb: {
    reset: 'RESET MASTER',
    stop: 'STOP SLAVE',
    forget: 'RESET SLAVE ALL',
    forgetPosition: ["SET GLOBAL gtid_slave_pos = ''"],
    follow: (host: string, port: string, user: string, password: string): string[] => [
      'SET GLOBAL gtid_slave_pos = @@global.gtid_binlog_pos',
      `CHANGE MASTER TO MASTER_HOST = ${host}, MASTER_PORT = ${port}, MASTER_USER = ${user}, MASTER_PASSWORD = ${password}, ` +
        'MASTER_USE_GTID = slave_pos, MASTER_CONNECT_RETRY = 1, MASTER_SSL = 0',
      'START SLAVE',
    ],
  },
} as const;

/** Runs statements in one session, as root, without a database. @returns the rows of the last */
export async function runAt({ url }: MysqlService, ...sql: readonly string[]): Promise<(string | null)[][]> {
  const client = await connect({ url: new Secret(url) }, signal);
  try {
    let rows: (string | null)[][] = [];
    for (const each of sql) rows = await query(client, each);
    return rows;
  } finally {
    await client.close();
  }
}

/** Has a server's log begin anew. */
export async function resetLog(server: MysqlService, flavour: Flavour): Promise<void> {
  await runAt(server, statements[flavour].reset);
}

/** Both forget what they have logged, and the second follows the first from here on. */
export async function linkAnew(primary: MysqlService, replica: MysqlService, flavour: Flavour): Promise<void> {
  for (const server of [replica, primary]) await promote(server, flavour);
  for (const server of [replica, primary]) await runAt(server, statements[flavour].reset, ...statements[flavour].forgetPosition);
  await follow(replica, primary, flavour);
}

/** A server replicates another one from now on, by GTIDs. */
export async function follow(replica: MysqlService, primary: MysqlService, flavour: Flavour): Promise<void> {
  const [host = '', port = ''] = primary.upstream.split(':');
  const { username, password } = new URL(primary.url);
  await runAt(replica, ...statements[flavour].follow(quoteLiteral(host), port, quoteLiteral(decodeURIComponent(username)), quoteLiteral(decodeURIComponent(password))));
}

/** Waits until a server has everything that another one has committed by now. */
export async function caughtUp(replica: MysqlService, primary: MysqlService): Promise<void> {
  const { gtids } = await logOf(primary);
  while (!(await logOf(replica)).gtids!.hasAll(gtids as never)) await sleep(20);
}

/** A server stops following, and keeps what it has. */
export async function unfollow(replica: MysqlService, flavour: Flavour): Promise<void> {
  await runAt(replica, statements[flavour].stop);
}

/** A server follows no other one any more. */
export async function promote(replica: MysqlService, flavour: Flavour): Promise<void> {
  await runAt(replica, statements[flavour].stop, statements[flavour].forget);
}

/** A server removes every file of its log but the last, which it begins. */
export async function purgeAll(server: MysqlService): Promise<void> {
  await runAt(server, 'FLUSH BINARY LOGS');
  const { end } = await logOf(server);
  // A file whose reader is gone is kept until the server notices that.
  while ((await runAt(server, `PURGE BINARY LOGS TO ${quoteLiteral(end.file)}`, 'SHOW BINARY LOGS'))[0]![0] !== end.file) await sleep(50);
}

async function logOf({ url }: MysqlService): Promise<ServerLog> {
  const client = await connect({ url: new Secret(url) }, signal);
  try {
    return await readServerLog(client);
  } finally {
    await client.close();
  }
}
