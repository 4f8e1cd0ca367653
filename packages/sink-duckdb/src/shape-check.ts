import { historyColumns, logicalTypeName, softDeleteColumn, tableName, type Column, type Table } from '@weir/sdk';
import type { Problem } from './problem.ts';
import { marksDeletes, type SinkRules } from './sink-rules.ts';
import { foldName, identifier } from './sql-text.ts';
import { columnType } from './types.ts';

/** The columns that Weir adds behind the source's own. */
export function ownColumns(rules: SinkRules): readonly Column[] {
  if (rules.mode === 'append') return historyColumns;
  return marksDeletes(rules) ? [softDeleteColumn] : [];
}

/** What a table has that this sink cannot take, whatever is there already. */
export function shapeProblems(table: Table, rules: SinkRules): Problem[] {
  const name = tableName(table);
  const problems: Problem[] = [];
  if (table.insertsOnly === true && rules.mode === 'mirror') {
    const message = `of ${name} the source sends inserts only, so a mirror of it would be wrong`;
    problems.push({ code: 'WEIR_SINK_INSERTS_ONLY', message, path: 'mode' });
  }
  for (const { name: column, type, sourceType } of table.columns) {
    if (columnType(type, rules.decimals) !== null) continue;
    const what = `${name}.${column} is ${sourceType} (${logicalTypeName(type)})`;
    const message = `${what}, for which DuckDB has no type as configured`;
    problems.push({ code: 'WEIR_SINK_TYPE', message, path: type.kind === 'decimal' ? 'decimals' : undefined });
  }
  return [...problems, ...nameProblems(table, rules)];
}

/** DuckDB does not tell upper from lower case in the names of columns. */
function nameProblems(table: Table, rules: SinkRules): Problem[] {
  const own = ownColumns(rules).map((column) => column.name);
  const seen = new Set(own.map(foldName));
  const problems: Problem[] = [];
  for (const { name } of table.columns) {
    const folded = foldName(name);
    if (seen.has(folded)) {
      const message = own.includes(folded)
        ? `${tableName(table)} has a column ${identifier(name)}, which Weir adds itself`
        : `${tableName(table)} has two columns ${identifier(name)}: DuckDB does not tell upper from lower case`;
      const fix = 'Leave the column out of the publication, or rename it.';
      problems.push({ code: 'WEIR_SINK_NAME_COLLISION', message, fix });
    }
    seen.add(folded);
  }
  return problems;
}
