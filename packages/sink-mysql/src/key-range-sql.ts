import { onlyKey, type Key, type KeyRange } from '@weir/sdk';
import { cellLiteral } from './column-encoders.ts';
import type { Layout, MappedColumn } from './layout.ts';

const IS_NUMBER = /^(?:(?:tiny|small|big)?int|decimal)\b/;

/**
 * The condition for rows of a range, of the target as `t`, in the order of `keyOrder`: the collation of text compares bytes.
 * Row constructors are no ranges to MySQL's optimizer, so a key of several columns is written out.
 */
export function keyRangeSql(layout: Layout, range: KeyRange): string {
  const { after, upTo } = range;
  const only = onlyKey(range);
  if (only !== null) return equalSql(layout, layout.key.map((column, part) => keyLiteral(column, only[part]!)));
  const conditions = ['true'];
  if (after !== null) conditions.push(afterSql(layout, literalsOf(layout, after)));
  if (upTo !== null) conditions.push(`NOT ${afterSql(layout, literalsOf(layout, upTo))}`);
  return conditions.join(' AND ');
}

/** Rows whose key is behind one. @param literals of the key's cells */
export function afterSql({ key }: Pick<Layout, 'key'>, literals: readonly string[]): string {
  const parts = key.map((column, part) => {
    const same = key.slice(0, part).map((other, index) => `t.${other.quoted} = ${literals[index]!}`);
    return [...same, `t.${column.quoted} > ${literals[part]!}`].join(' AND ');
  });
  return `(${parts.map((part) => `(${part})`).join(' OR ')})`;
}

function equalSql({ key }: Layout, literals: readonly string[]): string {
  return key.map(({ quoted }, part) => `t.${quoted} = ${literals[part]!}`).join(' AND ');
}

function literalsOf({ key }: Layout, cells: Key): string[] {
  return key.map((column, part) => keyLiteral(column, cells[part]!));
}

/**
 * A cell of a key as `Key` has it, bytes as hexadecimal digits. A number is no text: MySQL may compare it with one as a double.
 */
export function keyLiteral(column: MappedColumn, cell: string): string {
  if (column.encoding.kind === 'bytes') return `x'${cell}'`;
  if (IS_NUMBER.test(column.sql) && /^-?\d+(?:\.\d+)?$/.test(cell)) return cell;
  return cellLiteral(column.encoder, cell).toString();
}
