import type { Table } from '@weir/sdk';
import type { ColumnEncoder } from './encode.ts';
import { FloatEncoder } from './encode-float.ts';
import { BigIntegerEncoder, BoolEncoder, DecimalEncoder, SmallIntegerEncoder } from './encode-number.ts';
import { BytesEncoder, Utf8Encoder } from './encode-text.ts';
import { DateEncoder, TimeEncoder, TimestampEncoder } from './encode-time.ts';
import { UuidEncoder } from './encode-uuid.ts';
import type { Slots } from './slots.ts';
import { columnType } from './types.ts';

/** The encoders of a table version, in column order. */
export function columnEncoders(table: Table, slots: Slots): ColumnEncoder[] {
  return table.columns.map((_, index) => columnEncoder(table, index, slots));
}

function columnEncoder(table: Table, index: number, slots: Slots): ColumnEncoder {
  const { storage } = columnType(table.columns[index]!.type);
  switch (storage.kind) {
    case 'bool':
      return new BoolEncoder(table, index, slots);
    case 'int':
    case 'uint':
      return storage.bits === 64
        ? new BigIntegerEncoder(table, index, slots, storage.kind === 'int')
        : new SmallIntegerEncoder(table, index, slots, storage.kind === 'int', storage.bits);
    case 'float':
      return new FloatEncoder(table, index, slots);
    case 'decimal':
      return new DecimalEncoder(table, index, slots, storage.digits, storage.scale);
    case 'text':
      return new Utf8Encoder(table, index, slots);
    case 'bytes':
      return new BytesEncoder(table, index, slots);
    case 'date':
      return new DateEncoder(table, index, slots);
    case 'time':
      return new TimeEncoder(table, index, slots);
    case 'timestamp':
    case 'timestamptz':
      return new TimestampEncoder(table, index, slots);
    case 'uuid':
      return new UuidEncoder(table, index, slots);
  }
}
