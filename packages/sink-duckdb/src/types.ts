import { WeirError, logicalTypeName, type LogicalType } from '@weir/sdk';

/** What a slot of a column's vector holds; it says which encoder and which decoder a column gets. */
export type Storage =
  | { readonly kind: 'bool' | 'text' | 'bytes' | 'date' | 'timestamp' | 'timestamptz' | 'time' | 'uuid' }
  | { readonly kind: 'int' | 'uint'; readonly bits: 8 | 16 | 32 | 64 }
  | { readonly kind: 'float'; readonly bits: 32 | 64 }
  /** An integer of `bytes` bytes: the value without its point. `digits` in all, `scale` of them after the point. */
  | { readonly kind: 'decimal'; readonly digits: number; readonly scale: number; readonly bytes: 2 | 4 | 8 | 16 };

/** How a column lies in DuckDB. */
export interface ColumnType {
  /** The type's name as DuckDB itself prints it. */
  readonly sql: string;
  readonly storage: Storage;
}

const MAX_DECIMAL_DIGITS = 38;
const MAX_PRECISION = 1000;

/**
 * The one table of types.
 *
 * | logical type | DuckDB | why |
 * |---|---|---|
 * | bool | BOOLEAN | |
 * | int 8–64, uint 8–64 | TINYINT … BIGINT, UTINYINT … UBIGINT | |
 * | float 32, 64 | FLOAT, DOUBLE | |
 * | decimal(p, s), p ≤ 38 | DECIMAL(p, s) | exact; holds no NaN |
 * | decimal, unbounded or p > 38 | VARCHAR | DuckDB has no such number |
 * | string, enum, other | VARCHAR | |
 * | bytes | BLOB | |
 * | date | DATE | infinities and years BC included |
 * | timestamp, timestamptz | TIMESTAMP, TIMESTAMP WITH TIME ZONE | until 294247-01-10; infinities and years BC included |
 * | time | TIME | 24:00:00 included |
 * | timetz | VARCHAR | DuckDB's own orders and prints offsets in another way |
 * | interval | VARCHAR | months, days and seconds would survive, the text would not |
 * | uuid | UUID | |
 * | json, array | JSON | the text as it is |
 */
export function columnType(type: LogicalType): ColumnType {
  switch (type.kind) {
    case 'int':
      return { sql: intName(type.bits), storage: { kind: 'int', bits: type.bits } };
    case 'uint':
      return { sql: `U${intName(type.bits)}`, storage: { kind: 'uint', bits: type.bits } };
    case 'float':
      return { sql: type.bits === 32 ? 'FLOAT' : 'DOUBLE', storage: { kind: 'float', bits: type.bits } };
    case 'decimal':
      return decimalType(type.precision, type.scale ?? 0);
    case 'json':
    case 'array':
      return { sql: 'JSON', storage: { kind: 'text' } };
    case 'bool':
      return { sql: 'BOOLEAN', storage: { kind: 'bool' } };
    case 'bytes':
      return { sql: 'BLOB', storage: { kind: 'bytes' } };
    case 'date':
      return { sql: 'DATE', storage: { kind: 'date' } };
    case 'timestamp':
      return { sql: 'TIMESTAMP', storage: { kind: 'timestamp' } };
    case 'timestamptz':
      return { sql: 'TIMESTAMP WITH TIME ZONE', storage: { kind: 'timestamptz' } };
    case 'time':
      return { sql: 'TIME', storage: { kind: 'time' } };
    case 'uuid':
      return { sql: 'UUID', storage: { kind: 'uuid' } };
    case 'string':
    case 'enum':
    case 'other':
    case 'timetz':
    case 'interval':
      return { sql: 'VARCHAR', storage: { kind: 'text' } };
    default:
      throw new WeirError('WEIR_DUCKDB_TYPE', `this version does not know the type ${logicalTypeName(type)}`);
  }
}

/** Bytes of one slot of a vector. Text and bytes take 16: length, then the bytes themselves or a pointer to them. */
export function slotBytes(storage: Storage): 1 | 2 | 4 | 8 | 16 {
  switch (storage.kind) {
    case 'bool':
      return 1;
    case 'int':
    case 'uint':
    case 'float':
      return (storage.bits / 8) as 1 | 2 | 4 | 8;
    case 'decimal':
      return storage.bytes;
    case 'date':
      return 4;
    case 'timestamp':
    case 'timestamptz':
    case 'time':
      return 8;
    default:
      return 16;
  }
}

function intName(bits: 8 | 16 | 32 | 64): string {
  return { 8: 'TINYINT', 16: 'SMALLINT', 32: 'INTEGER', 64: 'BIGINT' }[bits];
}

/**
 * A scale may be negative (digits left of the point are zero) or above the precision (zeros right of the point), as
 * PostgreSQL allows; DuckDB wants 0 ≤ scale ≤ digits, so such a column gets more digits.
 */
function decimalType(precision: number | null, scale: number): ColumnType {
  if (precision === null) return { sql: 'VARCHAR', storage: { kind: 'text' } };
  if (!(precision >= 1 && precision <= MAX_PRECISION && Math.abs(scale) <= MAX_PRECISION)) {
    throw new WeirError('WEIR_DUCKDB_TYPE', `decimal(${precision}, ${scale}) is no type`);
  }
  const digits = scale < 0 ? precision - scale : Math.max(precision, scale);
  if (digits > MAX_DECIMAL_DIGITS) return { sql: 'VARCHAR', storage: { kind: 'text' } };
  const after = Math.max(scale, 0);
  const bytes = digits <= 4 ? 2 : digits <= 9 ? 4 : digits <= 18 ? 8 : 16;
  return { sql: `DECIMAL(${digits},${after})`, storage: { kind: 'decimal', digits, scale: after, bytes } };
}
