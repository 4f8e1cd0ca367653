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
import type pg from 'pg';
import { inspectTarget, type TargetTable } from './inspect-target.ts';
import { OWN_SCHEMA } from './own-tables.ts';
import { Registry, type Owner } from './registry.ts';
import { nameText, qualified } from './sql-text.ts';
import {
  checkResult,
  foreignTable,
  isOptional,
  shapeFindings,
  sharedTarget,
  targetFindings,
  type Finding,
} from './table-rules.ts';
import { askOf } from './transaction.ts';
import { columnType } from './types.ts';

/** What each table of the source becomes here, and why it cannot. Changes nothing. */
export async function planTables(
  client: pg.Client,
  tables: readonly Table[],
  options: SinkOptions,
  sink: Pick<Shard, 'pipeline' | 'sink'>,
): Promise<TablePlan[]> {
  const ask = askOf(client);
  const [known] = (await ask(`SELECT to_regclass('${OWN_SCHEMA}.tables')`)).rows;
  const registry = known?.[0] == null ? null : new Registry(ask, sink);
  const plans: TablePlan[] = [];
  for (const table of tables) {
    const target = targetName(table, options.target);
    const found = await inspectTarget(ask, target);
    const owner = (await registry?.owner(table, target)) ?? 'nobody';
    const others = tables.filter((other) => other !== table && sameTarget(other, table, options)).map(tableName);
    const findings = findingsOf(table, { found, owner, others }, options);
    plans.push({
      table: tableName(table),
      target: nameText(target),
      action: findings.length > 0 ? 'refuse' : found === null ? 'create' : 'use',
      columns: table.columns.map((_, index) => columnPlan(table, index, owner === 'own' ? found : null, options)),
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

function findingsOf(table: Table, { found, owner, others }: Found, options: SinkOptions): Finding[] {
  const target = targetName(table, options.target);
  const findings = shapeFindings(table, target, options);
  for (const other of others) findings.push(sharedTarget(table, target, other));
  if (typeof owner === 'object' && !others.includes(owner.source)) findings.push(sharedTarget(table, target, owner.source));
  if (found === null) return findings;
  if (owner === 'nobody' || owner === 'another') return [...findings, foreignTable(table, target)];
  return owner === 'own' ? [...findings, ...targetFindings(table, target, found, options)] : findings;
}

function sameTarget(one: Table, other: Table, { target }: SinkOptions): boolean {
  return qualified(targetName(one, target)) === qualified(targetName(other, target));
}

function columnPlan(table: Table, index: number, found: TargetTable | null, options: SinkOptions): ColumnPlan {
  const column = table.columns[index]!;
  const { sql, note } = columnType(column);
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
