import { ColumnEncoder, type EncodedColumn } from './encode.ts';
import { FloatEncoder } from './encode-float.ts';
import { BigIntegerEncoder, BoolEncoder, DecimalEncoder, SmallIntegerEncoder } from './encode-number.ts';
import { BytesEncoder, Utf8Encoder } from './encode-text.ts';
import { DateEncoder, TimeEncoder, TimestampEncoder } from './encode-time.ts';
import { UuidEncoder } from './encode-uuid.ts';
import type { Slots } from './slots.ts';

/** The encoder of a column, made once per table version. */
export function columnEncoder(column: EncodedColumn, slots: Slots): ColumnEncoder {
  const { storage } = column.type;
  switch (storage.kind) {
    case 'bool':
      return new BoolEncoder(column, slots);
    case 'int':
    case 'uint':
      return storage.bits === 64
        ? new BigIntegerEncoder(column, slots, storage.kind === 'int')
        : new SmallIntegerEncoder(column, slots, storage.kind === 'int', storage.bits);
    case 'float':
      return new FloatEncoder(column, slots);
    case 'decimal':
      return new DecimalEncoder(column, slots, storage.digits, storage.scale);
    case 'text':
      return new Utf8Encoder(column, slots);
    case 'bytes':
      return new BytesEncoder(column, slots);
    case 'date':
      return new DateEncoder(column, slots);
    case 'time':
      return new TimeEncoder(column, slots);
    case 'timestamp':
    case 'timestamptz':
      return new TimestampEncoder(column, slots);
    case 'uuid':
      return new UuidEncoder(column, slots);
  }
}

/** Writes NULL in every row, for columns that the source's table does not have. */
export class NullEncoder extends ColumnEncoder {
  protected put(): void {}

  override encode(_cells: unknown, _images: Int32Array, from: number, to: number): void {
    this.slots.u8.fill(0, 0, (to - from) * this.width);
    this.slots.allNull();
  }
}
