/**
 * The logical type of a column. It fixes the canonical text of its cells, one form for every source and sink:
 *
 * | kind | canonical cell |
 * |---|---|
 * | bool | `t` / `f` |
 * | int, uint | decimal digits |
 * | float | shortest decimal that reads back the same; `NaN`, `Infinity`, `-Infinity` |
 * | decimal | plain decimal, exact; `NaN`, `Infinity`, `-Infinity` where the source has them |
 * | string, enum | UTF-8 |
 * | bytes | the raw bytes |
 * | date | `YYYY-MM-DD`; 1 BC is year `0000`, 2 BC `-000001`, after 9999 as many digits as needed; `infinity`, `-infinity` |
 * | timestamp | `YYYY-MM-DDTHH:MM:SS[.ffffff]`, no zone; BC and infinities as in date |
 * | timestamptz | the same in UTC with `Z` |
 * | time | `HH:MM:SS[.ffffff]`, `24:00:00` allowed |
 * | timetz | the same with `±HH:MM[:SS]` |
 * | interval | ISO 8601 duration; `infinity`, `-infinity` where the source has them |
 * | uuid | lower-case with hyphens |
 * | json | JSON text as stored |
 * | array | JSON text; NaN and infinities as strings |
 * | other | the source's own text; `Column.sourceType` says what it is |
 */
export type LogicalType =
  | { readonly kind: 'int' | 'uint'; readonly bits: 8 | 16 | 32 | 64 }
  | { readonly kind: 'float'; readonly bits: 32 | 64 }
  /** `precision` and `scale` in decimal digits; both null when the source does not bound them. */
  | { readonly kind: 'decimal'; readonly precision: number | null; readonly scale: number | null }
  | { readonly kind: 'array'; readonly of: LogicalType }
  | { readonly kind: SimpleKind };

export type SimpleKind =
  | 'bool'
  | 'string'
  | 'enum'
  | 'bytes'
  | 'date'
  | 'timestamp'
  | 'timestamptz'
  | 'time'
  | 'timetz'
  | 'interval'
  | 'uuid'
  | 'json'
  | 'other';

/** A short name for messages and tables: `int64`, `decimal(12, 2)`, `array of string`. */
export function logicalTypeName(type: LogicalType): string {
  switch (type.kind) {
    case 'int':
    case 'uint':
    case 'float':
      return `${type.kind}${type.bits}`;
    case 'decimal':
      return type.precision === null ? 'decimal' : `decimal(${type.precision}, ${type.scale ?? 0})`;
    case 'array':
      return `array of ${logicalTypeName(type.of)}`;
    default:
      return type.kind;
  }
}
