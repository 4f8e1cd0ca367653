import { TLSSocket } from 'node:tls';
import { connect, Grants, isAtLeast, isLocal, query, serverVersion, type ConnectionConfig, type MysqlClient, type ServerVersion } from '@weir/mysql';
import { errorCodes, toWeirError, type CheckResult, type ErrorCode } from '@weir/sdk';
import type { OwnTables } from './own-tables.ts';
import { identifier } from './sql-text.ts';

/** A row that is larger than this as a statement is refused; less makes trouble with usual tables. */
const USUAL_PACKET_BYTES = 16 << 20;

/** What the sink does with its own database and with those of its targets. */
const NEEDED = [
  'SELECT',
  'INSERT',
  'UPDATE',
  'DELETE',
  'CREATE',
  'DROP',
  'ALTER',
  'INDEX',
  'CREATE TEMPORARY TABLES',
] as const;

/** Whether the sink can connect and write. Changes nothing. */
export async function checkServer(config: ConnectionConfig, own: OwnTables, signal: AbortSignal): Promise<CheckResult[]> {
  let client: MysqlClient;
  try {
    client = await connect(config, signal);
  } catch (error) {
    signal.throwIfAborted();
    const { code, message, fix, path } = toWeirError(error);
    return [{ code, level: 'error', message, fix, ...(path === undefined ? {} : { path }) }];
  }
  try {
    const version = await serverVersion(client);
    const variables = await variablesOf(client);
    return [
      versionResult(version),
      readOnlyResult(variables),
      await grantResult(client, own),
      engineResult(await query(client, 'SHOW ENGINES')),
      binlogResult(variables),
      durabilityResult(variables),
      packetResult(variables),
      encryptionResult(client),
    ];
  } finally {
    await client.close();
  }
}

type Variables = ReadonlyMap<string, string>;

async function variablesOf(client: MysqlClient): Promise<Variables> {
  const names = [
    'read_only',
    'super_read_only',
    'innodb_flush_log_at_trx_commit',
    'sync_binlog',
    'log_bin',
    'binlog_format',
    'max_allowed_packet',
  ];
  const rows = await query(client, `SHOW GLOBAL VARIABLES WHERE Variable_name IN (${names.map((name) => `'${name}'`).join(', ')})`);
  return new Map(rows.map(([name, value]) => [name!, value ?? '']));
}

function result(fine: boolean, code: ErrorCode, ok: string, message: string, fix?: string): CheckResult {
  if (fine) return { code, level: 'ok', message: ok };
  return { code, level: 'error', message, fix: fix ?? errorCodes[code].remedy, path: 'url' };
}

function versionResult(version: ServerVersion): CheckResult {
  const isNew = version.flavour === 'mariadb' ? isAtLeast(version, 10, 6, 0) : isAtLeast(version, 8, 0, 23);
  const name = `${version.flavour === 'mariadb' ? 'MariaDB' : 'MySQL'} ${version.text}`;
  return result(isNew, 'WEIR_MYSQL_VERSION', name, `${name} is too old`);
}

function readOnlyResult(variables: Variables): CheckResult {
  const isOn = (name: string): boolean => /^(?:ON|1)$/i.test(variables.get(name) ?? 'OFF');
  const message = 'the server is read-only, as a replica is';
  return result(!isOn('read_only') && !isOn('super_read_only'), 'WEIR_MYSQL_READ_ONLY', 'the server may be written', message);
}

async function grantResult(client: MysqlClient, own: OwnTables): Promise<CheckResult> {
  const [user] = await query(client, 'SELECT CURRENT_USER()');
  const grants = new Grants((await query(client, 'SHOW GRANTS')).map(([text]) => text!));
  // Where the user has roles nothing is missing: what they give is not all shown.
  const missing = grants.hasRoles ? [] : NEEDED.filter((privilege) => !grants.allows(privilege, own.database));
  const [name = '', host = ''] = user![0]!.split('@');
  const fix = `GRANT ${missing.join(', ')} ON *.* TO '${name}'@'${host}'; or on ${identifier(own.database)}.* and each target database`;
  const message = `${user![0]!} lacks ${missing.join(', ')} on database ${own.database}`;
  return result(missing.length === 0, 'WEIR_MYSQL_GRANT', 'the user may make and write tables', message, fix);
}

function engineResult(engines: readonly (readonly (string | null)[])[]): CheckResult {
  const innodb = engines.find(([name]) => name === 'InnoDB')?.[1] ?? 'NO';
  const isThere = innodb === 'YES' || innodb === 'DEFAULT';
  return result(isThere, 'WEIR_MYSQL_ENGINE', 'tables are in InnoDB', 'the server has no InnoDB');
}

/** READ COMMITTED, which sessions have, is refused with statements in the log; and temporary tables would be in it. */
function binlogResult(variables: Variables): CheckResult {
  const isStatement = /^(?:ON|1)$/i.test(variables.get('log_bin') ?? '') && variables.get('binlog_format') === 'STATEMENT';
  const message = 'the server logs statements, not rows';
  return result(!isStatement, 'WEIR_MYSQL_BINLOG', 'the binary log has rows, or there is none', message);
}

function durabilityResult(variables: Variables): CheckResult {
  const code = 'MYSQL_DURABILITY';
  const wrong = ['innodb_flush_log_at_trx_commit', 'sync_binlog'].filter((name) => (variables.get(name) ?? '1') !== '1');
  if (wrong.length === 0) return { code, level: 'ok', message: 'commits are durable' };
  const message = `${wrong.map((name) => `${name} is ${variables.get(name)}`).join(' and ')}: a crash of the server can lose what was committed`;
  return { code, level: 'warning', message, fix: wrong.map((name) => `SET GLOBAL ${name} = 1;`).join(' ') };
}

function packetResult(variables: Variables): CheckResult {
  const code = 'MYSQL_PACKET';
  const bytes = Number(variables.get('max_allowed_packet'));
  const message = `max_allowed_packet is ${bytes / 2 ** 20} MiB: a row may not be larger as a statement`;
  if (bytes >= USUAL_PACKET_BYTES) return { code, level: 'ok', message };
  return { code, level: 'warning', message, fix: 'SET GLOBAL max_allowed_packet = 67108864;' };
}

function encryptionResult(client: MysqlClient): CheckResult {
  const code = 'MYSQL_TLS';
  const { host, tls } = client.target;
  const { socket } = client;
  const encrypted = socket instanceof TLSSocket ? socket.getProtocol() : null;
  if (encrypted === null && isLocal(host)) return { code, level: 'ok', message: 'not encrypted, on this machine' };
  const at = { fix: 'tls: verify-full', path: 'tls' } as const;
  if (encrypted === null) return { code, level: 'warning', message: 'not encrypted: everybody in between can read along', ...at };
  if (tls.mode !== 'require') return { code, level: 'ok', message: `${encrypted}, ${tls.mode}` };
  const message = `${encrypted}, but whoever answers is believed: somebody in between can read along`;
  return { code, level: 'warning', message, ...at };
}
