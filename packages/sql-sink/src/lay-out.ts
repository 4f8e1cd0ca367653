import type { Table } from '@weir/sdk';
import type { Dialect } from './dialect.ts';
import type { Layout, MappedColumn } from './layout.ts';
import type { QualifiedName } from './quoting.ts';
import { extraColumns, isKeyIndex, keyNames, type TableOptions } from './table-options.ts';
import type { TargetTable } from './target-table.ts';

/** Finds how a version of a source's table lies in what its target is now. */
export function layOut<E>(
  dialect: Dialect<E>,
  table: Table,
  target: QualifiedName,
  found: TargetTable,
  options: TableOptions,
): Layout<E> {
  const { identifier } = dialect;
  const there = new Map(found.columns.map(({ name, physical = name }) => [name, physical]));
  const own = new Set([...table.columns, ...extraColumns(options)].map(({ name }) => name));
  const keyed = keyNames(table, options);
  const columns: MappedColumn<E>[] = [];
  table.columns.forEach((column, index) => {
    const { name } = column;
    const physical = there.get(name);
    if (physical === undefined) return;
    const { sql, encoding } = dialect.columnType(table, column, keyed);
    const encoder = dialect.columnEncoder(encoding, table, index);
    columns.push({ index, name, physical, quoted: identifier(physical), sql, encoding, encoder });
  });
  return {
    table,
    target,
    sql: dialect.qualified(found.place ?? target),
    columns,
    extras: found.columns
      .filter(({ name, generated }) => !own.has(name) && !generated)
      .map(({ name, physical = name, type }) => ({ quoted: identifier(physical), sql: type })),
    key: keyed.map((name) => columns.find((column) => column.name === name)!),
    soft: options.mode === 'mirror' && options.deletes === 'soft',
    keyIndex: found.indexes.find((index) => isKeyIndex(index.columns, keyed))?.name ?? null,
  };
}
