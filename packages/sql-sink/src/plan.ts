import {
  logicalTypeName,
  tableName,
  targetName,
  type CheckResult,
  type ColumnPlan,
  type SinkOptions,
  type Table,
  type TablePlan,
} from '@weir/sdk';
import type { Dialect } from './dialect.ts';
import { checkResult, type Finding } from './finding.ts';
import { nameText, type QualifiedName } from './quoting.ts';
import type { Owner, Registry } from './registry.ts';
import { isOptional, keyNames } from './table-options.ts';
import { foreignTable, shapeFindings, sharedTarget, targetFindings } from './table-rules.ts';
import type { TargetTable } from './target-table.ts';

/** What a plan depends on beside the tables. */
export interface PlanContext {
  readonly dialect: Dialect;
  readonly options: SinkOptions;
  /** Null where Weir has not been yet. */
  readonly registry: Registry | null;
  readonly inspect: (target: QualifiedName) => Promise<TargetTable | null>;
}

/** What each table of the source becomes here, and why it cannot. Changes nothing. */
export async function planTables(tables: readonly Table[], context: PlanContext): Promise<TablePlan[]> {
  const { options, registry } = context;
  const plans: TablePlan[] = [];
  for (const table of tables) {
    const target = targetName(table, options.target);
    const found = await context.inspect(target);
    const owner = (await registry?.owner(table, target)) ?? 'nobody';
    const others = tables.filter((other) => other !== table && sameTarget(other, table, options)).map(tableName);
    const findings = findingsOf(table, { found, owner, others }, context);
    plans.push({
      table: tableName(table),
      target: nameText(target),
      action: findings.length > 0 ? 'refuse' : found === null ? 'create' : 'use',
      columns: table.columns.map((_, index) => columnPlan(table, index, owner === 'own' ? found : null, context)),
      findings: findings.map((finding) => placed(finding)),
    });
  }
  return plans;
}

interface Found {
  readonly found: TargetTable | null;
  readonly owner: Owner;
  /** Other tables of the plan that would land in the same place. */
  readonly others: readonly string[];
}

function findingsOf(table: Table, { found, owner, others }: Found, { dialect, options }: PlanContext): Finding[] {
  const target = targetName(table, options.target);
  const findings = shapeFindings(dialect, table, target, options);
  for (const other of others) findings.push(sharedTarget(table, target, other));
  if (typeof owner === 'object' && !others.includes(owner.source)) findings.push(sharedTarget(table, target, owner.source));
  if (found === null) return findings;
  if (owner === 'nobody' || owner === 'another') return [...findings, foreignTable(dialect, table, target)];
  return owner === 'own' ? [...findings, ...targetFindings(dialect, table, target, found, options)] : findings;
}

function sameTarget(one: Table, other: Table, { target }: SinkOptions): boolean {
  const [a, b] = [targetName(one, target), targetName(other, target)];
  return a.schema === b.schema && a.table === b.table;
}

function columnPlan(table: Table, index: number, found: TargetTable | null, { dialect, options }: PlanContext): ColumnPlan {
  const column = table.columns[index]!;
  const { sql, note } = dialect.columnType(table, column, keyNames(table, options));
  const leftOut =
    found !== null && !found.columns.some(({ name }) => name === column.name) && isOptional(table, column, options);
  const said = leftOut ? 'left out: the sink’s table does not have it, and new columns are ignored' : note;
  return {
    column: column.name,
    sourceType: column.sourceType,
    logicalType: logicalTypeName(column.type),
    sinkType: sql,
    ...(said === undefined ? {} : { note: said }),
  };
}

/** Names and places are mended with `target`. */
function placed(finding: Finding): CheckResult {
  const byTarget = /NAME|TABLE_EXISTS/.test(finding.code);
  return byTarget ? { ...checkResult(finding), path: 'target' } : checkResult(finding);
}
