import { logicalTypeName, softDeleteColumn, type Column, type LogicalType, type Table } from '@weir/sdk';

/** Fresh objects with every call: a source that restarts makes its tables anew. */
export function ordersTable(version = 1): Table {
  return {
    namespace: 'public',
    name: 'orders',
    version,
    key: [0],
    columns: [
      { name: 'id', type: { kind: 'int', bits: 64 }, nullable: false, sourceType: 'bigint' },
      { name: 'note', type: { kind: 'string' }, nullable: true, sourceType: 'text' },
      { name: 'amount', type: { kind: 'decimal', precision: 12, scale: 2 }, nullable: true, sourceType: 'numeric(12,2)' },
      { name: 'paid', type: { kind: 'bool' }, nullable: true, sourceType: 'boolean' },
    ],
  };
}

/** A key of two columns that are not the first, one of them text; names that need quoting. */
export function linesTable(version = 1): Table {
  return {
    namespace: 'public',
    name: 'order "lines"',
    version,
    key: [2, 1],
    columns: [
      { name: 'Quantity', type: { kind: 'int', bits: 32 }, nullable: true, sourceType: 'integer' },
      { name: 'line', type: { kind: 'string' }, nullable: false, sourceType: 'text' },
      { name: 'order', type: { kind: 'int', bits: 32 }, nullable: false, sourceType: 'integer' },
      { name: 'rowid', type: { kind: 'string' }, nullable: true, sourceType: 'text' },
      { name: 'details', type: { kind: 'json' }, nullable: true, sourceType: 'jsonb' },
    ],
  };
}

/** A column that may be NULL. */
export function nullable(name: string, type: LogicalType, sourceType: string = logicalTypeName(type)): Column {
  return { name, type, nullable: true, sourceType };
}

/** The next version of a table, with other columns; the key stays with the columns of its names, unless it is given. */
export function reshaped(table: Table, columns: readonly Column[], key: readonly string[] = keyNames(table)): Table {
  const places = key.map((name) => columns.findIndex((column) => column.name === name));
  if (places.includes(-1)) throw new Error(`the key (${key.join(', ')}) is not among the columns`);
  return { ...table, version: table.version + 1, columns, key: places };
}

export function withColumn(table: Table, ...columns: readonly Column[]): Table {
  return reshaped(table, [...table.columns, ...columns]);
}

export function withoutColumn(table: Table, name: string, key?: readonly string[]): Table {
  return reshaped(table, table.columns.filter((column) => column.name !== name), key);
}

export function withRenamed(table: Table, from: string, to: string): Table {
  const columns = table.columns.map((column) => (column.name === from ? { ...column, name: to } : column));
  return { ...table, version: table.version + 1, columns };
}

export function withType(table: Table, name: string, type: LogicalType, sourceType: string = logicalTypeName(type)): Table {
  return reshaped(table, table.columns.map((column) => (column.name === name ? { ...column, type, sourceType } : column)));
}

export function withKey(table: Table, ...key: readonly string[]): Table {
  return reshaped(table, table.columns, key);
}

/** What a scan gives of some columns of a table. */
export function projected(table: Table, ...names: readonly string[]): Table {
  return reshaped(table, names.map((name) => table.columns.find((column) => column.name === name)!), []);
}

/** The shape with which a scan gives the marked rows of `deletes: soft` too. */
export function withMark(table: Table): Table {
  return { ...table, columns: [...table.columns, softDeleteColumn] };
}

function keyNames(table: Table): string[] {
  return table.key.map((column) => table.columns[column]!.name);
}
