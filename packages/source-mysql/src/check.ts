import { connect, query, quoteIdentifier, quoteLiteral, serverVersion, type ConnectionConfig, type MysqlClient, type ServerVersion } from '@weir/mysql';
import { WeirError, parsePattern, tableName, toWeirError, type CheckResult } from '@weir/sdk';
import { mariadbPrivileges, missingPrivileges, mysqlPrivileges } from './check-grants.ts';
import { fine, refused, settingNames, settingResults, versionResult } from './check-settings.ts';
import { readCatalog, type CatalogTable } from './capture/catalog.ts';
import { shapeOf } from './capture/table-shape.ts';

export interface CheckOptions {
  /** Patterns of tables. */
  readonly tables: readonly string[];
  /** As which the pipeline reads the log. */
  readonly serverId: number;
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
  const results = [
    versionResult(version),
    await proxyResult(client),
    ...settingResults(version, variables, options.serverId),
    await privilegeResult(client, version),
    ...(await tableResults(client, options.tables)),
  ];
  return results.toSorted((a, b) => LEVELS.indexOf(a.level) - LEVELS.indexOf(b.level));
}

const LEVELS: readonly CheckResult['level'][] = ['error', 'warning', 'ok'];

/**
 * A proxy answers in the server's place, and has ids of connections of its own. ProxySQL and MaxScale pass the dump to nobody, or
 * to another server each time.
 */
async function proxyResult(client: MysqlClient): Promise<CheckResult> {
  const [row] = await query(client, 'SELECT CONNECTION_ID(), @@version_comment');
  const comment = row![1] ?? '';
  const [, known] = /(proxysql|maxscale)/iu.exec(comment) ?? [];
  if (known === undefined && Number(BigInt(row![0]!) % 0x1_0000_0000n) === client.connectionId) return fine('WEIR_MYSQL_PROXY', 'the server itself answers');
  const message = known === undefined ? 'the server knows this connection by another id than who answered: a proxy is in between' : `${known} answers, not the server`;
  return refused('WEIR_MYSQL_PROXY', message, 'Name the server itself in `url`: a proxy does not pass its log on.');
}

async function privilegeResult(client: MysqlClient, { flavour }: ServerVersion): Promise<CheckResult> {
  const [user] = await query(client, 'SELECT CURRENT_USER()');
  const grants = (await query(client, 'SHOW GRANTS')).map(([text]) => text!);
  const { names, hasRoles } = missingPrivileges(grants, flavour === 'mysql' ? mysqlPrivileges : mariadbPrivileges);
  if (names.length === 0) return fine('WEIR_MYSQL_GRANT', 'the user may read the log');
  const fix = `GRANT ${names.join(', ')} ON *.* TO ${accountText(user![0]!)};`;
  const message = `${user![0]!} lacks ${names.join(' and ')}`;
  if (!hasRoles) return refused('WEIR_MYSQL_GRANT', message, fix);
  return { code: 'WEIR_MYSQL_GRANT', level: 'warning', message: `${message}, unless a role has them`, fix };
}

/** `'weir'@'%'`; a host has no `@`. */
function accountText(account: string): string {
  const at = account.lastIndexOf('@');
  return `${quoteLiteral(account.slice(0, at))}@${quoteLiteral(account.slice(at + 1))}`;
}

async function tableResults(client: MysqlClient, patterns: readonly string[]): Promise<CheckResult[]> {
  const tables = await readCatalog(client, patterns);
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
