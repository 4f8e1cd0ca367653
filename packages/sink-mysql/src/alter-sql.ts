import type { Column, Table } from '@weir/sdk';
import { extraColumns, isKeyIndex, keyNames, type QualifiedName, type TableOptions } from '@weir/sql-sink';
import { columnType, type TypeRules } from './column-type.ts';
import { ROW_NUMBER, type TargetTable } from './inspect-target.ts';
import { identifier, qualified } from './sql-text.ts';

const NUMBERED = `${identifier(ROW_NUMBER)} bigint unsigned NOT NULL AUTO_INCREMENT INVISIBLE`;

/** The statement that makes a table. Only the key and Weir's own columns must not be NULL. */
export function createSql(table: Table, place: QualifiedName, options: TableOptions, rules: TypeRules): string {
  const own = extraColumns(options);
  const key = keyNames(table, options);
  const columns = [...table.columns, ...own].map((column) => {
    const notNull = key.includes(column.name) || (own.includes(column) && !column.nullable);
    return columnSql(column.name, columnType(table, column, key, rules).sql, notNull);
  });
  columns.push(...(key.length > 0 ? [primaryKey(key)] : [NUMBERED, primaryKey([ROW_NUMBER])]));
  const suffix = `ENGINE=InnoDB ROW_FORMAT=DYNAMIC CHARACTER SET utf8mb4 COLLATE ${rules.textCollation}`;
  return `CREATE TABLE ${qualified(place)} (${columns.join(', ')}) ${suffix}`;
}

function columnSql(name: string, type: string, notNull: boolean): string {
  return `${identifier(name)} ${type} ${notNull ? 'NOT NULL' : 'NULL'}`;
}

function primaryKey(key: readonly string[]): string {
  return `PRIMARY KEY (${key.map(identifier).join(', ')})`;
}

/** Whether a table is just as `createSql` would make it, so that it need only be emptied. */
export function isAsCreated(table: Table, found: TargetTable, options: TableOptions, rules: TypeRules): boolean {
  const key = keyNames(table, options);
  const own = extraColumns(options);
  const expected = [...table.columns, ...own];
  if (!found.isTable || expected.length !== found.columns.length || found.numbered !== (key.length === 0)) return false;
  const sameColumns = expected.every((column, index) => {
    const there = found.columns[index]!;
    const notNull = key.includes(column.name) || (own.includes(column) && !column.nullable);
    const sameType = there.name === column.name && there.type === columnType(table, column, key, rules).sql;
    return sameType && there.notNull === notNull && !there.filled && !there.generated;
  });
  const isOwnKey = found.indexes.every(({ columns, primary }) => primary && isKeyIndex(columns, key));
  return sameColumns && isOwnKey && found.indexes.length === (key.length > 0 ? 1 : 0);
}

/** `ADD COLUMN …`, NULL in rows that are there. */
export function addColumnSql(table: Table, column: Column, options: TableOptions, rules: TypeRules): string {
  const { sql } = columnType(table, column, keyNames(table, options), rules);
  return `ADD COLUMN ${columnSql(column.name, sql, false)}`;
}

/** `MODIFY COLUMN …`: the column gets a type, and may be NULL unless it is in the key. */
export function modifyColumnSql(table: Table, column: Column, options: TableOptions, rules: TypeRules): string {
  const key = keyNames(table, options);
  const { sql } = columnType(table, column, key, rules);
  return `MODIFY COLUMN ${columnSql(column.name, sql, key.includes(column.name))}`;
}

/** Whether a table has another key than the source's table. */
export function hasOtherKey(table: Table, found: TargetTable, options: TableOptions): boolean {
  const key = keyNames(table, options);
  const old = found.indexes.find(({ primary }) => primary);
  return old === undefined ? key.length > 0 : !isKeyIndex(old.columns, key);
}

/**
 * What gives a table the key of the source's table, or none. Text has another type in a key than elsewhere; columns of the old
 * key may be NULL again.
 */
export function keyActions(table: Table, found: TargetTable, options: TableOptions, rules: TypeRules): string[] {
  const key = keyNames(table, options);
  const old = found.indexes.find(({ primary }) => primary)?.columns ?? [];
  const actions: string[] = [];
  if (found.numbered || old.length > 0) actions.push('DROP PRIMARY KEY');
  if (found.numbered) actions.push(`DROP COLUMN ${identifier(ROW_NUMBER)}`);
  for (const there of found.columns) {
    const column = table.columns.find(({ name }) => name === there.name);
    const isAffected = old.includes(there.name) || key.includes(there.name);
    if (column !== undefined && isAffected) actions.push(modifyColumnSql(table, column, options, rules));
    // The source has dropped it; what it holds stays.
    else if (isAffected) actions.push(`MODIFY COLUMN ${columnSql(there.name, there.type, false)}`);
  }
  actions.push(key.length > 0 ? `ADD ${primaryKey(key)}` : `ADD COLUMN ${NUMBERED}, ADD ${primaryKey([ROW_NUMBER])}`);
  return actions;
}
