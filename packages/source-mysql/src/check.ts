import { connect, query, quoteIdentifier, quoteLiteral, serverVersion, type ConnectionConfig, type MysqlClient, type ServerVersion } from '@weir/mysql';
import { WeirError, parsePattern, tableName, toWeirError, type CheckResult } from '@weir/sdk';
import { mariadbPrivileges, missingPrivileges, mysqlPrivileges, unlockable } from './check-grants.ts';
import { proxyResult } from './check-proxy.ts';
import { fine, refused, settingNames, settingResults, versionResult } from './check-settings.ts';
import { readCatalog, type CatalogTable } from './capture/catalog.ts';
import { shapeOf } from './capture/table-shape.ts';
import { isCopiedInChunks } from './copy/key-sql.ts';

export interface CheckOptions {
  /** Patterns of tables. */
  readonly tables: readonly string[];
  /** As which the pipeline reads the log. */
  readonly serverId: number;
  /** Tables are copied when it starts. */
  readonly isCopying: boolean;
}

/** Whether a server can be read from, errors first; changes nothing. */
export async function checkServer(config: ConnectionConfig, options: CheckOptions, signal: AbortSignal): Promise<CheckResult[]> {
  let client: MysqlClient;
  try {
    client = await connect(config, signal);
  } catch (error) {
    signal.throwIfAborted();
    const { code, message, fix, path = 'url' } = toWeirError(error);
    return [{ code, level: 'error', message, fix, path }];
  }
  try {
    return await inspect(client, options);
  } finally {
    await client.close();
  }
}

/** The same over a connection that is there. */
export async function inspect(client: MysqlClient, options: CheckOptions): Promise<CheckResult[]> {
  const version = await serverVersion(client);
  const names = settingNames.map(quoteLiteral).join(', ');
  const variables = new Map((await query(client, `SHOW GLOBAL VARIABLES WHERE Variable_name IN (${names})`)).map(([name, value]) => [name!, value ?? '']));
  const tables = await readCatalog(client, options.tables);
  const account = await accountOf(client);
  const [answered] = await query(client, 'SELECT CONNECTION_ID(), @@version_comment');
  const results = [
    versionResult(version),
    proxyResult(client.connectionId, answered![0]!, answered![1] ?? ''),
    ...settingResults(version, variables, options.serverId),
    privilegeResult(version, account),
    ...(await tableResults(client, tables, options.tables)),
    ...(version.flavour === 'mysql' ? lockResults(account, tables, { hasGtids: variables.get('gtid_mode') === 'ON', isCopying: options.isCopying }) : []),
  ];
  return results.toSorted((a, b) => LEVELS.indexOf(a.level) - LEVELS.indexOf(b.level));
}

const LEVELS: readonly CheckResult['level'][] = ['error', 'warning', 'ok'];

/** Who asks, and what SHOW GRANTS says of him, a line each. */
interface Account {
  readonly user: string;
  readonly grants: readonly string[];
}

async function accountOf(client: MysqlClient): Promise<Account> {
  const [user] = await query(client, 'SELECT CURRENT_USER()');
  const grants = await query(client, 'SHOW GRANTS');
  return { user: user![0]!, grants: grants.map(([text]) => text!) };
}

function privilegeResult({ flavour }: ServerVersion, { user, grants }: Account): CheckResult {
  const { names, hasRoles } = missingPrivileges(grants, flavour === 'mysql' ? mysqlPrivileges : mariadbPrivileges);
  if (names.length === 0) return fine('WEIR_MYSQL_GRANT', 'the user may read the log');
  const fix = `GRANT ${names.join(', ')} ON *.* TO ${accountText(user)};`;
  const message = `${user} lacks ${names.join(' and ')}`;
  if (!hasRoles) return refused('WEIR_MYSQL_GRANT', message, fix);
  return { code: 'WEIR_MYSQL_GRANT', level: 'warning', message: `${message}, unless a role has them`, fix };
}

/**
 * Tables of MySQL that are locked for the moment in which their copy begins, of which the user may lock none. Where no copy is to come it is worth to
 * know: one may, when a table is altered.
 */
function lockResults({ user, grants }: Account, tables: readonly CatalogTable[], given: { readonly hasGtids: boolean; readonly isCopying: boolean }): CheckResult[] {
  const locked = tables.filter((table) => table.kind === 'table' && (!given.hasGtids || isCopiedWhole(table)));
  const { databases, hasRoles } = unlockable(grants, locked);
  return databases.map((database) => {
    const names = locked.filter(({ namespace }) => namespace === database).map(tableName);
    const first = names.length === 1 ? names[0]! : `${names[0]!} and ${names.length - 1} more`;
    const message = `${user} lacks LOCK TABLES, which the copy of ${first} takes${hasRoles ? ', unless a role has it' : ''}`;
    const level = given.isCopying && !hasRoles ? 'error' : 'warning';
    return { code: 'WEIR_MYSQL_GRANT', level, message, fix: `GRANT LOCK TABLES ON ${databasePattern(database)}.* TO ${accountText(user)};`, path: 'tables' };
  });
}

/** What cannot be read at all is told by itself. */
function isCopiedWhole(table: CatalogTable): boolean {
  try {
    return !isCopiedInChunks(shapeOf(table, 'null'));
  } catch {
    return false;
  }
}

/** As GRANT takes it, where `_` and `%` are wildcards. */
function databasePattern(database: string): string {
  return quoteIdentifier(database.replace(/[\\_%]/gu, String.raw`\$&`));
}

/** `'weir'@'%'`; a host has no `@`. */
function accountText(account: string): string {
  const at = account.lastIndexOf('@');
  return `${quoteLiteral(account.slice(0, at))}@${quoteLiteral(account.slice(at + 1))}`;
}

async function tableResults(client: MysqlClient, tables: readonly CatalogTable[], patterns: readonly string[]): Promise<CheckResult[]> {
  const results: CheckResult[] = [];
  for (const [index, text] of patterns.entries()) {
    const { exact, excludes } = parsePattern(text);
    if (exact === null || excludes || tables.some(({ namespace, name }) => namespace === exact.namespace && name === exact.name)) continue;
    const fix = 'Correct the name, or let the user read the table: GRANT SELECT ON … TO …;';
    results.push(refused('WEIR_TABLE_UNKNOWN', `${text} is not there, or the user may not see it`, fix, `tables.${index}`));
  }
  for (const table of tables) {
    const result = await tableResult(client, table);
    if (result !== null) results.push(result);
  }
  const count = tables.filter(({ kind }) => kind === 'table').length;
  if (count === 0) results.push(refused('WEIR_TABLE_UNKNOWN', 'no table is chosen', 'Name tables that are there, and let the user read them.', 'tables'));
  else results.push(fine('MYSQL_TABLES', `${count} tables are chosen`));
  return results;
}

/** What stands against a table, or is worth to know of it; null when nothing does. */
async function tableResult(client: MysqlClient, table: CatalogTable): Promise<CheckResult | null> {
  const name = tableName(table);
  if (table.kind !== 'table') {
    return { code: 'MYSQL_NOT_A_TABLE', level: 'warning', message: `${name} is a ${table.kind}, which is passed over`, path: 'tables' };
  }
  try {
    shapeOf(table, 'null');
  } catch (error) {
    if (!(error instanceof WeirError)) throw error;
    return refused(error.code, error.message, error.fix, 'tables');
  }
  const quoted = `${quoteIdentifier(table.namespace)}.${quoteIdentifier(table.name)}`;
  try {
    await query(client, `SELECT ${table.columns.map((column) => quoteIdentifier(column.name)).join(', ')} FROM ${quoted} LIMIT 0`);
  } catch (error) {
    const { code, message } = toWeirError(error);
    // It was altered or dropped since the catalog was read; what it is like is looked at once more when it is read.
    if (code === 'WEIR_MYSQL_QUERY') return null;
    if (code !== 'WEIR_MYSQL_GRANT') throw error;
    const [user] = await query(client, 'SELECT CURRENT_USER()');
    return refused(code, `${name} cannot be read: ${message}`, `GRANT SELECT ON ${quoted} TO ${accountText(user![0]!)};`, 'tables');
  }
  if (table.engine !== 'InnoDB') {
    const message = `${name} is in ${table.engine ?? 'no engine'}: what a transaction did to it stays when that is undone`;
    return { code: 'MYSQL_ENGINE', level: 'warning', message, fix: `ALTER TABLE ${quoted} ENGINE = InnoDB;`, path: 'tables' };
  }
  if (table.key.length > 0) return null;
  const message = `${name} has no key: a changed row is told by all of its columns`;
  return { code: 'MYSQL_NO_KEY', level: 'warning', message, fix: `ALTER TABLE ${quoted} ADD PRIMARY KEY (…);`, path: 'tables' };
}
