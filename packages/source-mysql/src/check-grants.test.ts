import { describe, expect, it } from 'vitest';
import { mariadbPrivileges, missingPrivileges, mysqlPrivileges, unlockable } from './check-grants.ts';

describe('what a user lacks to read the log', () => {
  it('is nothing for who may do everything, or these two', () => {
    for (const grants of [
      ['GRANT ALL PRIVILEGES ON *.* TO `root`@`%` WITH GRANT OPTION'],
      ['GRANT SELECT, REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO `weir`@`%`'],
      ['GRANT REPLICATION SLAVE ON *.* TO `weir`@`%`', 'GRANT SUPER ON *.* TO `weir`@`%`'],
    ]) {
      expect(missingPrivileges(grants, mysqlPrivileges)).toEqual({ names: [], hasRoles: false });
    }
    const mariadb = ['GRANT REPLICATION SLAVE, BINLOG MONITOR ON *.* TO `weir`@`%` IDENTIFIED BY PASSWORD'];
    expect(missingPrivileges(mariadb, mariadbPrivileges).names).toEqual([]);
  });

  it('is told by name; rights on one database are none on the log', () => {
    const grants = ['GRANT USAGE ON *.* TO `weir`@`%`', 'GRANT ALL PRIVILEGES ON `shop`.* TO `weir`@`%`'];
    expect(missingPrivileges(grants, mysqlPrivileges).names).toEqual(['REPLICATION SLAVE', 'REPLICATION CLIENT']);
    expect(missingPrivileges(['GRANT BINLOG MONITOR ON *.* TO `weir`@`%`'], mariadbPrivileges).names).toEqual(['REPLICATION SLAVE']);
  });

  it('is not certain of who has roles', () => {
    expect(missingPrivileges(['GRANT USAGE ON *.* TO `weir`@`%`', 'GRANT `reader`@`%` TO `weir`@`%`'], mysqlPrivileges).hasRoles).toBe(true);
  });
});

describe('databases whose tables a user may not lock', () => {
  const tables = [{ namespace: 'shop', name: 'a' }, { namespace: 'shop', name: 'b' }, { namespace: 'other', name: 'c' }];

  it('are those without LOCK TABLES on all of them, each once', () => {
    const reads = 'GRANT SELECT ON *.* TO `weir`@`%`';
    expect(unlockable([reads], tables)).toEqual({ databases: ['shop', 'other'], hasRoles: false });
    expect(unlockable([reads, 'GRANT LOCK TABLES ON `shop`.* TO `weir`@`%`'], tables).databases).toEqual(['other']);
    expect(unlockable([reads, 'GRANT LOCK TABLES ON *.* TO `weir`@`%`'], tables).databases).toEqual([]);
    expect(unlockable([reads], []).databases).toEqual([]);
    expect(unlockable([reads, 'GRANT `locker`@`%` TO `weir`@`%`'], tables).hasRoles).toBe(true);
  });
});
