import { onlyKey, tableName, type KeyRange, type Table } from '@weir/sdk';
import { columnEncoder } from './column-encoders.ts';
import { TIMESTAMP_INFINITY } from './encode-time.ts';
import type { EncodedColumn } from './encode.ts';
import type { Layout } from './layout.ts';
import type { Slots } from './slots.ts';
import { identifier, literal } from './sql-text.ts';
import { columnType } from './types.ts';

/** The year in which DuckDB's timestamps end. */
const LAST_YEAR = 294_247;

/** A column of the key, and the end of a range there. */
interface Bound {
  readonly column: string;
  readonly value: string;
}

/**
 * The condition for rows of a range, of the target as `t`. DuckDB orders every type that a range can go by as `keyOrder`
 * does. Constants, and a plain comparison of the key's first column, let it pass over row groups that have none of the keys.
 */
export function keyRangeSql(layout: Layout, table: Table, range: KeyRange, slots: Slots): string {
  const { after, upTo } = range;
  const only = onlyKey(range);
  if (only !== null) return boundsOf(layout, table, only, slots).map(({ column, value }) => `${column} = ${value}`).join(' AND ');
  const conditions: string[] = [];
  if (after !== null) conditions.push(...beyondSql(boundsOf(layout, table, after, slots), '>'));
  if (upTo !== null) conditions.push(...beyondSql(boundsOf(layout, table, upTo, slots), '<'));
  return ['true', ...conditions].join(' AND ');
}

/** Rows before an end, or behind it. The end itself is held by the range that goes up to it. */
function beyondSql(bounds: readonly Bound[], than: '<' | '>'): string[] {
  const [{ column, value } = { column: '', value: '' }, ...rest] = bounds;
  if (rest.length === 0) return [`${column} ${than === '<' ? '<=' : '>'} ${value}`];
  return [`${column} ${than}= ${value}`, `(${column} ${than} ${value} OR (${beyondSql(rest, than).join(' AND ')}))`];
}

function boundsOf(layout: Layout, table: Table, cells: readonly string[], slots: Slots): Bound[] {
  const names = new Map(layout.columns.map((column) => [column.index, column.target]));
  return table.key.map((index, part) => {
    return { column: `t.${identifier(names.get(index)!)}`, value: cellSql(table, index, cells[part]!, slots) };
  });
}

/** A canonical cell of a key as a constant of the type that the source's column has here. */
function cellSql(table: Table, index: number, cell: string, slots: Slots): string {
  const { type } = table.columns[index]!;
  // No key that has an order depends on how decimals are held.
  const held = columnType(type, 'error')!;
  switch (type.kind) {
    case 'string':
      return textSql(cell);
    case 'bytes':
      return `unhex(${literal(cell)})`;
    case 'bool':
      return cell === 't' ? 'true' : 'false';
    case 'date':
    case 'timestamp':
    case 'timestamptz':
      return timeSql({ index: 0, name: table.columns[index]!.name, type: held, table: tableName(table) }, cell, slots);
    default:
      return `${literal(cell)}::${held.sql}`;
  }
}

/** A NUL would end the statement. */
function textSql(text: string): string {
  return text.includes('\0') ? `(${text.split('\0').map(literal).join(' || chr(0) || ')})` : literal(text);
}

/** Through the encoder that the column's cells go through, so that a year BC or a fraction is the same here and there. */
function timeSql(column: EncodedColumn, cell: string, slots: Slots): string {
  const { sql, storage } = column.type;
  if (cell.endsWith('infinity')) return `${literal(cell)}::${sql}`;
  const data = Buffer.from(cell);
  const cells = { data, start: Int32Array.of(0), length: Int32Array.of(data.length), unchangedAllowed: false };
  try {
    columnEncoder(column, slots).encode({ ...cells, addressLow: 0, addressHigh: 0 }, Int32Array.of(0), 0, 1);
  } catch (error) {
    // No row can be there, but a range can end there: behind everything that DuckDB has but its infinity.
    if (storage.kind === 'date' || !(Number(/^\d+/.exec(cell)?.[0]) >= LAST_YEAR)) throw error;
    slots.i64[0] = TIMESTAMP_INFINITY - 1n;
  }
  if (storage.kind === 'date') return `make_date(${slots.i32[0]!})`;
  return `make_${storage.kind}(${slots.i64[0]!}::BIGINT)`;
}
