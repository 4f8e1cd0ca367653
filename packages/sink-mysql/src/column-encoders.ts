import type { Table } from '@weir/sdk';
import type { CellEncoder } from '@weir/sql-sink';
import type { Encoding } from './column-type.ts';
import { Float32Encoder, Float64Encoder } from './encode-float.ts';
import { BoolEncoder, BytesEncoder, DecimalEncoder, QuotedEncoder } from './encode-text.ts';
import { ClockEncoder, DateEncoder } from './encode-time.ts';
import { ColumnEncoder } from './encode.ts';

/** The encoder of a column of a table version. */
export function columnEncoder(encoding: Encoding, table: Table, column: string): ColumnEncoder {
  switch (encoding.kind) {
    case 'text':
    case 'time':
      return new QuotedEncoder(table, column);
    case 'bytes':
      return new BytesEncoder(table, column);
    case 'bool':
      return new BoolEncoder(table, column);
    case 'date':
    case 'timestamp':
    case 'timestamptz':
      return new DateEncoder(table, column);
    case 'clock':
      return new ClockEncoder(table, column);
    case 'float32':
      return new Float32Encoder(encoding.negativeZero, table, column);
    case 'float64':
      return new Float64Encoder(encoding.negativeZero, table, column);
    case 'decimal':
      return new DecimalEncoder(encoding.scale, table, column);
  }
}

/** A canonical cell as a literal of SQL. Only for what is written once: rows go by `InsertRows`. */
export function cellLiteral(encoder: CellEncoder, value: Uint8Array | string): Buffer {
  const bytes = typeof value === 'string' ? Buffer.from(value) : value;
  const out = Buffer.alloc(ColumnEncoder.bound(bytes.length));
  return out.subarray(0, encoder.encode(out, 0, bytes, 0, bytes.length));
}
