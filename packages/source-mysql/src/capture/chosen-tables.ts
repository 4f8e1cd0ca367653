import { isDeepStrictEqual } from 'node:util';
import { query, type MysqlClient } from '@weir/mysql';
import { tableName, toWeirError, type TableName } from '@weir/sdk';
import type { TableState } from '../checkpoint-state.ts';
import { quoteTable } from '../copy/chunk-snapshot.ts';
import { readServerLog, type ServerLog } from '../server-log.ts';
import { readCatalog, type CatalogTable } from './catalog.ts';
import { columnStates } from './table-shape.ts';

/** The tables that a pipeline reads, in the order of their names: views and the like are passed over. */
export async function chosenTables(client: MysqlClient, patterns: readonly string[]): Promise<CatalogTable[]> {
  return (await readCatalog(client, patterns)).filter(({ kind }) => kind === 'table');
}

/** How often it is looked whether tables came or went meanwhile. */
const MOST_LOOKS = 20;

/**
 * The tables that a pipeline reads as they are at an end of the log, and that end: what alters them later is in the log behind it. None of them can be
 * altered while both are read. Where tables come and go without end the last look is taken: one that the log makes a second time is copied.
 * @throws WeirError WEIR_MYSQL_LOCKED when a statement alters a table for long, WEIR_MYSQL_LOG_SETTINGS; what `serverError` says
 */
export async function tablesAtEnd(client: MysqlClient, patterns: readonly string[]): Promise<{ readonly chosen: readonly CatalogTable[]; readonly log: ServerLog }> {
  for (let look = 1; ; look++) {
    const before = await chosenTables(client, patterns);
    // The catalog is read as it is by then, not as it was when the first table was locked.
    await query(client, 'SET TRANSACTION ISOLATION LEVEL READ COMMITTED');
    await query(client, 'START TRANSACTION READ ONLY');
    for (const table of before) await passLock(client, table);
    const log = await readServerLog(client);
    const chosen = await chosenTables(client, patterns);
    await query(client, 'COMMIT');
    if (look === MOST_LOOKS || isDeepStrictEqual(chosen.map(tableName), before.map(tableName))) return { chosen, log };
  }
}

/**
 * Waits for whoever alters a table: it shows in the log a little before it shows in the catalog, and the table is locked until then. Nobody alters it
 * until the transaction ends in which this is called, if any.
 * @throws WeirError what `serverError` says; not when the table is gone, which the log says as well, or the catalog
 */
export async function passLock(client: MysqlClient, table: TableName): Promise<void> {
  try {
    await query(client, `SELECT 1 FROM ${quoteTable(table)} LIMIT 0`);
  } catch (error) {
    if (toWeirError(error).code !== 'WEIR_MYSQL_QUERY') throw error;
  }
}

/**
 * The state of a table at a pipeline's first start.
 * @param uncopied as the catalog has it, where only changes are read of it; null where it is to be copied
 */
export function unreadState({ namespace, name, key }: CatalogTable, uncopied: CatalogTable | null): TableState {
  const named = { namespace, name, reason: 'first', version: 1 } as const;
  if (uncopied === null) return { ...named, columns: [], key: [], copy: { upTo: null, rows: 0 } };
  return { ...named, columns: columnStates(uncopied), key };
}
