import { type Column, type Table } from '@weir/sdk';
import { MARK, extraColumns, isKeyIndex, keyNames, type QualifiedName, type TableOptions } from '@weir/sql-sink';
import { cellLiteral } from './cell-literal.ts';
import type { TargetTable } from './inspect-target.ts';
import { identifier, qualified } from './sql-text.ts';
import { columnType } from './types.ts';

/**
 * The statement that makes a table. Only the key and Weir's own columns must not be NULL. Text of the key is ordered by its
 * bytes, as ranges of keys are (`keyRangeSql`): then its index finds the rows of one.
 */
export function createSql(table: Table, target: QualifiedName, options: TableOptions): string {
  const own = extraColumns(options);
  const key = keyNames(table, options);
  const columns = [...table.columns, ...own].map((column) => {
    const notNull = own.includes(column) && !column.nullable ? ' NOT NULL' : '';
    const collation = key.includes(column.name) && column.type.kind === 'string' ? ' COLLATE "C"' : '';
    return `${identifier(column.name)} ${columnType(column).sql}${collation}${notNull}`;
  });
  if (key.length > 0) columns.push(`PRIMARY KEY (${key.map(identifier).join(', ')})`);
  return `CREATE TABLE ${qualified(target)} (${columns.join(', ')})`;
}

/** Whether a table is just as `createSql` would make it, so that it need only be emptied. */
export function isAsCreated(table: Table, found: TargetTable, options: TableOptions): boolean {
  const key = keyNames(table, options);
  const own = extraColumns(options);
  const expected = [...table.columns, ...own];
  if (expected.length !== found.columns.length) return false;
  const sameColumns = expected.every((column, index) => {
    const there = found.columns[index]!;
    const notNull = key.includes(column.name) || (own.includes(column) && !column.nullable);
    const sameType = there.name === column.name && there.type === columnType(column).sql;
    return sameType && there.notNull === notNull && !there.filled && !there.generated;
  });
  const isOwnKey = found.indexes.every(({ columns, primary }) => primary && isKeyIndex(columns, key));
  return sameColumns && isOwnKey && found.indexes.length === (key.length > 0 ? 1 : 0);
}

/** Adds a column; in rows that are there it has the value, which the server keeps once and not in every row. */
export function addColumnSql(
  table: Table,
  target: QualifiedName,
  column: Column,
  value: Uint8Array | string | null,
): string {
  const name = identifier(column.name);
  const alter = `ALTER TABLE ${qualified(target)}`;
  const { sql } = columnType(column);
  if (value === null) return `${alter} ADD COLUMN ${name} ${sql}`;
  const constant = cellLiteral(table, table.columns.indexOf(column), value);
  return `${alter} ADD COLUMN ${name} ${sql} DEFAULT ${constant}; ${alter} ALTER COLUMN ${name} DROP DEFAULT`;
}

/**
 * Gives the table another key, or none. Marked rows are in the way when the new key cannot tell them from others: of those
 * the one that was deleted last stays, or none beside a row that is there.
 */
export function keySql(table: Table, target: QualifiedName, found: TargetTable, options: TableOptions): string[] {
  const key = keyNames(table, options);
  const old = found.indexes.find(({ primary }) => primary);
  if (old === undefined ? key.length === 0 : isKeyIndex(old.columns, key)) return [];
  const alter = `ALTER TABLE ${qualified(target)}`;
  const statements = old === undefined ? [] : [`${alter} DROP CONSTRAINT ${identifier(old.name)}`];
  for (const name of old?.columns ?? []) {
    if (!key.includes(name)) statements.push(`${alter} ALTER COLUMN ${identifier(name)} DROP NOT NULL`);
  }
  if (key.length === 0) return statements;
  const list = key.map(identifier).join(', ');
  if (options.deletes === 'soft') statements.push(removeIndistinctSql(target, key));
  return [...statements, `${alter} ADD PRIMARY KEY (${list})`];
}

function removeIndistinctSql(target: QualifiedName, key: readonly string[]): string {
  const list = key.map(identifier).join(', ');
  const unknown = key.map((name) => `${identifier(name)} IS NULL`).join(' OR ');
  return (
    `DELETE FROM ${qualified(target)} AS t USING (SELECT ctid AS place, ${unknown} AS unknown, ` +
    `row_number() OVER (PARTITION BY ${list} ORDER BY ${MARK} DESC NULLS FIRST, ctid) AS n ` +
    `FROM ${qualified(target)}) AS d WHERE t.ctid = d.place AND t.${MARK} IS NOT NULL AND (d.unknown OR d.n > 1)`
  );
}

/** What a dropped column needs so that rows come without it: it stays, but may be NULL. */
export function keepColumnSql(target: QualifiedName, found: TargetTable, name: string): string[] {
  const column = found.columns.find((other) => other.name === name);
  if (column === undefined || !column.notNull) return [];
  const alter = `ALTER TABLE ${qualified(target)}`;
  const primary = found.indexes.find((index) => index.primary && index.columns?.includes(name) === true);
  const statements = primary === undefined ? [] : [`${alter} DROP CONSTRAINT ${identifier(primary.name)}`];
  // The other columns of a key that is gone may be NULL too, unless the new key has them.
  for (const other of primary?.columns ?? [name]) {
    statements.push(`${alter} ALTER COLUMN ${identifier(other)} DROP NOT NULL`);
  }
  return statements;
}

