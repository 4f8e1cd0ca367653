import { parseVersion } from '@weir/mysql';
import type { CheckResult } from '@weir/sdk';
import { describe, expect, it } from 'vitest';
import { settingResults, versionResult } from './check-settings.ts';

const mysql = parseVersion('8.4.3');
const mariadb = parseVersion('11.8.2-MariaDB');
const good = {
  log_bin: 'ON',
  binlog_format: 'ROW',
  binlog_row_image: 'FULL',
  binlog_row_metadata: 'FULL',
  gtid_mode: 'ON',
  gtid_strict_mode: 'ON',
  binlog_expire_logs_seconds: '2592000',
  binlog_checksum: 'CRC32',
  server_id: '1',
};
const SERVER_ID = 4_000_000_000;

function wrong(version: typeof mysql, change: Record<string, string>): Omit<CheckResult, 'message'>[] {
  const variables = new Map(Object.entries({ ...good, ...change }));
  const results = settingResults(version, variables, SERVER_ID).filter(({ level }) => level !== 'ok');
  return results.map(({ message: _, ...rest }) => rest);
}

const error = (fix: string, code = 'WEIR_MYSQL_LOG_SETTINGS', path = 'url') => ({ code, level: 'error', fix, path });

describe('settings of a server', () => {
  it('are fine', () => {
    for (const version of [mysql, mariadb]) {
      expect(wrong(version, {})).toEqual([]);
      expect(wrong(version, { binlog_expire_logs_seconds: '0', expire_logs_days: '7' })).toEqual([]);
      expect(wrong(version, { binlog_expire_logs_seconds: '0' }), 'kept for good').toEqual([]);
      expect(wrong(version, { binlog_row_value_options: 'PARTIAL_JSON', binlog_encryption: 'ON', binlog_transaction_compression: 'ON' })).toEqual([]);
    }
    expect(wrong(mysql, { binlog_expire_logs_seconds: '60', binlog_expire_logs_auto_purge: 'OFF' })).toEqual([]);
  });

  it('without a log are told by that alone', () => {
    expect(wrong(mysql, { log_bin: 'OFF', binlog_format: 'MIXED' })).toEqual([error('Set log_bin and a server_id in the server’s configuration, and restart it.')]);
  });

  it('that a start refuses have the SQL that mends them', () => {
    expect(wrong(mysql, { binlog_format: 'MIXED' })).toEqual([error("SET PERSIST binlog_format = 'ROW';")]);
    expect(wrong(mariadb, { binlog_format: 'MIXED' })).toEqual([error("SET GLOBAL binlog_format = 'ROW';")]);
    expect(wrong(mysql, { binlog_row_image: 'MINIMAL' })).toEqual([error("SET PERSIST binlog_row_image = 'FULL';")]);
    expect(wrong(mariadb, { binlog_row_metadata: 'NO_LOG' })).toEqual([error("SET GLOBAL binlog_row_metadata = 'FULL';")]);
    expect(wrong(mysql, { server_id: '0' })).toMatchObject([{ code: 'WEIR_MYSQL_SERVER_ID', level: 'error' }]);
    expect(wrong(mysql, { server_id: `${SERVER_ID}` })).toEqual([error('Give the pipeline another `server_id`.', 'WEIR_MYSQL_SERVER_ID', 'server_id')]);
    expect(wrong(mysql, { read_only: 'ON', log_replica_updates: 'OFF' })).toMatchObject([{ level: 'error' }]);
    expect(wrong(mysql, { read_only: 'ON', log_replica_updates: 'ON' })).toEqual([]);
  });

  it('that lose something some day are warned of', () => {
    expect(wrong(mysql, { binlog_expire_logs_seconds: '3600' })).toEqual([
      { code: 'MYSQL_RETENTION', level: 'warning', fix: 'SET PERSIST binlog_expire_logs_seconds = 604800;' },
    ]);
    expect(wrong(mysql, { binlog_checksum: 'NONE' })).toEqual([{ code: 'MYSQL_CHECKSUM', level: 'warning', fix: "SET PERSIST binlog_checksum = 'CRC32';" }]);
    expect(wrong(mariadb, { gtid_strict_mode: 'OFF' })).toEqual([{ code: 'MYSQL_GTID', level: 'warning', fix: "SET GLOBAL gtid_strict_mode = 'ON';" }]);
    const [gtids] = wrong(mysql, { gtid_mode: 'OFF' });
    expect(gtids!.fix!.split('; ')).toEqual([
      "SET PERSIST enforce_gtid_consistency = 'ON'",
      "SET PERSIST gtid_mode = 'OFF_PERMISSIVE'",
      "SET PERSIST gtid_mode = 'ON_PERMISSIVE'",
      "SET PERSIST gtid_mode = 'ON';",
    ]);
  });
});

it('the version', () => {
  const level = (text: string): string => versionResult(parseVersion(text)).level;
  expect(['8.0.22', '5.7.44', '10.5.20-MariaDB'].map(level)).toEqual(['error', 'error', 'error']);
  expect(['8.0.23', '9.7.0', '10.6.1-MariaDB-log', '11.8.2-MariaDB'].map(level)).toEqual(['ok', 'ok', 'ok', 'ok']);
});
