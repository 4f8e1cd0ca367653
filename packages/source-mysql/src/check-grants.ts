/** `GRANT SELECT, REPLICATION SLAVE ON *.* TO …`; rights on one database or table do not hold for the log. */
const GLOBAL_GRANT = /^GRANT (.+?) ON \*\.\* TO /iu;

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
  const has = new Set<string>();
  for (const grant of grants) {
    const [, privileges = ''] = GLOBAL_GRANT.exec(grant) ?? [];
    for (const privilege of privileges.split(',')) has.add(privilege.trim().toUpperCase());
  }
  const all = has.has('ALL PRIVILEGES') || has.has('ALL');
  const missing = needed.filter(({ anyOf }) => !all && !anyOf.some((name) => has.has(name)));
  // `GRANT role TO user`: what a role gives is shown only when it is active.
  return { names: missing.map(({ name }) => name), hasRoles: grants.some((grant) => /^GRANT /iu.test(grant) && !/ ON /iu.test(grant)) };
}
