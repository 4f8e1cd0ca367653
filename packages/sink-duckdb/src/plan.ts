import { existsSync } from 'node:fs';
import {
  logicalTypeName,
  tableName,
  targetName,
  type Column,
  type ColumnPlan,
  type Shard,
  type Table,
  type TablePlan,
} from '@weir/sdk';
import { openDatabase, type DatabaseOptions } from './database.ts';
import { heldAs, layOut } from './layout.ts';
import { OWN_SCHEMA, OwnTables } from './own-tables.ts';
import { collision, ownershipProblem } from './ownership.ts';
import { problemFinding, type Problem } from './problem.ts';
import { shapeProblems } from './shape-check.ts';
import type { SinkRules } from './sink-rules.ts';
import { foldName, type QualifiedName } from './sql-text.ts';
import { isThere, readTarget, type CatalogReader, type TargetTable } from './target-catalog.ts';
import { Transaction } from './transaction.ts';
import { columnType } from './types.ts';

/** What is planned, for whom. */
export interface PlanRequest {
  readonly tables: readonly Table[];
  readonly rules: SinkRules;
  readonly of: Pick<Shard, 'pipeline' | 'sink'>;
}

/** What each table would become. Changes nothing; a file that is not there is not made. */
export async function planTables(
  path: string,
  options: DatabaseOptions,
  request: PlanRequest,
  signal: AbortSignal,
): Promise<TablePlan[]> {
  signal.throwIfAborted();
  if (!existsSync(path)) return planEach(request, null, signal);
  const database = await openDatabase(path, options);
  try {
    const connection = await database.connect();
    try {
      return await planEach(request, { reader: new Transaction(connection), database: database.name }, signal);
    } finally {
      connection.closeSync();
    }
  } finally {
    await database.release();
  }
}

/** An open file. */
interface PlannedFile {
  readonly reader: CatalogReader;
  readonly database: string;
}

async function planEach(
  { tables, rules, of }: PlanRequest,
  file: PlannedFile | null,
  signal: AbortSignal,
): Promise<TablePlan[]> {
  const plans: TablePlan[] = [];
  const names = tables.map((table) => ({ database: file?.database ?? '', ...targetName(table, rules.target) }));
  const keys = names.map((name) => foldName(JSON.stringify([name.schema, name.table])));
  for (const [index, table] of tables.entries()) {
    signal.throwIfAborted();
    const name = names[index]!;
    const other = tables.find((_, place) => place !== index && keys[place] === keys[index]);
    const { found, problems } = await lookUp(table, name, { rules, of }, file);
    if (other !== undefined) problems.unshift(collision(table, name, tableName(other)));
    problems.push(...shapeProblems(table, rules));
    const refused = problems.some((problem) => problem.mayPass !== true);
    plans.push({
      table: tableName(table),
      target: `${name.schema}.${name.table}`,
      action: refused ? 'refuse' : found === null ? 'create' : 'use',
      columns: table.columns.map((column) => planColumn(column, found, rules)),
      findings: problems.map(problemFinding),
    });
  }
  return plans;
}

/** The table that is there, if it is Weir's own, and what stands against its use. */
async function lookUp(
  table: Table,
  name: QualifiedName,
  { rules, of }: Omit<PlanRequest, 'tables'>,
  file: PlannedFile | null,
): Promise<{ found: TargetTable | null; problems: Problem[] }> {
  if (file === null || !(await isThere(file.reader, name))) {
    // Weir's own tables are made before the first one of a source.
    const isOwn = foldName(name.schema) === OWN_SCHEMA && ['checkpoint', 'tables'].includes(foldName(name.table));
    const problem = isOwn ? ownershipProblem(table, name, { owner: 'nobody', of: '' }) : null;
    return { found: null, problems: problem === null ? [] : [problem] };
  }
  const knows = await isThere(file.reader, { database: file.database, schema: OWN_SCHEMA, table: 'tables' });
  const owner = knows
    ? await new OwnTables(file.reader, file.database, of).owner(table, name)
    : ({ owner: 'nobody', of: '' } as const);
  const problem = ownershipProblem(table, name, owner);
  if (problem !== null) return { found: null, problems: [problem] };
  const found = await readTarget(file.reader, name);
  if (found === null) return { found, problems: [] };
  return { found, problems: layOut(table, name, found, rules).problems };
}

function planColumn(column: Column, found: TargetTable | null, rules: SinkRules): ColumnPlan {
  const there = found?.columns.find(({ name }) => foldName(name) === foldName(column.name));
  const type =
    (there === undefined ? null : heldAs(column.type, there.sql, rules)) ?? columnType(column.type, rules.decimals);
  const note = noteOf(column, type?.sql ?? null, rules);
  return {
    column: column.name,
    sourceType: column.sourceType,
    logicalType: logicalTypeName(column.type),
    sinkType: type?.sql ?? null,
    ...(note === null ? {} : { note }),
  };
}

/** What is different or lost. */
function noteOf({ type }: Column, sql: string | null, rules: SinkRules): string | null {
  switch (type.kind) {
    case 'decimal':
      return decimalNote(sql, columnType(type, 'error') === null, rules);
    case 'date':
      return 'years until 5881580';
    case 'timestamp':
    case 'timestamptz':
      return 'until 294247-01-10';
    case 'timetz':
    case 'interval':
      return 'the text as the source writes it: DuckDB’s own type would lose a part of it';
    case 'array':
      return 'a JSON array';
    case 'other':
      return 'the text as the source writes it';
    default:
      return null;
  }
}

function decimalNote(sql: string | null, isUnbounded: boolean, { decimals }: SinkRules): string | null {
  if (sql === 'VARCHAR') return 'the source’s digits as text; `decimals` can give it a number type';
  if (sql === 'DOUBLE') return 'lossy: rounded to about 17 digits (`decimals: double`)';
  if (isUnbounded && typeof decimals === 'object') return 'a value that does not fit stops the table (`decimals`)';
  return decimals === 'varchar' ? 'becomes VARCHAR when a NaN or an infinity comes' : 'a NaN or an infinity stops the table';
}
