import { logicalTypeName, type Column, type LogicalType, type Table } from '@weir/sdk';
import { keyWidths } from './key-width.ts';

/** How a column's canonical cells become literals of SQL, and the server's text cells again. */
export type Encoding =
  | { readonly kind: 'text' | 'bytes' | 'bool' | 'date' | 'timestamp' | 'timestamptz' | 'time' | 'clock' }
  /** `negativeZero`: whether the server has one. */
  | { readonly kind: 'float32' | 'float64'; readonly negativeZero: boolean }
  /** `scale`: digits after the point that the type keeps; the server would round more. */
  | { readonly kind: 'decimal'; readonly scale: number };

/** How a column lies in MySQL. */
export interface ColumnType {
  /** As DDL has it, and as `inspectTarget` gives a column's type: `bigint unsigned`, `longtext collate utf8mb4_0900_bin`. */
  readonly sql: string;
  readonly encoding: Encoding;
  /** Why it cannot be in a key: equal values have to be equal there, and in the order of `keyOrder`. */
  readonly noKey?: string;
  /** What is different or lost, for a person. */
  readonly note?: string;
}

/** What a column's type depends on beside the column. */
export class TypeRules {
  /** Text is compared by its bytes, and trailing spaces count: `NO PAD` in MySQL's terms. */
  readonly textCollation: string;
  /** MariaDB makes a float's negative zero 0. */
  readonly negativeZero: boolean;
  readonly #asText: readonly RegExp[];

  /** @param asText columns that are kept as text: see `MysqlSinkConfig.as_text` */
  constructor(flavour: 'mysql' | 'mariadb', asText: readonly string[] = []) {
    this.negativeZero = flavour !== 'mariadb';
    this.textCollation = flavour === 'mariadb' ? 'utf8mb4_nopad_bin' : 'utf8mb4_0900_bin';
    this.#asText = asText.map(patternOf);
  }

  isText({ namespace, name }: Pick<Table, 'namespace' | 'name'>, column: Column): boolean {
    return this.#asText.some((pattern) => pattern.test(`${namespace}.${name}.${column.name}`));
  }
}

function patternOf(text: string): RegExp {
  const quoted = text.replace(/[\\^$+?()[\]{}|.]/g, '\\$&').replaceAll('*', '.*');
  return new RegExp(`^${quoted}$`, 's');
}

/** MySQL's DECIMAL: https://dev.mysql.com/doc/refman/8.4/en/precision-math-decimal-characteristics.html */
const MAX_PRECISION = 65;
const MAX_SCALE = 30;

type SimpleKind = Exclude<Encoding['kind'], 'decimal' | 'float32' | 'float64'>;

const native = (sql: string, kind: SimpleKind = 'text'): ColumnType => ({
  sql,
  encoding: { kind },
});

/**
 * The type of a column of a table. @param key the names of the columns that make up the key at the sink: text in a key needs
 * a length, since an index takes 3072 bytes
 */
export function columnType(table: Table, column: Column, key: readonly string[], rules: TypeRules): ColumnType {
  const type = rules.isText(table, column) && column.type.kind !== 'bytes' ? keptAsText(column.type) : baseType(column, rules);
  const part = key.indexOf(column.name);
  if (type.sql !== LONG_TEXT && type.sql !== LONG_BYTES) return type;
  const widths = part < 0 ? null : keyWidths(key.length, key.filter((name) => isLong(table, name, rules)).length);
  if (type.sql === LONG_BYTES) return widths === null ? type : { ...type, sql: `varbinary(${widths.bytes})` };
  const sql = widths === null ? 'longtext' : `varchar(${widths.characters})`;
  return { ...type, sql: `${sql} collate ${rules.textCollation}` };
}

/** MySQL's TIME is hours, minutes and seconds of up to 838 hours, before or after: an interval to everybody else. */
const MYSQL_TIME = /^time(?:\(\d\))?$/i;

const LONG_TEXT = 'longtext';
const LONG_BYTES = 'longblob';

/** Whether a column of the key has no length of its own. */
function isLong(table: Table, name: string, rules: TypeRules): boolean {
  const column = table.columns.find((other) => other.name === name);
  if (column === undefined) return false;
  const { sql } = rules.isText(table, column) ? keptAsText(column.type) : baseType(column, rules);
  return sql === LONG_TEXT || sql === LONG_BYTES;
}

function keptAsText(type: LogicalType): ColumnType {
  const note = `${logicalTypeName(type)} is text, as \`as_text\` says`;
  if (!ORDERED_OTHERWISE.has(type.kind)) return { ...textType(type), note };
  return { ...native(LONG_TEXT), note, noKey: `a ${logicalTypeName(type)} has another order as text` };
}

/** Ranges of keys go by the order of these, which is not that of their text. */
const ORDERED_OTHERWISE: ReadonlySet<LogicalType['kind']> = new Set(['int', 'uint', 'date', 'timestamp', 'timestamptz']);

function textType({ kind }: LogicalType): ColumnType {
  if (kind !== 'json' && kind !== 'array') return native(LONG_TEXT);
  return { ...native(LONG_TEXT), noKey: 'of a document one value has many texts' };
}

/**
 * The one table of types; the README has it for people. Text is what holds everything that MySQL has no type for with the
 * same cells (invariant 9): documents keep their text, which MySQL's JSON does not; an offset, an interval.
 */
function baseType({ type, sourceType }: Pick<Column, 'type' | 'sourceType'>, { negativeZero }: TypeRules): ColumnType {
  switch (type.kind) {
    case 'bool':
      return native('tinyint(1)', 'bool');
    case 'int':
    case 'uint': {
      const name = { 8: 'tinyint', 16: 'smallint', 32: 'int', 64: 'bigint' }[type.bits];
      return native(type.kind === 'int' ? name : `${name} unsigned`);
    }
    case 'float':
      return type.bits === 32
        ? { sql: 'float', encoding: { kind: 'float32', negativeZero } }
        : { sql: 'double', encoding: { kind: 'float64', negativeZero } };
    case 'decimal':
      return decimalType(type.precision, type.scale ?? 0);
    case 'bytes':
      return native(LONG_BYTES, 'bytes');
    case 'date':
      return native('date', 'date');
    case 'timestamp':
      return native('datetime(6)', 'timestamp');
    case 'timestamptz':
      return { ...native('datetime(6)', 'timestamptz'), note: 'in UTC' };
    case 'time':
      return native('time(6)', 'time');
    case 'interval':
      return MYSQL_TIME.test(sourceType) ? native('time(6)', 'clock') : { ...textType(type), note: 'interval is text' };
    case 'uuid':
      return native('char(36) collate ascii_bin');
    case 'string':
      return native(LONG_TEXT);
    default:
      return { ...textType(type), note: `${logicalTypeName(type)} is text` };
  }
}

function decimalType(precision: number | null, scale: number): ColumnType {
  const fits = precision !== null && precision >= 1 && precision <= MAX_PRECISION && scale >= 0 && scale <= MAX_SCALE;
  if (!fits || scale > precision) return { ...native(LONG_TEXT), note: 'a number of more digits than DECIMAL has is text' };
  return { sql: `decimal(${precision},${scale})`, encoding: { kind: 'decimal', scale } };
}
