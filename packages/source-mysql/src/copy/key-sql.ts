import { parseSourceType, type SourceType } from '@weir/binlog';
import { quoteIdentifier, quoteLiteral } from '@weir/mysql';
import { keyOrder, type Key } from '@weir/sdk';
import type { TableShape } from '../capture/table-shape.ts';

/** The key of a table as SQL that reads it in the order of its index. */
export interface KeySql {
  /** For ORDER BY. */
  readonly ascending: string;
  /** Compares keys as the index does; null when only the server can: texts under a collation, enums, decimals and others. */
  readonly order: ((a: Key, b: Key) => number) | null;
  /** A condition: the key comes after `key`. Ranges of the index: neither server makes any of `(a, b) > (1, 2)`. */
  after(key: Key): string;
}

/** Types whose order in an index is that of `keyOrder`. Those that are not here compare by rules of the server's own. */
const CLIENT_ORDERED = new Set([
  'tinyint',
  'smallint',
  'mediumint',
  'int',
  'bigint',
  'year',
  'binary',
  'varbinary',
  'date',
  'datetime',
  'timestamp',
]);

/** Types that are no key of a copy: parts of them are in an index at most. */
const NO_KEYS = new Set(['json', 'vector']);

/** Whether a table can be copied by key: it has one, whose every value can be written as SQL. */
export function isCopiedByKey({ table, columns }: TableShape): boolean {
  if (table.key.length === 0) return false;
  return keyTypes({ table, columns }).every(({ name, labels }) => {
    // An empty label is also what a value that is none of an enum reads as.
    return !NO_KEYS.has(name) && !(name === 'enum' && labels.includes(''));
  });
}

/**
 * Whether the chunks of a copy can be put in order with the stream: keys have to be compared as the server does it. Otherwise nobody can
 * tell whether a change is about a row that was copied, and no sink takes the change of a row that it lacks.
 */
export function isCopiedInChunks(shape: TableShape): boolean {
  return isCopiedByKey(shape) && keySql(shape).order !== null;
}

export function keySql(shape: TableShape): KeySql {
  const { table } = shape;
  const types = keyTypes(shape);
  const columns = table.key.map((column) => quoteIdentifier(table.columns[column]!.name));
  const isClientOrdered = types.every(({ name, numbers }) => CLIENT_ORDERED.has(name) && !(name === 'year' && numbers[0] === 2));
  return {
    ascending: columns.join(', '),
    order: isClientOrdered ? keyOrder(table) : null,
    after: (key) => {
      const behind = (part: number): string => {
        const column = columns[part]!;
        const later = laterThan(column, types[part]!, key[part]!);
        if (part === columns.length - 1) return later;
        return `(${later} OR (${column} = ${keyLiteral(types[part]!, key[part]!)} AND ${behind(part + 1)}))`;
      };
      return behind(0);
    },
  };
}

function keyTypes({ table, columns }: TableShape): SourceType[] {
  return table.key.map((at) => parseSourceType(columns.find((column) => column.at === at)!.type));
}

/** An enum is ordered by the numbers of its labels, by which no range of an index is read: so the later labels are listed. */
function laterThan(column: string, type: SourceType, cell: string): string {
  if (type.name !== 'enum') return `${column} > ${keyLiteral(type, cell)}`;
  const later = type.labels.slice(type.labels.indexOf(cell) + 1).map(quoteLiteral);
  return later.length === 0 ? 'FALSE' : `${column} IN (${later.join(', ')})`;
}

/**
 * A canonical cell as a constant of the column's own type, so that the index is used. A text takes the collation and the
 * character set of the column that it is compared with.
 */
function keyLiteral(type: SourceType, cell: string): string {
  switch (type.name) {
    case 'tinyint':
    case 'smallint':
    case 'mediumint':
    case 'int':
    case 'bigint':
    case 'decimal':
    case 'year':
      return numberLiteral(cell);
    case 'float':
      return floatLiteral(Math.fround(Number(cell)));
    case 'double':
      return floatLiteral(Number(cell));
    case 'bit':
      return `b'${cell}'`;
    case 'binary':
    case 'varbinary':
      return `x'${cell}'`;
    case 'date':
    case 'datetime':
    case 'timestamp':
      return quoteLiteral(cell.replace('T', ' ').replace('Z', ''));
    case 'time':
      return quoteLiteral(timeText(cell));
    case 'set':
      return setLiteral(type.labels, cell);
    default:
      return quoteLiteral(cell);
  }
}

/** Digits as they are: nothing else is in a cell of a number. */
function numberLiteral(cell: string): string {
  return /^-?\d+(?:\.\d+)?$/u.test(cell) ? cell : quoteLiteral(cell);
}

/** A FLOAT is compared as the DOUBLE that it is: its shortest text is another number. */
function floatLiteral(value: number): string {
  const text = String(value);
  return text.includes('e') ? text : `${text}e0`;
}

/** `PT-838H-59M-59.5S` → `-838:59:59.5`. */
function timeText(cell: string): string {
  const part = (unit: string): string => new RegExp(`(-?[\\d.]+)${unit}`, 'u').exec(cell)?.[1] ?? '0';
  const parts = [part('H'), part('M'), part('S')];
  const sign = parts.some((each) => each.startsWith('-')) ? '-' : '';
  return sign + parts.map((each) => each.replace('-', '')).join(':');
}

/** A set is ordered by the number whose bits are its members. */
function setLiteral(labels: readonly string[], cell: string): string {
  if (cell === '') return '0';
  return String(cell.split(',').reduce((bits, member) => bits | (1n << BigInt(labels.indexOf(member))), 0n));
}
