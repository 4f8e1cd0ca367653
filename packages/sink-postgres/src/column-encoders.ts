import type { Table } from '@weir/sdk';
import { ArrayEncoder } from './encode-array.ts';
import { BytesEncoder, DecimalEncoder, Utf8Encoder } from './encode-text.ts';
import { DateEncoder } from './encode-time.ts';
import type { ColumnEncoder } from './encode.ts';
import { columnType } from './types.ts';

/** The encoder of a column of a table version. */
export function columnEncoder(table: Table, index: number): ColumnEncoder {
  const { encoding } = columnType(table.columns[index]!);
  switch (encoding.kind) {
    case 'text':
      return new Utf8Encoder(table, index);
    case 'bytes':
      return new BytesEncoder(table, index);
    case 'date':
    case 'timestamp':
      return new DateEncoder(table, index);
    case 'decimal':
      return encoding.scale === null ? new Utf8Encoder(table, index) : new DecimalEncoder(encoding.scale, table, index);
    case 'array':
      return new ArrayEncoder(encoding.element, table, index);
  }
}
