import { Grants } from '@weir/mysql';
import type { TableName } from '@weir/sdk';

/** What reading the log of a server takes, beside SELECT on the tables. */
export interface LogPrivilege {
  /** As GRANT takes it. */
  readonly name: string;
  /** Names under which SHOW GRANTS has it, or that include it. */
  readonly anyOf: readonly string[];
}

/** On MySQL: the stream, and where the log ends. */
export const mysqlPrivileges: readonly LogPrivilege[] = [
  { name: 'REPLICATION SLAVE', anyOf: ['REPLICATION SLAVE'] },
  { name: 'REPLICATION CLIENT', anyOf: ['REPLICATION CLIENT', 'SUPER'] },
];

/** On MariaDB, which has given the second one another name in 10.5. */
export const mariadbPrivileges: readonly LogPrivilege[] = [
  { name: 'REPLICATION SLAVE', anyOf: ['REPLICATION SLAVE'] },
  { name: 'BINLOG MONITOR', anyOf: ['BINLOG MONITOR', 'REPLICATION CLIENT', 'SUPER'] },
];

/**
 * What a user lacks, by SHOW GRANTS.
 * @param grants one line each
 */
export function missingPrivileges(grants: readonly string[], needed: readonly LogPrivilege[]): { readonly names: readonly string[]; readonly hasRoles: boolean } {
  const found = new Grants(grants);
  // Rights on one database or table do not hold for the log.
  const missing = needed.filter(({ anyOf }) => !anyOf.some((name) => found.allows(name, null)));
  return { names: missing.map(({ name }) => name), hasRoles: found.hasRoles };
}

/** Databases of which the user may read tables and lock none: LOCK TABLES is given on all of one. @param grants lines of SHOW GRANTS */
export function unlockable(grants: readonly string[], tables: readonly TableName[]): { readonly databases: readonly string[]; readonly hasRoles: boolean } {
  const found = new Grants(grants);
  const databases = new Set(tables.map(({ namespace }) => namespace));
  return { databases: [...databases].filter((database) => !found.allows('LOCK TABLES', database)), hasRoles: found.hasRoles };
}
