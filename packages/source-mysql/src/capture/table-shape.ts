import { parseSourceType, textCells, type ZeroDates } from '@weir/binlog';
import { WeirError, tableName, type Column, type Table } from '@weir/sdk';
import type { ColumnState, TableState } from '../checkpoint-state.ts';
import type { CatalogTable } from './catalog.ts';

/** What the rows of a table look like from a place of the log on. */
export interface TableShape {
  readonly table: Table;
  /** All columns of the log, those that are left out too. */
  readonly columns: readonly ShapeColumn[];
}

/** A column of the log. */
export interface ShapeColumn extends ColumnState {
  /** Index into `Table.columns`; null when it is left out. */
  readonly at: number | null;
}

/**
 * The shape of a table as the catalog has it. Generated columns are left out: whoever has the table's definition makes them.
 * @throws WeirError WEIR_MYSQL_COLUMN_TYPE
 */
export function shapeOf(table: CatalogTable, zeroDates: ZeroDates, version = 1): TableShape {
  const columns = columnStates(table);
  return shapeOfState({ namespace: table.namespace, name: table.name, reason: 'first', version, columns, key: table.key }, zeroDates);
}

/** The columns of a table as a checkpoint has them. */
export function columnStates(table: CatalogTable): ColumnState[] {
  return table.columns.map(
    ({ name, type, nullable, charset, isGenerated }): ColumnState => ({
      name,
      type,
      nullable,
      ...(charset === null ? {} : { charset }),
      ...(isGenerated ? { leftOut: true } : {}),
    }),
  );
}

/**
 * The shape that a checkpoint remembers.
 * @throws WeirError WEIR_MYSQL_COLUMN_TYPE
 */
export function shapeOfState({ namespace, name, version, columns, key }: TableState, zeroDates: ZeroDates): TableShape {
  let captured = 0;
  const places = columns.map(({ leftOut }) => (leftOut === true ? null : captured++));
  const own = columns
    .filter(({ leftOut }) => leftOut !== true)
    .map((column): Column => {
      const cells = textCells(`column "${column.name}"`, column.type, zeroDates);
      if (cells === null) throw unknownType({ namespace, name }, column);
      return { name: column.name, type: cells.type, nullable: column.nullable || cells.mayBecomeNull, sourceType: column.type };
    });
  return {
    table: { namespace, name, version, columns: own, key: key.map((column) => places[column]!) },
    columns: columns.map((column, index) => ({ ...column, at: places[index]! })),
  };
}

function unknownType(table: { readonly namespace: string; readonly name: string }, { name, type }: ColumnState): WeirError {
  const { name: kind } = parseSourceType(type);
  return new WeirError('WEIR_MYSQL_COLUMN_TYPE', `column "${name}" of ${tableName(table)} has the type ${kind}, which is not known`, {
    table: tableName(table),
  });
}
