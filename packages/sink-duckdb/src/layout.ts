import {
  historyColumns,
  logicalTypeName,
  softDeleteColumn,
  tableName,
  type Column,
  type LogicalType,
  type Table,
} from '@weir/sdk';
import type { EncodedColumn } from './encode.ts';
import type { Problem } from './problem.ts';
import { ownColumns } from './shape-check.ts';
import { marksDeletes, type SinkRules } from './sink-rules.ts';
import { foldName, identifier, type QualifiedName } from './sql-text.ts';
import type { TargetColumn, TargetTable } from './target-catalog.ts';
import { columnType, holdsDigits, namedType, type ColumnType } from './types.ts';

/** A column with its place in the target. */
export interface LaidColumn extends EncodedColumn {
  /** Its name in the target, which may be written in another case. */
  readonly target: string;
}

/** Where the columns of one version of a table lie in its target. Columns are found by name. */
export interface Layout {
  /** Those of the source's table that the target has, in the order of the source. */
  readonly columns: readonly LaidColumn[];
  /** Weir's own, in the order of `ownColumns`; `index` is their place there. */
  readonly own: readonly LaidColumn[];
  /** What else the target has: columns that were dropped at the source, and columns that somebody added. */
  readonly extra: readonly TargetColumn[];
  /** All columns of the target in its order. */
  readonly order: readonly (LaidColumn | TargetColumn)[];
  /** The name of the column that marks a row as deleted; null where deleted rows are removed. */
  readonly mark: string | null;
}

/** Lays a table's columns out, and says what stands against it. */
export function layOut(
  table: Table,
  name: QualifiedName,
  target: TargetTable,
  rules: SinkRules,
): { layout: Layout; problems: Problem[] } {
  const place = new Map(target.columns.map((column) => [foldName(column.name), column]));
  const problems: Problem[] = [];
  const lay = (column: Column, index: number, missing: () => Problem | null): LaidColumn[] => {
    const found = place.get(foldName(column.name));
    const problem = found === undefined ? missing() : typeProblem(table, column, name, found, rules);
    if (problem !== null) problems.push(problem);
    if (found === undefined) return [];
    const type = heldAs(column.type, found.sql, rules) ?? namedType('VARCHAR')!;
    return [{ index, name: column.name, type, table: tableName(table), target: found.name }];
  };
  const columns = table.columns.flatMap((column, index) =>
    lay(column, index, () => missingProblem(table, index, name, rules)),
  );
  const own = ownColumns(rules).flatMap((column, index) => lay(column, index, () => modeProblem(table, name)));
  const laid = new Map([...columns, ...own].map((column) => [column.target, column]));
  const extra = target.columns.filter((column) => !laid.has(column.name));
  problems.push(...extraProblems(table, name, extra), ...uniqueProblems(table, name, target));
  const order = target.columns.map((column) => laid.get(column.name) ?? column);
  const mark = marksDeletes(rules) ? (own[0]?.target ?? softDeleteColumn.name) : null;
  return { layout: { columns, own, extra, order, mark }, problems };
}

export function isLaid(column: LaidColumn | TargetColumn): column is LaidColumn {
  return 'index' in column;
}

/** As what a target's column of a type holds cells of a logical type; null when it cannot. */
export function heldAs(type: LogicalType, sql: string, rules: SinkRules): ColumnType | null {
  const expected = columnType(type, rules.decimals);
  if (expected?.sql === sql) return expected;
  const found = namedType(sql);
  if (found === null) return null;
  // A DECIMAL that met a NaN, or an earlier `decimals: varchar`: text holds any decimal.
  if (type.kind === 'decimal' && sql === 'VARCHAR') return found;
  // A column that was not widened takes what fits into it.
  const isNumber = type.kind === 'int' || type.kind === 'uint' || type.kind === 'decimal';
  return rules.schemaChanges.widen === 'ignore' && isNumber && holdsDigits(found) ? found : null;
}

function typeProblem(
  table: Table,
  column: Column,
  name: QualifiedName,
  found: TargetColumn,
  rules: SinkRules,
): Problem | null {
  if (heldAs(column.type, found.sql, rules) !== null) return null;
  const expected = columnType(column.type, rules.decimals)?.sql;
  // Without any type the shape itself is refused.
  if (expected === undefined) return null;
  const message =
    `${name.schema}.${name.table}.${found.name} is ${found.sql}, ` +
    `${tableName(table)}.${column.name} (${logicalTypeName(column.type)}) needs ${expected}`;
  const ofDecimals = column.type.kind === 'decimal' && columnType(column.type, 'error') === null;
  return { code: 'WEIR_SINK_COLUMN_TYPE', message, path: ofDecimals ? 'decimals' : 'target' };
}

/** A column that the target lacks may be left out if changes that bring columns are ignored, but for the key. */
function missingProblem(table: Table, index: number, name: QualifiedName, rules: SinkRules): Problem | null {
  const { add, rename } = rules.schemaChanges;
  if ((add === 'ignore' || rename === 'ignore') && !table.key.includes(index)) return null;
  const column = identifier(table.columns[index]!.name);
  const message = `${name.schema}.${name.table} has no column ${column}, ${tableName(table)} has`;
  return { code: 'WEIR_SINK_COLUMN_MISSING', message, mayPass: true };
}

function modeProblem(table: Table, name: QualifiedName): Problem {
  const message = `${name.schema}.${name.table} was made for ${tableName(table)} under another \`mode\` or \`deletes\``;
  return { code: 'WEIR_SINK_MODE', message, path: 'mode' };
}

const ownNames = new Set([...historyColumns, softDeleteColumn].map((column) => column.name));

function extraProblems(table: Table, name: QualifiedName, extra: readonly TargetColumn[]): Problem[] {
  if (extra.some((column) => ownNames.has(foldName(column.name)))) return [modeProblem(table, name)];
  const required = extra.filter((column) => !column.nullable && column.default === null);
  return required.map((column) => ({
    code: 'WEIR_SINK_COLUMN_REQUIRED',
    message: `${name.schema}.${name.table}.${column.name} must not be NULL, and ${tableName(table)} has no such column`,
    path: 'target',
    fix:
      `ALTER TABLE ${identifier(name.schema)}.${identifier(name.table)} ALTER ${identifier(column.name)} DROP NOT NULL; ` +
      'or give it a default.',
  }));
}

function uniqueProblems(table: Table, name: QualifiedName, target: TargetTable): Problem[] {
  return target.unique.map((what) => ({
    code: 'WEIR_SINK_UNIQUE_INDEX',
    message: `${name.schema}.${name.table} has ${what}, which could refuse rows of ${tableName(table)}`,
    path: 'target',
  }));
}
