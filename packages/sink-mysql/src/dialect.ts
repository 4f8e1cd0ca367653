import { tableName, type Table } from '@weir/sdk';
import { extraColumns, isoTime, keyNames, type Dialect, type Finding, type QualifiedName, type TableOptions } from '@weir/sql-sink';
import { columnEncoder } from './column-encoders.ts';
import { columnType, type Encoding, type TypeRules } from './column-type.ts';
import { ROW_NUMBER } from './inspect-target.ts';
import { keyRangeSql } from './key-range-sql.ts';
import { identifier, qualified, quoting } from './sql-text.ts';
import { MysqlStage } from './stage.ts';

/** Of a name of anything: https://dev.mysql.com/doc/refman/8.4/en/identifier-length.html */
const MAX_NAME_CHARACTERS = 64;
/** Columns of an index, and so of a key. */
const MAX_KEY_COLUMNS = 16;
/** Databases of the server itself. */
const SYSTEM_DATABASES = new Set(['mysql', 'information_schema', 'performance_schema', 'sys']);

/**
 * What MySQL and MariaDB have different from other SQL servers.
 * @param database where temporary tables are made
 */
export function mysqlDialect(rules: TypeRules, database: string): Dialect<Encoding> {
  return {
    ...quoting,
    codes: { value: 'WEIR_MYSQL_VALUE', diverged: 'WEIR_MYSQL_DIVERGED', tableExists: 'WEIR_MYSQL_TABLE_EXISTS' },
    // InnoDB's own limit is 1017; a staged row has three columns more, and a table without a key has one.
    maxColumns: 1013,
    timestampText: (time) => isoTime(time).replace('T', ' '),
    upsert: (_, columns) => `ON DUPLICATE KEY UPDATE ${columns.map((column) => `${column} = VALUES(${column})`).join(', ')}`,

    columnType: (table, column, key) => columnType(table, column, key, rules),
    columnEncoder: (encoding, table, index) => columnEncoder(encoding, table, table.columns[index]!.name),
    shapeFindings,
    retype: (target, { name }, sql) => `ALTER TABLE ${qualified(target)} MODIFY COLUMN ${identifier(name)} ${sql};`,
    nullable: (target, name) => `Let ${identifier(name)} of ${qualified(target)} be NULL, or give it a default.`,

    rangeSql: keyRangeSql,
    deleteSql: ({ sql }, where) => `DELETE t FROM ${sql} AS t WHERE ${where}`,
    // TRUNCATE would commit by itself.
    empty: async (transaction, { sql }, at) => void (await transaction.run(`DELETE FROM ${sql}`, at)),
    stage: (transaction, layout, number) => new MysqlStage(transaction, layout, `${identifier(database)}._weir_w${number}`),
  };
}

function shapeFindings(table: Table, target: QualifiedName, options: TableOptions): Finding[] {
  const findings = nameFindings(table, target, options);
  const key = keyNames(table, options);
  if (key.length <= MAX_KEY_COLUMNS) return findings;
  const message = `${tableName(table)} has a key of ${key.length} columns, ${MAX_KEY_COLUMNS} are allowed`;
  return [...findings, { code: 'WEIR_SINK_COLUMNS', message }];
}

function nameFindings(table: Table, target: QualifiedName, options: TableOptions): Finding[] {
  const findings: Finding[] = [];
  const name = tableName(table);
  for (const [what, text] of namesOf(table, target)) {
    const message = nameMessage(text);
    if (message !== null) findings.push({ code: 'WEIR_SINK_NAME_LENGTH', message: `${name}: the name of ${what} ${message}` });
  }
  const collides = (message: string): void => void findings.push({ code: 'WEIR_SINK_NAME_COLLISION', message });
  if (SYSTEM_DATABASES.has(target.schema.toLowerCase())) {
    collides(`${name} would land in database ${target.schema}, which is the server’s own`);
  }
  if (target.table.startsWith('_weir_')) collides(`${name} would land in ${target.table}, and _weir_ is Weir’s own`);
  const seen = new Map<string, string>();
  for (const column of [...extraColumns(options), { name: ROW_NUMBER }]) seen.set(column.name, 'that Weir adds');
  for (const column of table.columns) {
    // Names of columns are the same in capitals.
    const other = seen.get(column.name.toLowerCase());
    if (other !== undefined) collides(`${name}.${column.name} is called as a column ${other}`);
    seen.set(column.name.toLowerCase(), 'beside it');
  }
  return findings;
}

/** What is wrong with a name; null when it can be one. */
function nameMessage(text: string): string | null {
  const characters = text.length;
  if (characters > MAX_NAME_CHARACTERS) return `has ${characters} characters, ${MAX_NAME_CHARACTERS} are allowed`;
  if (/[\u{10000}-\u{10ffff}\0]/u.test(text)) return 'has a character beyond U+FFFF, which names of MySQL have not';
  return text.endsWith(' ') ? 'ends in a space, which names of MySQL do not' : null;
}

function* namesOf(table: Table, target: QualifiedName): Generator<[what: string, name: string]> {
  yield ['the database at the sink', target.schema];
  yield ['the table at the sink', target.table];
  for (const { name } of table.columns) yield [`column ${name}`, name];
}
