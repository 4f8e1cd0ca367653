import type { LogicalType } from './logical-type.ts';
import type { Table } from './table.ts';

/** The cells of a row's key columns in key order: canonical text, that of `bytes` columns as lower-case hex. */
export type Key = readonly string[];

/**
 * The rows of a table whose key is greater than `after`, up to and including `upTo`; null = unbounded on that side. Where both
 * are the same key, that key alone: between it and the one before it there may be others, which are not in this range.
 */
export interface KeyRange {
  readonly after: Key | null;
  readonly upTo: Key | null;
}

/** Negative when cell `a` comes before `b`, 0 when they are equal, positive when it comes after. */
type CompareCells = (a: string, b: string) => number;

/**
 * How keys of a table are ordered: column by column; numbers and times by value, `bool` false first, `string`, `bytes` and
 * `uuid` by their bytes, which for text is the collation `C`. Null when a key column has a type that stores order
 * differently, or when the table has no key: then it has no key ranges.
 */
export function keyOrder(table: Table): ((a: Key, b: Key) => number) | null {
  const compares = table.key.map((column) => cellOrder(table.columns[column]!.type));
  if (compares.length === 0 || compares.includes(null)) return null;
  return (a, b) => {
    for (let part = 0; part < compares.length; part++) {
      const order = compares[part]!(a[part]!, b[part]!);
      if (order !== 0) return order;
    }
    return 0;
  };
}

/** The one key that a range holds; null when it may hold more. */
export function onlyKey({ after, upTo }: KeyRange): Key | null {
  return after !== null && upTo !== null && upTo.every((cell, part) => cell === after[part]) ? upTo : null;
}

/** Whether a range holds a key. @param order see {@link keyOrder} */
export function rangeHolds(range: KeyRange, key: Key, order: (a: Key, b: Key) => number): boolean {
  const only = onlyKey(range);
  if (only !== null) return order(key, only) === 0;
  if (range.after !== null && order(key, range.after) <= 0) return false;
  return range.upTo === null || order(key, range.upTo) <= 0;
}

function cellOrder(type: LogicalType): CompareCells | null {
  switch (type.kind) {
    case 'int':
    case 'uint':
      return compareIntegers;
    case 'string':
      return compareText;
    case 'bool':
    case 'bytes':
    case 'uuid':
      return compareCodeUnits;
    case 'date':
    case 'timestamp':
    case 'timestamptz':
      return compareTimes;
    default:
      return null;
  }
}

/** For ASCII: its bytes in order. */
function compareCodeUnits(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** By UTF-8 bytes, which is by code points: code units differ from that where surrogates meet U+E000 to U+FFFF. */
function compareText(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const [left, right] = [a.charCodeAt(i), b.charCodeAt(i)];
    if (left === right) continue;
    const [leftHigh, rightHigh] = [isSurrogate(left), isSurrogate(right)];
    return leftHigh === rightHigh ? left - right : leftHigh ? 1 : -1;
  }
  return a.length - b.length;
}

function isSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdfff;
}

function compareIntegers(a: string, b: string): number {
  const [left, right] = [a.startsWith('-'), b.startsWith('-')];
  if (left !== right) return left ? -1 : 1;
  const order = a.length - b.length || compareCodeUnits(a, b);
  return left ? -order : order;
}

/** Of dates, or of timestamps: infinities, years before 1 and years of more than four digits included. */
function compareTimes(a: string, b: string): number {
  const [left, right] = [timeParts(a), timeParts(b)];
  return compareNumbers(left.year, right.year) || compareCodeUnits(left.rest, right.rest);
}

function timeParts(cell: string): { year: number; rest: string } {
  if (cell.endsWith('infinity')) return { year: cell.startsWith('-') ? -Infinity : Infinity, rest: '' };
  const end = cell.indexOf('-', 1);
  // A fraction comes behind the same second without one.
  return { year: Number(cell.slice(0, end)), rest: cell.slice(end).replace(/Z$/, '') };
}

function compareNumbers(a: number, b: number): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
