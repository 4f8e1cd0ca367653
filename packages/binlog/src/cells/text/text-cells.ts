import type { LogicalType, SimpleKind } from '@weir/sdk';
import type { ZeroDates } from '../calendar.ts';
import { integerType } from '../integer-cell.ts';
import { parseSourceType, type SourceType } from '../source-type.ts';
import { dateRewrite, datetimeRewrite, timeRewrite, timestampRewrite } from './rewrite-moment.ts';
import { bitRewrite, doubleRewrite, floatRewrite, vectorRewrite, zerosRewrite } from './rewrite-number.ts';
import type { TextRewrite } from './text-rewrite.ts';

/** How the values of a column come from a query, and what they become: the same cells as from the log (invariant 9). */
export interface TextCells {
  readonly type: LogicalType;
  /** Null where the server's text is the canonical cell. */
  readonly rewrite: TextRewrite | null;
  /** Whether values that are not NULL in the table can become it. */
  readonly mayBecomeNull: boolean;
}

const INTEGERS = { tinyint: 1, smallint: 2, mediumint: 3, int: 4, bigint: 8 } as const;

/** Types that are text or bytes as the server sends them. */
const plainKinds: Readonly<Record<string, SimpleKind>> = {
  char: 'string',
  varchar: 'string',
  tinytext: 'string',
  text: 'string',
  mediumtext: 'string',
  longtext: 'string',
  set: 'string',
  enum: 'enum',
  json: 'json',
  binary: 'bytes',
  varbinary: 'bytes',
  tinyblob: 'bytes',
  blob: 'bytes',
  mediumblob: 'bytes',
  longblob: 'bytes',
  geometry: 'bytes',
  point: 'bytes',
  linestring: 'bytes',
  polygon: 'bytes',
  multipoint: 'bytes',
  multilinestring: 'bytes',
  multipolygon: 'bytes',
  geometrycollection: 'bytes',
  geomcollection: 'bytes',
  uuid: 'uuid',
  inet4: 'other',
  inet6: 'other',
};

const cells = (type: LogicalType, rewrite: TextRewrite | null = null): TextCells => ({ type, rewrite, mayBecomeNull: false });

/**
 * The cells of a column by its COLUMN_TYPE. The session has `character_set_results = utf8mb4` and `time_zone = '+00:00'`, and selects
 * what {@link selected} says.
 * @param column how errors call it
 * @returns null for a type that is not known
 */
export function textCells(column: string, sourceType: string, zeroDates: ZeroDates): TextCells | null {
  const source = parseSourceType(sourceType);
  return numberCells(source) ?? momentCells(column, source, zeroDates) ?? otherCells(source);
}

function numberCells(source: SourceType): TextCells | null {
  const { name, numbers, unsigned, zerofill } = source;
  if (Object.hasOwn(INTEGERS, name)) {
    return cells(integerType(INTEGERS[name as keyof typeof INTEGERS], unsigned), zerofill ? zerosRewrite : null);
  }
  switch (name) {
    case 'decimal':
      return cells({ kind: 'decimal', precision: numbers[0] ?? 10, scale: numbers[1] ?? 0 }, zerofill ? zerosRewrite : null);
    case 'float':
      return cells({ kind: 'float', bits: 32 }, floatRewrite);
    case 'double':
      return cells({ kind: 'float', bits: 64 }, doubleRewrite);
    case 'year':
      return cells({ kind: 'uint', bits: 16 }, zerosRewrite);
    default:
      return null;
  }
}

function momentCells(column: string, { name }: SourceType, zeroDates: ZeroDates): TextCells | null {
  if (name === 'time') return cells({ kind: 'interval' }, timeRewrite);
  if (name !== 'date' && name !== 'datetime' && name !== 'timestamp') return null;
  if (zeroDates === 'text') return cells({ kind: 'string' });
  const mayBecomeNull = zeroDates === 'null';
  if (name === 'date') return { type: { kind: 'date' }, rewrite: dateRewrite(column, zeroDates), mayBecomeNull };
  if (name === 'datetime') return { type: { kind: 'timestamp' }, rewrite: datetimeRewrite(column, zeroDates), mayBecomeNull };
  return { type: { kind: 'timestamptz' }, rewrite: timestampRewrite(column, zeroDates), mayBecomeNull };
}

function otherCells({ name, numbers }: SourceType): TextCells | null {
  if (name === 'bit') return cells({ kind: 'other' }, bitRewrite(numbers[0] ?? 1));
  if (name === 'vector') return cells({ kind: 'array', of: { kind: 'float', bits: 32 } }, vectorRewrite);
  return Object.hasOwn(plainKinds, name) ? cells({ kind: plainKinds[name]! }) : null;
}

/**
 * What a query selects of a column, so that its text says the whole value: a FLOAT, and a DOUBLE with a number of decimals, as a DOUBLE
 * without, since the server rounds its text of them. By a subtraction, which keeps the sign of a negative zero, and is one of DOUBLEs
 * with as many digits as needed since `0e0` is.
 * @param quoted the column's name as it stands in SQL
 */
export function selected(quoted: string, sourceType: string): string {
  const { name, numbers } = parseSourceType(sourceType);
  const rounded = name === 'float' || (name === 'double' && numbers.length > 0);
  return rounded ? `${quoted} - 0e0` : quoted;
}
