import { tableName, type Table } from '@weir/sdk';
import type { Owner } from './own-tables.ts';
import type { Problem } from './problem.ts';
import type { QualifiedName } from './sql-text.ts';

/** What stands against writing a table that is there. @param of the source's table that has it, of the same sink */
export function ownershipProblem(
  table: Table,
  target: QualifiedName,
  { owner, of }: { readonly owner: Owner; readonly of: string },
): Problem | null {
  if (owner === 'this table') return null;
  if (owner === 'another table') return collision(table, target, of);
  const place = `${target.schema}.${target.table}`;
  const message = `${tableName(table)} would land in ${place}, which is there and was not made for it`;
  return { code: 'WEIR_DUCKDB_TABLE_EXISTS', message, path: 'target' };
}

/** Two tables of one source would be one at the sink. */
export function collision(table: Table, target: QualifiedName, other: string): Problem {
  const message = `${tableName(table)} and ${other} would both land in ${target.schema}.${target.table}`;
  return { code: 'WEIR_SINK_NAME_COLLISION', message, path: 'target' };
}
