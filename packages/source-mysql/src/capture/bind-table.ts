import { cellDecoder, parseSourceType, type BinlogColumn, type CellDecoder, type TableBinding, type TableMap, type ZeroDates } from '@weir/binlog';
import { WeirError, tableName } from '@weir/sdk';
import type { Flavour } from '../checkpoint-state.ts';
import type { ShapeColumn, TableShape } from './table-shape.ts';

/**
 * How the rows that a TABLE_MAP announces become those of a shape. With `binlog_row_metadata=FULL` the log says the names of
 * columns, and every one has to be the shape's. Without, columns are told by their place and type only: two of one type that
 * changed places look the same, so whoever binds has to know by other means that the shape is the one of this place in the log.
 * @throws WeirError WEIR_MYSQL_SHAPE when the two disagree, WEIR_BINLOG_UNSUPPORTED for values that cannot be read
 */
export function bindTable(map: TableMap, { table, columns }: TableShape, flavour: Flavour, zeroDates: ZeroDates): TableBinding {
  const disagree = (what: string): WeirError =>
    new WeirError('WEIR_MYSQL_SHAPE', `the rows of ${tableName(table)} in the log are not those of the table: ${what}`, { table: tableName(table) });
  if (map.columns.length !== columns.length) {
    throw disagree(`the log has ${map.columns.length} columns, the table ${columns.length}`);
  }
  const decoders = columns.map((column, index): CellDecoder | null => {
    const logged = map.columns[index]!;
    if (logged.name !== null && logged.name !== column.name) {
      throw disagree(`column ${index + 1} is "${logged.name}" in the log, "${column.name}" in the table`);
    }
    if (column.at === null) return null;
    const { type, decoder } = cellDecoder(completed(logged, column, flavour), optionsOf(logged, column, zeroDates));
    const expected = table.columns[column.at]!.type;
    if (JSON.stringify(type) !== JSON.stringify(expected)) {
      throw disagree(`column "${column.name}" is ${typeText(type)} in the log, ${typeText(expected)} in the table`);
    }
    // A column that may not be NULL now, but might in these rows.
    if (logged.nullable && !column.nullable) throw disagree(`column "${column.name}" may be NULL in the log, not in the table`);
    return decoder;
  });
  if (map.primaryKey !== null && !isSameKey(map, columns, table.key)) throw disagree('the key has other columns in the log');
  return { table, decoders, skip: false };
}

/** A key of the log that is a primary one is the table's: it is chosen before all others. */
function isSameKey({ primaryKey }: TableMap, columns: readonly ShapeColumn[], key: readonly number[]): boolean {
  // One of parts of columns cannot tell rows apart by whole cells, and one of generated columns is not captured.
  if (primaryKey!.some(({ column, prefix }) => prefix > 0 || columns[column]!.at === null)) return true;
  return primaryKey!.length === key.length && primaryKey!.every(({ column }, index) => columns[column]!.at === key[index]);
}

/** What the log does not say, from the catalog. MySQL says always what is unsigned; MariaDB, without metadata, nothing. */
function completed(logged: BinlogColumn, { name, type }: ShapeColumn, flavour: Flavour): BinlogColumn {
  if (logged.name !== null) return logged;
  const isTold = flavour === 'mysql' || logged.unsigned;
  return { ...logged, name, unsigned: isTold ? logged.unsigned : parseSourceType(type).unsigned };
}

function optionsOf(logged: BinlogColumn, { type, charset }: ShapeColumn, zeroDates: ZeroDates): Parameters<typeof cellDecoder>[1] {
  const { labels } = parseSourceType(type);
  return {
    sourceType: type,
    characterSet: logged.collation === null ? (charset ?? null) : null,
    labels: logged.values === null && labels.length > 0 ? labels : null,
    zeroDates,
  };
}

function typeText(type: { readonly kind: string }): string {
  const { kind, ...rest } = type;
  const parts = Object.values(rest).map(String);
  return parts.length === 0 ? kind : `${kind}(${parts.join(', ')})`;
}
