import {
  historyColumns,
  softDeleteColumn,
  tableName,
  type ErrorCode,
  type Table,
} from '@weir/sdk';
import type { Dialect } from './dialect.ts';
import type { Finding } from './finding.ts';
import { nameText, type QualifiedName } from './quoting.ts';
import { extraColumns, isKeyIndex, isOptional, keyNames, type TableOptions } from './table-options.ts';
import type { TargetTable } from './target-table.ts';

/** What is wrong with a table as it comes from the source, wherever it lands. */
export function shapeFindings(dialect: Dialect, table: Table, target: QualifiedName, options: TableOptions): Finding[] {
  const findings: Finding[] = [];
  const add = (code: ErrorCode, message: string): void => void findings.push({ code, message });
  const name = tableName(table);
  if (options.mode === 'mirror' && table.insertsOnly === true) {
    add('WEIR_SINK_INSERTS_ONLY', `${name} is sent without its updates and deletes, so a mirror of it would be wrong`);
  }
  findings.push(...dialect.shapeFindings(table, target, options));
  const allowed = dialect.maxColumns - extraColumns(options).length;
  if (table.columns.length > allowed) {
    add('WEIR_SINK_COLUMNS', `${name} has ${table.columns.length} columns, ${allowed} are allowed`);
  }
  const key = keyNames(table, options);
  for (const column of table.columns.filter((other) => key.includes(other.name))) {
    const { noKey } = dialect.columnType(table, column, key);
    if (noKey !== undefined) add('WEIR_SINK_TYPE', `${name}.${column.name} is in the key, and ${noKey}`);
  }
  return findings;
}

/** What is wrong with Weir's own table at the sink for rows of the source's table as it is now. */
export function targetFindings(
  dialect: Dialect,
  table: Table,
  target: QualifiedName,
  found: TargetTable,
  options: TableOptions,
): Finding[] {
  if (found.unfit !== undefined) return [found.unfit];
  if (isOfOtherMode(found, options)) return [otherMode(table, target)];
  return [
    ...columnFindings(dialect, table, target, found, options),
    ...indexFindings(dialect, table, target, found, options),
    ...requiredFindings(dialect, table, target, found, options),
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

function columnFindings(
  dialect: Dialect,
  table: Table,
  target: QualifiedName,
  found: TargetTable,
  options: TableOptions,
): Finding[] {
  const findings: Finding[] = [];
  // What its columns are may depend on the key that the table has, which stays where changes of the key are ignored.
  const old = found.indexes.find(({ primary }) => primary)?.columns ?? [];
  const key = options.schemaChanges.key === 'ignore' && options.mode === 'mirror' ? old : keyNames(table, options);
  for (const column of [...table.columns, ...extraColumns(options)]) {
    const expected = dialect.columnType(table, column, key).sql;
    const there = found.columns.find(({ name }) => name === column.name);
    const where = `${nameText(target)}.${column.name}`;
    if (there === undefined) {
      if (isOptional(table, column, options)) continue;
      const message = `${nameText(target)} has no column ${column.name}, ${tableName(table)} has`;
      findings.push({ code: 'WEIR_SINK_COLUMN_MISSING', message });
    } else if (there.generated || there.type !== expected) {
      const message = `${where} is ${there.generated ? 'generated' : there.type}, ${expected} was expected`;
      findings.push({ code: 'WEIR_SINK_COLUMN_TYPE', message, fix: dialect.retype(target, there, expected) });
    }
  }
  return findings;
}

function requiredFindings(
  dialect: Dialect,
  table: Table,
  target: QualifiedName,
  found: TargetTable,
  options: TableOptions,
): Finding[] {
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
    const message = `${nameText(target)}.${name} must not be NULL, and ${why}`;
    findings.push({ code: 'WEIR_SINK_COLUMN_REQUIRED', message, fix: dialect.nullable(target, name) });
  }
  return findings;
}

/** Any other unique index than that on the key could refuse rows: the source does not say what else is unique there. */
function indexFindings(
  { codes }: Dialect,
  table: Table,
  target: QualifiedName,
  found: TargetTable,
  options: TableOptions,
): Finding[] {
  const key = keyNames(table, options);
  const ignoresKey = options.schemaChanges.key === 'ignore';
  const others = found.indexes.filter((index) => !isKeyIndex(index.columns, key) && !(ignoresKey && index.primary));
  const findings: Finding[] = others.map(({ name, exclusion }) => ({
    code: 'WEIR_SINK_UNIQUE_INDEX',
    message: `${nameText(target)} has the ${exclusion === true ? 'exclusion constraint' : 'unique index'} ${name}`,
  }));
  if (key.length > 0 && !ignoresKey && others.length === found.indexes.length) {
    const message = `${nameText(target)} has no unique index on its key (${key.join(', ')})`;
    findings.push({ code: codes.diverged, message });
  }
  return findings;
}

/** The source's table would land in a table that Weir did not make for it. */
export function foreignTable({ codes }: Pick<Dialect, 'codes'>, table: Table, target: QualifiedName): Finding {
  return {
    code: codes.tableExists,
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
