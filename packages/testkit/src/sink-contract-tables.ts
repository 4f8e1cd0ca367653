import type { Table } from '@weir/sdk';

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
