import type { MysqlClient } from '@weir/mysql';
import { WeirError, parsePattern, tableName, type CapturePlan, type CheckResult, type SourcePlan } from '@weir/sdk';
import type { MysqlConfig } from '../config.ts';
import { readCatalog, type CatalogTable } from './catalog.ts';
import { isCopiedInChunks } from '../copy/key-sql.ts';
import { shapeOf, type TableShape } from './table-shape.ts';

const NEVER = '`snapshot.mode: never`: its rows are not copied, only changes from the start on';
const IN_SNAPSHOT = 'has no key whose order is known outside of the server, so it is read in one snapshot while the stream waits';

/** What a start would capture of a server; it makes and changes nothing there. */
export async function planSource(client: MysqlClient, config: MysqlConfig): Promise<SourcePlan> {
  const all = await readCatalog(client, ['*.*']);
  const chosen = new Set((await readCatalog(client, config.tables)).map(tableName));
  const captured = all.filter((table) => chosen.has(tableName(table)) && table.kind === 'table');
  const others = all.filter((table) => !captured.includes(table)).map((table) => ({ table: tableName(table), why: whyNot(table, config) }));
  return { tables: captured.map((table) => planOf(table, config)), removed: [], others, changes: [] };
}

function planOf(catalog: CatalogTable, { snapshot, zero_dates: zeroDates }: MysqlConfig): CapturePlan {
  const { shape, problem } = shaped(catalog, zeroDates);
  const { table } = shape;
  const copy = snapshot.mode === 'never' ? 'none' : isCopiedInChunks(shape) ? 'by-key' : 'snapshot';
  const note = copy === 'none' ? NEVER : copy === 'snapshot' ? IN_SNAPSHOT : null;
  return { table, estimatedRows: catalog.estimatedRows, known: false, copy, note, problem };
}

function shaped(catalog: CatalogTable, zeroDates: MysqlConfig['zero_dates']): { shape: TableShape; problem: CheckResult | null } {
  try {
    return { shape: shapeOf(catalog, zeroDates), problem: null };
  } catch (error) {
    if (!(error instanceof WeirError)) throw error;
    const { code, message, fix } = error;
    const { namespace, name } = catalog;
    return { shape: { table: { namespace, name, version: 1, columns: [], key: [] }, columns: [] }, problem: { code, level: 'error', message, fix, path: 'tables' } };
  }
}

function whyNot(table: CatalogTable, { tables }: MysqlConfig): string {
  if (table.kind !== 'table') return `a ${table.kind}: its changes are in no log, or not as those of a table`;
  const patterns = tables.map(parsePattern);
  const excluding = patterns.find((pattern) => pattern.excludes && pattern.matches(table));
  return excluding === undefined ? 'no pattern of `tables` matches it' : `left out by ${excluding.text}`;
}
