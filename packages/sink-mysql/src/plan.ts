import type { MysqlClient } from '@weir/mysql';
import {
  logicalTypeName,
  tableName,
  targetName,
  type CheckResult,
  type ColumnPlan,
  type Shard,
  type SinkOptions,
  type Table,
  type TablePlan,
} from '@weir/sdk';
import { columnType, type TypeRules } from './column-type.ts';
import { inspectTarget, type TargetTable } from './inspect-target.ts';
import type { OwnTables } from './own-tables.ts';
import { Registry, type Owner } from './registry.ts';
import { literal, nameText, qualified } from './sql-text.ts';
import {
  checkResult,
  foreignTable,
  isOptional,
  keyNames,
  shapeFindings,
  sharedTarget,
  targetFindings,
  type Finding,
} from './table-rules.ts';
import { askOf } from './transaction.ts';

/** What a plan depends on beside the tables. */
export interface PlanContext {
  readonly options: SinkOptions;
  readonly rules: TypeRules;
  readonly own: OwnTables;
  readonly sink: Pick<Shard, 'pipeline' | 'sink'>;
}

/** What each table of the source becomes here, and why it cannot. Changes nothing. */
export async function planTables(client: MysqlClient, tables: readonly Table[], context: PlanContext): Promise<TablePlan[]> {
  const { options, own, sink } = context;
  const ask = askOf(client);
  const known = await ask(
    `SELECT 1 FROM information_schema.tables WHERE table_schema = ${literal(own.database)} AND table_name = '_weir_tables'`,
  );
  const registry = known.rows.length === 0 ? null : new Registry(ask, sink, own);
  const plans: TablePlan[] = [];
  for (const table of tables) {
    const target = targetName(table, options.target);
    const found = await inspectTarget(ask, target);
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

function findingsOf(table: Table, { found, owner, others }: Found, { options, rules }: PlanContext): Finding[] {
  const target = targetName(table, options.target);
  const findings = shapeFindings(table, target, options, rules);
  for (const other of others) findings.push(sharedTarget(table, target, other));
  if (typeof owner === 'object' && !others.includes(owner.source)) findings.push(sharedTarget(table, target, owner.source));
  if (found === null) return findings;
  if (owner === 'nobody' || owner === 'another') return [...findings, foreignTable(table, target)];
  return owner === 'own' ? [...findings, ...targetFindings(table, target, found, options, rules)] : findings;
}

function sameTarget(one: Table, other: Table, { target }: SinkOptions): boolean {
  return qualified(targetName(one, target)) === qualified(targetName(other, target));
}

function columnPlan(table: Table, index: number, found: TargetTable | null, { options, rules }: PlanContext): ColumnPlan {
  const column = table.columns[index]!;
  const { sql, note } = columnType(table, column, keyNames(table, options), rules);
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
