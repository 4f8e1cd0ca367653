import { cellDecoder, loggedType, parseSourceType, textCells, type BinlogColumn, type TableMap, type ZeroDates } from '@weir/binlog';
import type { ColumnState } from '../checkpoint-state.ts';

/** What is known of a column from elsewhere: the catalog as it is now, or the shape of before. */
export type KnownColumns = ReadonlyMap<string, ColumnState>;

/**
 * The columns of a table as its TABLE_MAP with full metadata has them. What a type is called, and what the log does not say of it
 * (UUID, INET, VECTOR and JSON of MariaDB, YEAR(2)), comes from the first of `known` whose column of that name means the same.
 * @param known in the order in which they are asked
 */
export function loggedColumns(map: TableMap, known: readonly KnownColumns[], zeroDates: ZeroDates): ColumnState[] {
  return map.columns.map((logged): ColumnState => {
    const name = logged.name!;
    for (const columns of known) {
      const column = columns.get(name);
      if (column !== undefined && meansTheSame(logged, column, zeroDates)) return { ...column, nullable: logged.nullable };
    }
    // Whether it is generated is not in the log; of no column that is known it is said.
    
    return { name, nullable: logged.nullable, ...loggedType(logged) };
  });
}

/** Whether values of a column in the log are those of a column as the catalog has it. */
export function meansTheSame(logged: BinlogColumn, { type, leftOut }: ColumnState, zeroDates: ZeroDates): boolean {
  if (leftOut === true) return true;
  const cells = textCells('a column', type, zeroDates);
  if (cells === null) return false;
  try {
    const { labels } = parseSourceType(type);
    const options = { sourceType: type, characterSet: null, labels: logged.values === null && labels.length > 0 ? labels : null, zeroDates };
    return JSON.stringify(cellDecoder(logged, options).type) === JSON.stringify(cells.type);
  } catch {
    return false;
  }
}

/** Whether every column has its name in the log. */
export function hasNames(map: TableMap): boolean {
  return map.columns.every(({ name }) => name !== null);
}
