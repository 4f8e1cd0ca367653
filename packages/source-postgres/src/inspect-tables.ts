import { quoteIdentifier } from '@weir/postgres';
import { errorCodes, tableName, type CheckResult } from '@weir/sdk';
import { quoteTable, type CatalogTable } from './catalog.ts';
import type { PostgresConfig } from './config.ts';

/** Whether tables match, may be read whole, and have a key. @param role the one that is connected */
export function tableResults(tables: readonly CatalogTable[], config: PostgresConfig, role: string): CheckResult[] {
  const code = 'WEIR_PG_TABLES_NONE';
  if (tables.length === 0) {
    const message = `no table matches ${config.tables.join(', ')}`;
    return [{ code, level: 'error', message, fix: errorCodes[code].remedy, path: 'tables' }];
  }
  const results: CheckResult[] = [{ code, level: 'ok', message: `${tables.length} tables match` }];
  for (const table of tables) results.push(...accessResults(table, role), ...identityResults(table));
  return results;
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

/** Publishing a table without an identity would make the application's own UPDATE and DELETE fail. */
function identityResults(table: CatalogTable): CheckResult[] {
  const code = 'WEIR_PG_REPLICA_IDENTITY';
  const name = tableName(table);
  if (table.table.key.length === 0 || table.replicaIdentity === 'n') {
    const message = `${name} has no key by which its rows could be told apart`;
    const fix = `ALTER TABLE ${quoteTable(table)} ADD PRIMARY KEY (…); or leave it out: "!${name}" in tables.`;
    return [{ code, level: 'error', message, fix, path: 'tables' }];
  }
  const [partition] = table.deviating;
  if (partition === undefined) return [];
  const message = `partition ${partition} of ${name} has another replica identity than ${name}`;
  const fix = `ALTER TABLE ${partition} REPLICA IDENTITY …; as ${name} has it.`;
  return [{ code, level: 'error', message, fix, path: 'tables' }];
}
