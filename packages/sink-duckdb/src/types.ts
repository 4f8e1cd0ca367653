import type { LogicalType } from '@weir/sdk';
import type { Decimals } from './config.ts';

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
 * The one table of types; null for a type that DuckDB cannot hold as configured.
 *
 * | logical type | DuckDB | why |
 * |---|---|---|
 * | bool | BOOLEAN | |
 * | int 8–64, uint 8–64 | TINYINT … BIGINT, UTINYINT … UBIGINT | |
 * | float 32, 64 | FLOAT, DOUBLE | |
 * | decimal(p, s), p ≤ 38 | DECIMAL(p, s) | exact; holds no NaN |
 * | decimal, unbounded or p > 38 | VARCHAR, or as `decimals` says | DuckDB has no such number |
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
export function columnType(type: LogicalType, decimals: Decimals): ColumnType | null {
  switch (type.kind) {
    case 'int':
      return { sql: intName(type.bits), storage: { kind: 'int', bits: type.bits } };
    case 'uint':
      return { sql: `U${intName(type.bits)}`, storage: { kind: 'uint', bits: type.bits } };
    case 'float':
      return { sql: type.bits === 32 ? 'FLOAT' : 'DOUBLE', storage: { kind: 'float', bits: type.bits } };
    case 'decimal':
      return decimalType(type.precision, type.scale ?? 0, decimals);
    case 'array':
      return namedType('JSON');
    case 'string':
    case 'enum':
    case 'other':
    case 'timetz':
    case 'interval':
      return namedType('VARCHAR');
    default:
      return namedType(typeNames[type.kind] ?? '');
  }
}

const typeNames: Readonly<Record<string, string>> = {
  json: 'JSON',
  bool: 'BOOLEAN',
  bytes: 'BLOB',
  date: 'DATE',
  timestamp: 'TIMESTAMP',
  timestamptz: 'TIMESTAMP WITH TIME ZONE',
  time: 'TIME',
  uuid: 'UUID',
};

const storages: ReadonlyMap<string, Storage> = new Map<string, Storage>([
  ['VARCHAR', { kind: 'text' }],
  ['JSON', { kind: 'text' }],
  ['BOOLEAN', { kind: 'bool' }],
  ['BLOB', { kind: 'bytes' }],
  ['DATE', { kind: 'date' }],
  ['TIMESTAMP', { kind: 'timestamp' }],
  ['TIMESTAMP WITH TIME ZONE', { kind: 'timestamptz' }],
  ['TIME', { kind: 'time' }],
  ['UUID', { kind: 'uuid' }],
  ['TINYINT', { kind: 'int', bits: 8 }],
  ['SMALLINT', { kind: 'int', bits: 16 }],
  ['INTEGER', { kind: 'int', bits: 32 }],
  ['BIGINT', { kind: 'int', bits: 64 }],
  ['UTINYINT', { kind: 'uint', bits: 8 }],
  ['USMALLINT', { kind: 'uint', bits: 16 }],
  ['UINTEGER', { kind: 'uint', bits: 32 }],
  ['UBIGINT', { kind: 'uint', bits: 64 }],
  ['FLOAT', { kind: 'float', bits: 32 }],
  ['DOUBLE', { kind: 'float', bits: 64 }],
]);

/** A type by the name that DuckDB prints; null for one that Weir never gives a column. */
export function namedType(sql: string): ColumnType | null {
  const storage = storages.get(sql);
  if (storage !== undefined) return { sql, storage };
  const match = /^DECIMAL\((\d+),(\d+)\)$/.exec(sql);
  return match === null ? null : boundedDecimal(Number(match[1]), Number(match[2]));
}

/** True for types whose cells are digits of a number that is exact. */
export function holdsDigits({ storage }: ColumnType): boolean {
  return storage.kind === 'int' || storage.kind === 'uint' || storage.kind === 'decimal';
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
function decimalType(precision: number | null, scale: number, decimals: Decimals): ColumnType | null {
  if (precision !== null) {
    if (!(precision >= 1 && precision <= MAX_PRECISION && Math.abs(scale) <= MAX_PRECISION)) return null;
    const digits = scale < 0 ? precision - scale : Math.max(precision, scale);
    if (digits <= MAX_DECIMAL_DIGITS) return boundedDecimal(digits, Math.max(scale, 0));
  }
  if (decimals === 'error') return null;
  if (decimals === 'varchar' || decimals === 'double') return namedType(decimals.toUpperCase());
  return boundedDecimal(decimals.precision, decimals.scale);
}

function boundedDecimal(digits: number, scale: number): ColumnType {
  const bytes = digits <= 4 ? 2 : digits <= 9 ? 4 : digits <= 18 ? 8 : 16;
  return { sql: `DECIMAL(${digits},${scale})`, storage: { kind: 'decimal', digits, scale, bytes } };
}
