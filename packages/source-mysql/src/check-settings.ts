import { isAtLeast, type ServerVersion } from '@weir/mysql';
import type { CheckResult, ErrorCode } from '@weir/sdk';

/** Variables of the server by name, as it prints them; one that it does not know is absent. */
export type Variables = ReadonlyMap<string, string>;

/** What settings are looked at. */
export const settingNames: readonly string[] = [
  'log_bin',
  'binlog_format',
  'binlog_row_image',
  'binlog_row_metadata',
  'binlog_row_value_options',
  'binlog_transaction_compression',
  'log_bin_compress',
  'binlog_checksum',
  'binlog_encryption',
  'encrypt_binlog',
  'gtid_mode',
  'enforce_gtid_consistency',
  'gtid_strict_mode',
  'binlog_expire_logs_seconds',
  'binlog_expire_logs_auto_purge',
  'expire_logs_days',
  'server_id',
  'log_replica_updates',
  'log_slave_updates',
  'read_only',
];

/** Less than this is lost over a weekend. */
const LEAST_RETENTION_S = 3 * 86_400;

/** What the settings of a server's log lack, each with the SQL that mends it. @param serverId as which the pipeline reads the log */
export function settingResults(version: ServerVersion, variables: Variables, serverId: number): CheckResult[] {
  const value = (name: string): string => variables.get(name) ?? '';
  const isOn = (name: string): boolean => /^(?:ON|1|YES)$/iu.test(value(name));
  if (!isOn('log_bin')) {
    const fix = 'Set log_bin and a server_id in the server’s configuration, and restart it.';
    return [refused('WEIR_MYSQL_LOG_SETTINGS', 'the server has no binary log (log_bin)', fix)];
  }
  const set = (name: string, wanted: string): string => setStatement(version, name, wanted);
  const expected = (name: string, wanted: string, why: string): CheckResult => {
    if (value(name).toUpperCase() === wanted) return fine('WEIR_MYSQL_LOG_SETTINGS', `${name} is ${wanted}`);
    return refused('WEIR_MYSQL_LOG_SETTINGS', `${name} is ${value(name) || 'not known'}: ${why}`, set(name, wanted));
  };
  return [
    expected('binlog_format', 'ROW', 'the log has statements in the place of rows; sessions that are open keep theirs'),
    expected('binlog_row_image', 'FULL', 'the log lacks columns of rows'),
    expected('binlog_row_metadata', 'FULL', 'the log lacks the names of columns, so an altered table is not noticed'),
    ...gtidResults(version, value, set),
    retentionResult(version, value),
    identityResult(value, serverId),
    ...noticeResults(value, isOn, set),
  ];
}

function gtidResults(version: ServerVersion, value: (name: string) => string, set: (name: string, wanted: string) => string): CheckResult[] {
  if (version.flavour === 'mariadb') {
    const isStrict = /^(?:ON|1)$/iu.test(value('gtid_strict_mode'));
    if (isStrict) return [fine('MYSQL_GTID', 'gtid_strict_mode is ON')];
    const message = 'gtid_strict_mode is OFF: GTIDs that are written to a replica by mistake are not noticed';
    return [{ code: 'MYSQL_GTID', level: 'warning', message, fix: set('gtid_strict_mode', 'ON') }];
  }
  if (value('gtid_mode') === 'ON') return [fine('MYSQL_GTID', 'gtid_mode is ON')];
  const message = `gtid_mode is ${value('gtid_mode')}: the pipeline cannot go on at another server after a failover`;
  const steps = ['OFF_PERMISSIVE', 'ON_PERMISSIVE', 'ON'].map((mode) => set('gtid_mode', mode));
  const fix = [set('enforce_gtid_consistency', 'ON'), ...steps].join(' ');
  return [{ code: 'MYSQL_GTID', level: 'warning', message, fix }];
}

/** How long the server keeps its log, in s; null: until somebody removes it. */
function retention(value: (name: string) => string): number | null {
  if (value('binlog_expire_logs_auto_purge') === 'OFF') return null;
  const seconds = Number(value('binlog_expire_logs_seconds') || 0) || Number(value('expire_logs_days') || 0) * 86_400;
  return seconds === 0 ? null : seconds;
}

function retentionResult(version: ServerVersion, value: (name: string) => string): CheckResult {
  const code = 'MYSQL_RETENTION';
  const seconds = retention(value);
  if (seconds === null) return { code, level: 'ok', message: 'the server keeps its log until somebody removes it' };
  const kept = `the server keeps its log for ${seconds % 86_400 === 0 ? `${seconds / 86_400} days` : `${seconds} s`}`;
  if (seconds >= LEAST_RETENTION_S) return { code, level: 'ok', message: kept };
  const message = `${kept}: a pipeline that stands for longer has to copy again`;
  return { code, level: 'warning', message, fix: setStatement(version, 'binlog_expire_logs_seconds', '604800') };
}

function identityResult(value: (name: string) => string, serverId: number): CheckResult {
  const own = value('server_id');
  if (own === '0') return refused('WEIR_MYSQL_SERVER_ID', 'server_id is 0: the server sends its log to nobody', 'SET PERSIST server_id = 1; (MariaDB: SET GLOBAL, and in its configuration)');
  if (own !== String(serverId)) return fine('WEIR_MYSQL_SERVER_ID', `the pipeline reads as server ${serverId}`);
  return refused('WEIR_MYSQL_SERVER_ID', `the server itself has the id ${own}, as which the pipeline reads`, 'Give the pipeline another `server_id`.', 'server_id');
}

/** What is read as well, and worth to know. */
function noticeResults(value: (name: string) => string, isOn: (name: string) => boolean, set: (name: string, wanted: string) => string): CheckResult[] {
  const results: CheckResult[] = [];
  if (value('binlog_row_value_options') !== '') {
    const message = 'binlog_row_value_options is PARTIAL_JSON: changes of JSON are applied to the row before';
    results.push({ code: 'MYSQL_PARTIAL_JSON', level: 'ok', message });
  }
  if (isOn('binlog_transaction_compression') || isOn('log_bin_compress')) {
    results.push({ code: 'MYSQL_COMPRESSION', level: 'ok', message: 'the log is compressed' });
  }
  if (value('binlog_checksum') === 'NONE') {
    const message = 'binlog_checksum is NONE: damage of the log is not noticed';
    results.push({ code: 'MYSQL_CHECKSUM', level: 'warning', message, fix: set('binlog_checksum', 'CRC32') });
  }
  if (isOn('binlog_encryption') || isOn('encrypt_binlog')) {
    results.push({ code: 'MYSQL_ENCRYPTION', level: 'ok', message: 'the log is encrypted on the server’s disk, and sent in the clear or by TLS' });
  }
  const updates = value('log_replica_updates') || value('log_slave_updates');
  if (isOn('read_only') && updates === 'OFF') {
    const message = 'a replica that does not log what it replicates (log_replica_updates): its log has nothing';
    results.push(refused('WEIR_MYSQL_LOG_SETTINGS', message, 'Set log_replica_updates = ON (log_slave_updates) in its configuration, and restart it.'));
  }
  return results;
}

/** MySQL keeps it over a restart by itself; MariaDB by its configuration. */
function setStatement({ flavour }: ServerVersion, name: string, value: string): string {
  const text = /^\d+$/u.test(value) ? value : `'${value}'`;
  return flavour === 'mysql' ? `SET PERSIST ${name} = ${text};` : `SET GLOBAL ${name} = ${text};`;
}

/** MySQL from 8.0.23, MariaDB from 10.6. */
export function versionResult(version: ServerVersion): CheckResult {
  const isNew = version.flavour === 'mariadb' ? isAtLeast(version, 10, 6, 0) : isAtLeast(version, 8, 0, 23);
  const name = `${version.flavour === 'mariadb' ? 'MariaDB' : 'MySQL'} ${version.text}`;
  if (isNew) return fine('WEIR_MYSQL_VERSION', name);
  return refused('WEIR_MYSQL_VERSION', `${name} is too old`, 'Use MySQL 8.0.23 or later, or MariaDB 10.6 or later.');
}

/** A finding that stops a start. */
export function refused(code: ErrorCode, message: string, fix: string, path = 'url'): CheckResult {
  return { code, level: 'error', message, fix, path };
}

/** A finding that nothing is wrong. */
export function fine(code: string, message: string): CheckResult {
  return { code, level: 'ok', message };
}
