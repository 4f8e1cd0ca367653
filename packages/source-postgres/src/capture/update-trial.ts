import { serverError } from '@weir/postgres';
import { WeirError, tableName } from '@weir/sdk';
import type pg from 'pg';
import { quoteTable, type CatalogTable } from './catalog.ts';

/** No usable replica identity; one that is not covered by the column list or the row filter. */
const BROKEN: readonly unknown[] = ['55000', '42P10'];
/** The connected role may publish the table and not change it: then our own reading of the rules has to do. */
const NOT_ALLOWED = '42501';

/**
 * Asks the server, inside the transaction that publishes these tables, whether it would still change their rows: it looks at
 * replica identity, column list and row filter when it prepares a statement, which EXPLAIN does without running it.
 * @throws WeirError WEIR_PG_REPLICA_IDENTITY: the transaction has to be rolled back
 */
export async function refuseBrokenUpdates(client: pg.Client, tables: readonly CatalogTable[]): Promise<void> {
  // All at once; one by one only when that fails.
  if (tables.length === 0 || (await trial(client, tables)) === null) return;
  for (const table of tables) {
    const broken = await trial(client, [table]);
    if (broken === null) continue;
    const message = `${tableName(table)} cannot be published, since the server would refuse every UPDATE of it: ${broken}`;
    const fix = `Give it a primary key that is published, or ALTER TABLE ${quoteTable(table)} REPLICA IDENTITY FULL;`;
    throw new WeirError('WEIR_PG_REPLICA_IDENTITY', message, { fix, path: 'tables', table: tableName(table) });
  }
}

/** What the server has against a statement that deletes from all of them; null when nothing. */
async function trial(client: pg.Client, tables: readonly CatalogTable[]): Promise<string | null> {
  const statements = tables.map((table) => `EXPLAIN DELETE FROM ${table.partitioned ? '' : 'ONLY '}${quoteTable(table)}`);
  try {
    await client.query('SAVEPOINT trial');
    await client.query(statements.join('; '));
    await client.query('RELEASE SAVEPOINT trial');
    return null;
  } catch (error) {
    const { code, message } = error as { code?: unknown; message: string };
    if (!BROKEN.includes(code) && code !== NOT_ALLOWED) throw serverError(error, 'asking whether a table can be changed');
    await client.query('ROLLBACK TO SAVEPOINT trial');
    return code === NOT_ALLOWED && tables.length === 1 ? null : message;
  }
}
