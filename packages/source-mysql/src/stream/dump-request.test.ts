import { MariadbGtidPosition, MysqlGtidSet, decodeGtidSet } from '@weir/binlog';
import { describe, expect, it } from 'vitest';
import { dumpCommand, dumpSettings, registration, type DumpRequest } from './dump-request.ts';

const identity = { serverId: 0x8000_0001, uuid: '3e11fa47-71ca-81e1-9e33-c80aa9429562' };
const place = { file: 'binlog.000012', offset: 4711 };
const request = (flavour: DumpRequest['flavour'], start: DumpRequest['start']): DumpRequest => ({ flavour, identity, start, heartbeatMs: 5000 });

describe('the commands', () => {
  it('register the pipeline as a replica', () => {
    expect(registration(identity).toString('hex')).toBe(`1600000015010000800477656972${'0000'.repeat(2)}${'00000000'.repeat(2)}`);
  });

  it('ask MySQL for what is not in a set of GTIDs, also one with tags', () => {
    for (const text of ['', `${identity.uuid}:1-17`, `${identity.uuid}:1-17:blue:4`]) {
      const command = dumpCommand(request('mysql', MysqlGtidSet.parse(text)));
      expect(command.readUIntLE(0, 3)).toBe(command.length - 4);
      expect(command.subarray(3, 15).toString('hex')).toBe('001e02000100008000000000');
      expect(command.readBigUInt64LE(15)).toBe(4n);
      expect(command.readUInt32LE(23)).toBe(command.length - 27);
      expect(decodeGtidSet(command, 27, command.length, 0).format()).toBe(text);
    }
  });

  it('ask for a place of a file, and MariaDB for GTIDs that its session has', () => {
    const at = Buffer.from(place.file).toString('hex');
    expect(dumpCommand(request('mysql', place)).toString('hex')).toBe(`180000001267120000020001000080${at}`);
    expect(dumpCommand(request('mariadb', place)).toString('hex')).toBe(`180000001267120000000001000080${at}`);
    const gtids = MariadbGtidPosition.parse('0-1-17');
    expect(dumpCommand(request('mariadb', gtids)).toString('hex')).toBe('0b0000001204000000000001000080');
  });

  it('cannot say a place behind 4 GiB', () => {
    const beyond = request('mysql', { ...place, offset: 2 ** 32 });
    expect(() => dumpCommand(beyond)).toThrow(expect.objectContaining({ code: 'WEIR_MYSQL_LOG_SETTINGS' }) as Error);
  });
});

describe('the session', () => {
  it('of MySQL has checksums, heartbeats and the UUID under both names', () => {
    const sql = dumpSettings(request('mysql', new MysqlGtidSet()));
    for (const each of ["@source_binlog_checksum = 'CRC32'", "@master_binlog_checksum = 'CRC32'", '@source_heartbeat_period = 5000000000', `@replica_uuid = '${identity.uuid}'`, `@slave_uuid = '${identity.uuid}'`]) {
      expect(sql).toContain(each);
    }
    expect(sql).not.toContain('mariadb');
  });

  it('of MariaDB has the GTIDs, strictly, unless a place is asked for', () => {
    const sql = dumpSettings(request('mariadb', MariadbGtidPosition.parse('0-1-17,7-2-5')));
    expect(sql).toContain("@slave_connect_state = '0-1-17,7-2-5', @slave_gtid_strict_mode = 1");
    expect(sql).toContain('@mariadb_slave_capability = 4');
    const without = dumpSettings(request('mariadb', place));
    expect(without).toContain('@mariadb_slave_capability = 4');
    expect(without).not.toContain('@slave_connect_state');
  });
});
