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
import type { TargetTable } from './inspect-target.ts';
import { identifier, nameText, qualified, type QualifiedName } from './sql-text.ts';
import { columnType } from './types.ts';

/** Why a table cannot be written; `plan` shows it and `write` throws it, with the same code. */
export interface Finding {
  readonly code: ErrorCode;
  readonly message: string;
  readonly fix?: string;
}

/** PostgreSQL cuts longer names (NAMEDATALEN). */
const MAX_NAME_BYTES = 63;
/** PostgreSQL's own limit is 1600; a staged row has two or three columns more. */
const MAX_COLUMNS = 1597;
/** Every table has these already. */
const SYSTEM_COLUMNS = new Set(['tableoid', 'xmin', 'cmin', 'xmax', 'cmax', 'ctid']);

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
export function shapeFindings(table: Table, target: QualifiedName, options: TableOptions): Finding[] {
  const findings: Finding[] = [];
  const add = (code: ErrorCode, message: string): void => void findings.push({ code, message });
  const name = tableName(table);
  if (options.mode === 'mirror' && table.insertsOnly === true) {
    add('WEIR_SINK_INSERTS_ONLY', `${name} is sent without its updates and deletes, so a mirror of it would be wrong`);
  }
  for (const [what, text] of namesOf(table, target)) {
    const bytes = Buffer.byteLength(text);
    if (bytes <= MAX_NAME_BYTES) continue;
    add('WEIR_SINK_NAME_LENGTH', `${name}: the name of ${what} has ${bytes} bytes, ${MAX_NAME_BYTES} are allowed`);
  }
  if (target.schema.startsWith('pg_') || target.schema === 'information_schema') {
    add('WEIR_SINK_NAME_COLLISION', `${name} would land in schema ${target.schema}, which is PostgreSQL’s own`);
  }
  const extra = extraColumns(options);
  for (const column of table.columns) {
    if (SYSTEM_COLUMNS.has(column.name)) {
      add('WEIR_SINK_NAME_COLLISION', `${name}.${column.name} is called as a column that every table of PostgreSQL has`);
    }
    if (extra.some((own) => own.name === column.name)) {
      add('WEIR_SINK_NAME_COLLISION', `${name}.${column.name} is called as a column that Weir adds`);
    }
  }
  if (table.columns.length + extra.length > MAX_COLUMNS) {
    add('WEIR_SINK_COLUMNS', `${name} has ${table.columns.length} columns, ${MAX_COLUMNS - extra.length} are allowed`);
  }
  for (const key of options.mode === 'append' ? [] : table.key) {
    const column = table.columns[key]!;
    const { sql, ordered } = columnType(column);
    if (ordered) continue;
    add('WEIR_SINK_TYPE', `${name}.${column.name} is in the key, and ${sql}, which it is at the sink, has no order`);
  }
  return findings;
}

function* namesOf(table: Table, target: QualifiedName): Generator<[what: string, name: string]> {
  yield ['the schema at the sink', target.schema];
  yield ['the table at the sink', target.table];
  for (const { name } of table.columns) yield [`column ${name}`, name];
}

/** What is wrong with Weir's own table at the sink for rows of the source's table as it is now. */
export function targetFindings(table: Table, target: QualifiedName, found: TargetTable, options: TableOptions): Finding[] {
  if (isOfOtherMode(found, options)) return [otherMode(table, target)];
  return [
    ...columnFindings(table, target, found, options),
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

function columnFindings(table: Table, target: QualifiedName, found: TargetTable, options: TableOptions): Finding[] {
  const findings: Finding[] = [];
  for (const column of [...table.columns, ...extraColumns(options)]) {
    const expected = columnType(column).sql;
    const there = found.columns.find(({ name }) => name === column.name);
    const where = `${nameText(target)}.${column.name}`;
    if (there === undefined) {
      if (isOptional(table, column, options)) continue;
      const message = `${nameText(target)} has no column ${column.name}, ${tableName(table)} has`;
      findings.push({ code: 'WEIR_SINK_COLUMN_MISSING', message });
    } else if (there.generated || there.type !== expected) {
      const message = `${where} is ${there.generated ? 'generated' : there.type}, ${expected} was expected`;
      const alter = `ALTER TABLE ${qualified(target)} ALTER COLUMN ${identifier(column.name)}`;
      const fix = there.generated ? `${alter} DROP EXPRESSION;` : `${alter} TYPE ${expected};`;
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
      fix: `ALTER TABLE ${qualified(target)} ALTER COLUMN ${identifier(name)} DROP NOT NULL;`,
    });
  }
  return findings;
}

/** Any other unique index than that on the key could refuse rows: the source does not say what else is unique there. */
function indexFindings(table: Table, target: QualifiedName, found: TargetTable, options: TableOptions): Finding[] {
  const key = keyNames(table, options);
  const ignoresKey = options.schemaChanges.key === 'ignore';
  const others = found.indexes.filter((index) => !isKeyIndex(index.columns, key) && !(ignoresKey && index.primary));
  const findings: Finding[] = others.map(({ name, exclusion }) => ({
    code: 'WEIR_SINK_UNIQUE_INDEX',
    message: `${nameText(target)} has the ${exclusion ? 'exclusion constraint' : 'unique index'} ${name}`,
  }));
  if (key.length > 0 && !ignoresKey && others.length === found.indexes.length) {
    const message = `${nameText(target)} has no unique index on its key (${key.join(', ')})`;
    findings.push({ code: 'WEIR_PG_DIVERGED', message });
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
    code: 'WEIR_PG_TABLE_EXISTS',
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
