import { logicalTypeName, type Column, type LogicalType } from '@weir/sdk';
import type { ColumnType as SqlType } from '@weir/sql-sink';

/** How a column's canonical cells become the server's text; it says which encoder a column gets. */
export type Encoding =
  | { readonly kind: 'text' | 'bytes' | 'date' | 'timestamp' }
  /** `scale`: digits after the point that the type keeps; the server would round more. Null: all. */
  | { readonly kind: 'decimal'; readonly scale: number | null }
  | { readonly kind: 'array'; readonly element: Encoding };

/** How a column lies in PostgreSQL; the type's name is as the server's `format_type` prints it. */
export type ColumnType = SqlType<Encoding>;

const MAX_PRECISION = 1000;

/**
 * Types of PostgreSQL without a logical type of their own that keep their text when they are written and read: `other`
 * columns of these keep their type. False: there is no order, so it cannot be in a key.
 */
const builtInTypes: Readonly<Record<string, boolean>> = {
  bit: true,
  'bit varying': true,
  box: false,
  cid: false,
  cidr: true,
  circle: false,
  datemultirange: true,
  daterange: true,
  inet: true,
  int2vector: false,
  int4multirange: true,
  int4range: true,
  int8multirange: true,
  int8range: true,
  jsonpath: false,
  line: false,
  lseg: false,
  macaddr: true,
  macaddr8: true,
  nummultirange: true,
  numrange: true,
  oid: true,
  oidvector: true,
  path: false,
  pg_lsn: true,
  pg_snapshot: false,
  point: false,
  polygon: false,
  tid: true,
  tsmultirange: true,
  tsquery: true,
  tsrange: true,
  tstzmultirange: true,
  tstzrange: true,
  tsvector: true,
  txid_snapshot: false,
  xid: false,
  xid8: true,
  xml: false,
};

/** `bit varying(5)[]` → name `bit varying`, modifier `(5)`. */
const TYPE_NAME = /^([a-z0-9_ ]+?)(\(\d+\))?(\[\])?$/;

const text: Encoding = { kind: 'text' };
const ordered = (sql: string, encoding: Encoding = text): ColumnType => ({ sql, encoding });
const unordered = (sql: string, encoding: Encoding = text): ColumnType => ({
  sql,
  encoding,
  noKey: `${sql}, which it is at the sink, has no order`,
});

/**
 * The one table of types; the README has it for people.
 *
 * - Text is what PostgreSQL has for names of any kind: labels of enums, composites, types of extensions and of users. The
 *   sink does not have to have those types.
 * - money depends on the locale of the session that reads it: as text it stays what it was.
 * - An array of arrays (by way of a domain) or of JSON has no array type that gives the same text back.
 */
export function columnType(column: Column): ColumnType {
  return typeOf(column.type, column.sourceType);
}

function typeOf(type: LogicalType, sourceType: string): ColumnType {
  switch (type.kind) {
    case 'bool':
      return ordered('boolean');
    case 'int':
      return ordered({ 8: 'smallint', 16: 'smallint', 32: 'integer', 64: 'bigint' }[type.bits]);
    case 'uint':
      // oid, xid, cid and xid8 are numbers to Weir, and keep their type.
      if (Object.hasOwn(builtInTypes, sourceType)) return otherType(sourceType);
      return ordered({ 8: 'smallint', 16: 'integer', 32: 'bigint', 64: 'numeric(20,0)' }[type.bits]);
    case 'float':
      return ordered(type.bits === 32 ? 'real' : 'double precision');
    case 'decimal':
      return decimalType(type.precision, type.scale ?? 0);
    case 'bytes':
      return ordered('bytea', { kind: 'bytes' });
    case 'date':
      return ordered('date', { kind: 'date' });
    case 'timestamp':
      return ordered('timestamp without time zone', { kind: 'timestamp' });
    case 'timestamptz':
      return ordered('timestamp with time zone', { kind: 'timestamp' });
    case 'time':
      return ordered('time without time zone');
    case 'timetz':
      return ordered('time with time zone');
    case 'interval':
    case 'uuid':
      return ordered(type.kind);
    case 'json':
      return sourceType === 'jsonb' ? ordered('jsonb') : unordered('json');
    case 'array':
      return arrayType(type, sourceType);
    case 'string':
      return ordered('text');
    case 'enum':
      return { ...ordered('text'), note: 'an enum is text' };
    case 'other':
      return otherType(sourceType);
    default:
      return otherType('');
  }
}

/** Other scales than 0 to precision are known to PostgreSQL 15 and later only. */
function decimalType(precision: number | null, scale: number): ColumnType {
  const fits = precision !== null && precision >= 1 && precision <= MAX_PRECISION && scale >= 0 && scale <= precision;
  if (!fits) return ordered('numeric', { kind: 'decimal', scale: null });
  return ordered(`numeric(${precision},${scale})`, { kind: 'decimal', scale });
}

function arrayType(type: LogicalType & { readonly kind: 'array' }, sourceType: string): ColumnType {
  const { of } = type;
  if (of.kind === 'array' || of.kind === 'json') {
    return { ...unordered('json'), note: `${logicalTypeName(type)} is json` };
  }
  const element = typeOf(of, sourceType.replace(/(\[\])+$/, ''));
  const arrayOf = element.noKey === undefined ? ordered : unordered;
  const array = arrayOf(`${element.sql}[]`, { kind: 'array', element: element.encoding });
  return element.note === undefined ? array : { ...array, note: element.note };
}

function otherType(sourceType: string): ColumnType {
  const [, name = '', modifier = '', array = ''] = TYPE_NAME.exec(sourceType) ?? [];
  const isOrdered = Object.hasOwn(builtInTypes, name) ? builtInTypes[name]! : null;
  if (isOrdered === null || (modifier !== '' && !name.startsWith('bit'))) {
    return { ...ordered('text'), note: sourceType === '' ? 'text' : `${sourceType} is text` };
  }
  // `bit` is bit(1) to SQL; a bare one is printed for a type without a modifier, which no column has.
  return (isOrdered ? ordered : unordered)(`${name}${modifier}${array}`);
}
