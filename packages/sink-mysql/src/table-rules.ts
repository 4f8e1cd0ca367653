import {
  WeirError,
  historyColumns,
  softDeleteColumn,
  tableName,
  type CheckResult,
  type Column,
  type ErrorCode,
  type SinkOptions,
  type Table,
} from '@weir/sdk';
import { columnType, type TypeRules } from './column-type.ts';
import { ROW_NUMBER, type TargetTable } from './inspect-target.ts';
import { identifier, nameText, qualified, type QualifiedName } from './sql-text.ts';

/** Why a table cannot be written; `plan` shows it and `write` throws it, with the same code. */
export interface Finding {
  readonly code: ErrorCode;
  readonly message: string;
  readonly fix?: string;
}

/** Of a name of anything: https://dev.mysql.com/doc/refman/8.4/en/identifier-length.html */
const MAX_NAME_CHARACTERS = 64;
/** InnoDB's own limit is 1017; a staged row has three columns more, and a table without a key has one. */
const MAX_COLUMNS = 1013;
/** Columns of an index, and so of a key. */
const MAX_KEY_COLUMNS = 16;
/** Databases of the server itself. */
const SYSTEM_DATABASES = new Set(['mysql', 'information_schema', 'performance_schema', 'sys']);

export type TableOptions = Pick<SinkOptions, 'mode' | 'deletes' | 'schemaChanges'>;

/** Weir's own columns at the sink, behind the source's. */
export function extraColumns({ mode, deletes }: TableOptions): readonly Column[] {
  if (mode === 'append') return historyColumns;
  return deletes === 'soft' ? [softDeleteColumn] : [];
}

/** The columns of a table's key, by name; none in `mode: append`, where a key has many rows. */
export function keyNames(table: Table, options: TableOptions): string[] {
  return options.mode === 'append' ? [] : table.key.map((index) => table.columns[index]!.name);
}

/** What is wrong with a table as it comes from the source, wherever it lands. */
export function shapeFindings(table: Table, target: QualifiedName, options: TableOptions, rules: TypeRules): Finding[] {
  const findings: Finding[] = [];
  const add = (code: ErrorCode, message: string): void => void findings.push({ code, message });
  const name = tableName(table);
  if (options.mode === 'mirror' && table.insertsOnly === true) {
    add('WEIR_SINK_INSERTS_ONLY', `${name} is sent without its updates and deletes, so a mirror of it would be wrong`);
  }
  findings.push(...nameFindings(table, target, options));
  const extra = extraColumns(options);
  if (table.columns.length + extra.length > MAX_COLUMNS) {
    add('WEIR_SINK_COLUMNS', `${name} has ${table.columns.length} columns, ${MAX_COLUMNS - extra.length} are allowed`);
  }
  const key = keyNames(table, options);
  if (key.length > MAX_KEY_COLUMNS) {
    add('WEIR_SINK_COLUMNS', `${name} has a key of ${key.length} columns, ${MAX_KEY_COLUMNS} are allowed`);
  }
  for (const column of table.columns.filter((other) => key.includes(other.name))) {
    const { noKey } = columnType(table, column, key, rules);
    if (noKey !== undefined) add('WEIR_SINK_TYPE', `${name}.${column.name} is in the key, and ${noKey}`);
  }
  return findings;
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

/** What is wrong with Weir's own table at the sink for rows of the source's table as it is now. */
export function targetFindings(
  table: Table,
  target: QualifiedName,
  found: TargetTable,
  options: TableOptions,
  rules: TypeRules,
): Finding[] {
  if (found.engine !== null && found.engine !== 'InnoDB') return [engineFinding(target, found.engine)];
  if (isOfOtherMode(found, options)) return [otherMode(table, target)];
  return [
    ...columnFindings(table, target, found, options, rules),
    ...indexFindings(table, target, found, options),
    ...requiredFindings(table, target, found, options),
  ];
}

/** The columns that Weir adds in any mode. */
const ownNames = new Set([...historyColumns, softDeleteColumn].map(({ name }) => name));

/** Whether a table has others of Weir's own columns than this mode adds. */
function isOfOtherMode(found: TargetTable, options: TableOptions): boolean {
  const expected = new Set(extraColumns(options).map(({ name }) => name));
  const there = found.columns.filter(({ name }) => ownNames.has(name));
  return there.length !== expected.size || there.some(({ name }) => !expected.has(name));
}

function otherMode(table: Table, target: QualifiedName): Finding {
  return {
    code: 'WEIR_SINK_MODE',
    message: `${nameText(target)} was made for ${tableName(table)} under another \`mode\` or \`deletes\``,
  };
}

/** No other engine undoes what was not committed. */
function engineFinding(target: QualifiedName, engine: string): Finding {
  const fix = `ALTER TABLE ${qualified(target)} ENGINE = InnoDB;`;
  return { code: 'WEIR_MYSQL_ENGINE', message: `${nameText(target)} is in ${engine}, not in InnoDB`, fix };
}

function columnFindings(
  table: Table,
  target: QualifiedName,
  found: TargetTable,
  options: TableOptions,
  rules: TypeRules,
): Finding[] {
  const findings: Finding[] = [];
  // What its columns are depends on the key that the table has, which stays where changes of the key are ignored.
  const old = found.indexes.find(({ primary }) => primary)?.columns ?? [];
  const key = options.schemaChanges.key === 'ignore' && options.mode === 'mirror' ? old : keyNames(table, options);
  for (const column of [...table.columns, ...extraColumns(options)]) {
    const expected = columnType(table, column, key, rules).sql;
    const there = found.columns.find(({ name }) => name === column.name);
    const where = `${nameText(target)}.${column.name}`;
    if (there === undefined) {
      if (isOptional(table, column, options)) continue;
      const message = `${nameText(target)} has no column ${column.name}, ${tableName(table)} has`;
      findings.push({ code: 'WEIR_SINK_COLUMN_MISSING', message });
    } else if (there.generated || there.type !== expected) {
      const message = `${where} is ${there.generated ? 'generated' : there.type}, ${expected} was expected`;
      const fix = `ALTER TABLE ${qualified(target)} MODIFY COLUMN ${identifier(column.name)} ${expected};`;
      findings.push({ code: 'WEIR_SINK_COLUMN_TYPE', message, fix });
    }
  }
  return findings;
}

/** A column that the sink may lack: it came by a change that is to be ignored. */
export function isOptional(table: Table, column: Column, options: TableOptions): boolean {
  const { add, rename } = options.schemaChanges;
  if (add !== 'ignore' && rename !== 'ignore') return false;
  return table.columns.includes(column) && !keyNames(table, options).includes(column.name);
}

function requiredFindings(table: Table, target: QualifiedName, found: TargetTable, options: TableOptions): Finding[] {
  const key = new Set(keyNames(table, options));
  // An old key that stays, since its change was ignored, keeps its columns from being NULL.
  const old = options.schemaChanges.key === 'ignore' ? found.indexes.find(({ primary }) => primary) : undefined;
  for (const name of old?.columns ?? []) key.add(name);
  const findings: Finding[] = [];
  for (const { name, notNull, filled, generated } of found.columns) {
    const column = [...table.columns, ...extraColumns(options)].find((other) => other.name === name);
    // Rows come without what the source does not have, and in a history rows come that have nothing of a row.
    const comesNull = column === undefined ? !filled : column.nullable || (options.mode === 'append' && !ownNames.has(name));
    if (!notNull || generated || key.has(name) || !comesNull) continue;
    const why = column === undefined ? 'the source does not have it' : 'rows come with NULL there';
    findings.push({
      code: 'WEIR_SINK_COLUMN_REQUIRED',
      message: `${nameText(target)}.${name} must not be NULL, and ${why}`,
      fix: `Let ${identifier(name)} of ${qualified(target)} be NULL, or give it a default.`,
    });
  }
  return findings;
}

/** Any other unique index than that on the key could refuse rows: the source does not say what else is unique there. */
function indexFindings(table: Table, target: QualifiedName, found: TargetTable, options: TableOptions): Finding[] {
  const key = keyNames(table, options);
  const ignoresKey = options.schemaChanges.key === 'ignore';
  const others = found.indexes.filter((index) => !isKeyIndex(index.columns, key) && !(ignoresKey && index.primary));
  const findings: Finding[] = others.map(({ name }) => ({
    code: 'WEIR_SINK_UNIQUE_INDEX',
    message: `${nameText(target)} has the unique index ${name}`,
  }));
  if (key.length > 0 && !ignoresKey && others.length === found.indexes.length) {
    const message = `${nameText(target)} has no unique index on its key (${key.join(', ')})`;
    findings.push({ code: 'WEIR_MYSQL_DIVERGED', message });
  }
  return findings;
}

/** Whether an index is on just the columns of a key, in any order. */
export function isKeyIndex(columns: readonly string[] | null, key: readonly string[]): boolean {
  return columns !== null && columns.length === key.length && key.every((name) => columns.includes(name));
}

/** The source's table would land in a table that Weir did not make for it. */
export function foreignTable(table: Table, target: QualifiedName): Finding {
  return {
    code: 'WEIR_MYSQL_TABLE_EXISTS',
    message: `${tableName(table)} would land in ${nameText(target)}, which is there and was not made for it`,
  };
}

/** Two tables of the source would be one at the sink. */
export function sharedTarget(table: Table, target: QualifiedName, other: string): Finding {
  return {
    code: 'WEIR_SINK_NAME_COLLISION',
    message: `${tableName(table)} would land in ${nameText(target)}, as ${other} does`,
  };
}

/** Throws the first finding, as an error about the table. */
export function refuse(table: Table, findings: readonly Finding[]): void {
  const [first] = findings;
  if (first === undefined) return;
  throw new WeirError(first.code, first.message, { table: tableName(table), fix: first.fix });
}

export function checkResult({ code, message, fix }: Finding): CheckResult {
  return { code, level: 'error', message, fix: fix ?? new WeirError(code, message).fix };
}
