import { onlyKey, type Key, type KeyRange } from '@weir/sdk';
import type { Layout } from '@weir/sql-sink';
import { cellLiteral } from './cell-literal.ts';

/**
 * The condition for rows of a range, of the target as `t`, in the order of `keyOrder`: text by its bytes, whatever collation
 * the column has. The key's index serves it; where the index has text in another order only its other columns, if they come
 * first.
 */
export function keyRangeSql(layout: Layout, range: KeyRange): string {
  const { after, upTo } = range;
  const only = onlyKey(range);
  if (only !== null) return `${keySql(layout)} = ${endSql(layout, only)}`;
  const conditions = ['true'];
  if (after !== null) conditions.push(`${keySql(layout)} > ${endSql(layout, after)}`);
  if (upTo !== null) conditions.push(`${keySql(layout)} <= ${endSql(layout, upTo)}`);
  return conditions.join(' AND ');
}

function keySql({ table, key }: Layout): string {
  const columns = key.map(({ index, quoted }) => {
    return `t.${quoted}${table.columns[index]!.type.kind === 'string' ? ' COLLATE "C"' : ''}`;
  });
  return `(${columns.join(', ')})`;
}

function endSql({ table, key }: Layout, cells: Key): string {
  const values = key.map(({ index }, part) => {
    const isHex = table.columns[index]!.type.kind === 'bytes';
    return cellLiteral(table, index, isHex ? Buffer.from(cells[part]!, 'hex') : cells[part]!);
  });
  return `(${values.join(', ')})`;
}
