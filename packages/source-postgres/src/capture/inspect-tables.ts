import { quoteIdentifier } from '@weir/postgres';
import { tableName, patternOf, type CheckResult } from '@weir/sdk';
import type { Capture } from './capture.ts';
import { quoteTable, type CatalogTable, type DeviatingPartition } from './catalog.ts';
import { identityProblem, type IdentityProblem } from './identity.ts';
import { listed } from './inspect-choice.ts';

/** Whether each table may be read whole and has a usable key, and what of it is captured. @param role the one connected */
export function tableResults(capture: Capture, role: string): CheckResult[] {
  return capture.tables.flatMap((table) => [
    ...accessResults(table, role),
    ...partitionResults(table),
    ...identityResults(table, capture),
    ...scopeResults(table),
  ]);
}

function accessResults(table: CatalogTable, role: string): CheckResult[] {
  const code = 'WEIR_PG_GRANT_SELECT';
  const name = tableName(table);
  const to = quoteIdentifier(role);
  if (table.unreadable.length > 0) {
    // A copy reads partitions one by one, so it needs the right to each.
    const fix = `GRANT SELECT ON ${table.unreadable.join(', ')} TO ${to};`;
    return [{ code, level: 'error', message: `role ${role} may not read ${name}`, fix }];
  }
  if (!table.filtered) return [];
  const message = `row security hides rows of ${name} from role ${role}`;
  return [{ code, level: 'error', message, fix: `ALTER ROLE ${to} BYPASSRLS;` }];
}

/** Each partition has to be in the log, and to be identified as the whole is: its rows come under the name of the whole. */
function partitionResults(table: CatalogTable): CheckResult[] {
  const name = tableName(table);
  const results: CheckResult[] = [];
  if (table.unlogged.length > 0) {
    const partitions = listed(table.unlogged);
    const message = `${name} has partitions whose rows are in no log (unlogged, or foreign tables): ${partitions}`;
    const fix = `Make them logged tables, set \`partitions: leaves\`, or leave it out: ${excluding(table)} in tables.`;
    results.push({ code: 'WEIR_PG_TABLE_KIND', level: 'error', message, fix, path: 'tables' });
  }
  const [partition, ...others] = table.scope.insertsOnly ? [] : table.deviating;
  if (partition !== undefined) {
    const more = others.length > 0 ? `, and ${others.length} more` : '';
    const message = `partition ${partition.name}${more} of ${name} has another replica identity than ${name}`;
    const alter = (leaf: DeviatingPartition): string =>
      `ALTER TABLE ${leaf.name} REPLICA IDENTITY ${asRoot(table, leaf.index)};`;
    const fix = listed(table.deviating.map(alter), ' ');
    results.push({ code: 'WEIR_PG_REPLICA_IDENTITY', level: 'error', message, fix, path: 'tables' });
  }
  return results;
}

function asRoot({ replicaIdentity }: CatalogTable, index: string | null): string {
  if (replicaIdentity === 'f') return 'FULL';
  if (replicaIdentity === 'n') return 'NOTHING';
  return replicaIdentity === 'd' ? 'DEFAULT' : `USING INDEX ${index === null ? '…' : quoteIdentifier(index)}`;
}

/** Publishing a table without a usable identity would make the application's own UPDATE and DELETE fail. */
function identityResults(table: CatalogTable, capture: Capture): CheckResult[] {
  const code = 'WEIR_PG_REPLICA_IDENTITY';
  const problem = identityProblem(table, table.scope, capture.version);
  const name = tableName(table);
  const { main } = capture;
  if (table.scope.insertsOnly) {
    const inserts = `${name} has no key: only its inserts and truncates are captured`;
    if (table.scope.publishedIn === 'inserts') return [{ code, level: 'ok', message: inserts }];
    const message = `${inserts}; publication ${main.name} has its updates too, so the server refuses the application’s`;
    const fix = `ALTER TABLE ${quoteTable(table)} REPLICA IDENTITY FULL;`;
    return [{ code, level: 'warning', message, fix, path: 'publication' }];
  }
  if (problem === null) return [];
  const explained = explainProblem(table, problem);
  const foreign = !main.own && (problem.kind === 'list' || problem.kind === 'filter');
  return [{ code, level: 'error', ...explained, path: foreign ? 'publication' : explained.path }];
}

function explainProblem(
  table: CatalogTable,
  { kind, columns }: IdentityProblem,
): { message: string; fix: string; path: string } {
  const name = tableName(table);
  const alter = `ALTER TABLE ${quoteTable(table)}`;
  const names = columns.join(', ');
  const insertOnly = 'set `without_key: insert_only` to have its inserts alone';
  const leaveOut = `${insertOnly}; or leave it out: ${excluding(table)} in tables.`;
  if (kind === 'filter') {
    const message = `the row filter of ${name} reads ${names}, which is not in its replica identity`;
    const fix = `${alter} REPLICA IDENTITY FULL; or filter on its key alone.`;
    return { message, fix: table.scope.listed ? 'Filter on the columns of its key alone.' : fix, path: 'rows' };
  }
  if (kind === 'list' && table.replicaIdentity === 'f') {
    const message = `${name} has REPLICA IDENTITY FULL, so all of its columns have to be published`;
    return { message, fix: `${keyInstead(table)}; or leave the table out of \`columns\`.`, path: 'columns' };
  }
  if (kind === 'list') {
    const message = `the columns of ${name} that are published lack ${names} of its key`;
    return { message, fix: `Add ${names} to them.`, path: 'columns' };
  }
  if (kind === 'generated' && table.replicaIdentity === 'f') {
    const message = `${name} has REPLICA IDENTITY FULL and generated columns that are not published: ${names}`;
    return { message, fix: `${keyInstead(table)}; or ${leaveOut}`, path: 'tables' };
  }
  const message =
    kind === 'generated'
      ? `the key of ${name} has the generated column ${names}, which is not published`
      : `${name} has no key by which its rows could be told apart`;
  return { message, fix: `${keyFixes(table).join(' or ')} or ${leaveOut}`, path: 'tables' };
}

/** What gives a table a replica identity; the safest first. */
function keyFixes(table: CatalogTable): string[] {
  const alter = `ALTER TABLE ${quoteTable(table)}`;
  const fixes: string[] = [];
  if (table.primaryKey.length === 0) fixes.push(`${alter} ADD PRIMARY KEY (…);`);
  else if (table.replicaIdentity === 'n') fixes.push(`${alter} REPLICA IDENTITY DEFAULT;`);
  if (table.identityIndex !== null) {
    fixes.push(`${alter} REPLICA IDENTITY USING INDEX ${quoteIdentifier(table.identityIndex)};`);
  }
  return [...fixes, `${alter} REPLICA IDENTITY FULL;`];
}

/** What makes a key the replica identity of a table that has FULL; without a semicolon. */
function keyInstead(table: CatalogTable): string {
  const alter = `ALTER TABLE ${quoteTable(table)}`;
  const key = table.primaryKey.length === 0 ? `${alter} ADD PRIMARY KEY (…); ` : '';
  return `${key}${alter} REPLICA IDENTITY DEFAULT`;
}

function excluding(table: CatalogTable): string {
  const pattern = `!${patternOf(table)}`;
  return pattern.includes('"') ? `'${pattern.replaceAll("'", "''")}'` : `"${pattern}"`;
}

/** What of a table is left out. */
function scopeResults(table: CatalogTable): CheckResult[] {
  const results: CheckResult[] = [];
  const name = tableName(table);
  const captured = new Set(table.columns.map((column) => column.name));
  const generated = table.generated.filter((column) => !captured.has(column.name));
  if (generated.length > 0 && !table.scope.listed) {
    const columns = listed(generated.map((column) => `${column.name} (${column.kind})`));
    const message = `${name} without its generated columns, which the stream does not have: ${columns}`;
    results.push({ code: 'WEIR_PG_COLUMNS', level: 'ok', message });
  }
  if (table.scope.listed) {
    const message = `${name} with the columns ${listed(table.columns.map((column) => column.name))}`;
    results.push({ code: 'WEIR_PG_COLUMNS', level: 'ok', message });
  }
  if (table.scope.rowFilter !== null) {
    const message = `${name} with the rows where ${table.scope.rowFilter}`;
    results.push({ code: 'WEIR_PG_ROW_FILTER', level: 'ok', message });
  }
  return results;
}
