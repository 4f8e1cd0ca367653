import { serverError } from '@weir/postgres';
import { randomBytes } from 'node:crypto';
import type pg from 'pg';
import { quoteTable, type CatalogTable } from './catalog.ts';
import { filterColumns } from './published.ts';

/** A row filter as the server understands it. */
export interface RowFilter {
  /** In the server's own words, as it shows it for a publication. */
  readonly expression: string;
  /** The columns that it reads. */
  readonly columns: readonly string[];
}

/** What the server has against it. */
export interface RefusedFilter {
  readonly refused: string;
}

/**
 * Lets the server read row filters, in a publication that is rolled back. The expression is the operator's SQL, so it goes
 * in a statement that cannot hold a second one; what is executed later is what the server made of it.
 * @param tables each with an expression; the role must own them, and may create publications
 * @returns by the oids of the tables
 */
export async function readRowFilters(
  client: pg.Client,
  tables: readonly { readonly table: CatalogTable; readonly expression: string }[],
): Promise<Map<number, RowFilter | RefusedFilter>> {
  const filters = new Map<number, RowFilter | RefusedFilter>();
  if (tables.length === 0) return filters;
  const name = `weir_trial_${randomBytes(6).toString('hex')}`;
  try {
    await client.query('BEGIN');
    await client.query(`CREATE PUBLICATION ${name} WITH (publish_via_partition_root = true)`);
    for (const { table, expression } of tables) filters.set(table.oid, await readFilter(client, name, table, expression));
  } catch (error) {
    throw serverError(error, 'reading the row filters');
  } finally {
    await client.query('ROLLBACK').catch(() => {});
  }
  return filters;
}

/** Classes of errors that are about the expression: data, syntax or rule, feature. */
const ABOUT_THE_FILTER = /^(?:22|42|0A)/;

async function readFilter(
  client: pg.Client,
  publication: string,
  table: CatalogTable,
  expression: string,
): Promise<RowFilter | RefusedFilter> {
  await client.query('SAVEPOINT filter');
  try {
    const text = `ALTER PUBLICATION ${publication} ADD TABLE ONLY ${quoteTable(table)} WHERE (${expression}\n)`;
    await client.query({ text, queryMode: 'extended' } as pg.QueryConfig);
    const found = await client.query<{ expression: string; columns: string[] | null }>(
      `SELECT pg_get_expr(r.prqual, r.prrelid) AS expression, ${filterColumns('r.prqual', 'r.prrelid')} AS columns
         FROM pg_publication_rel r JOIN pg_publication p ON p.oid = r.prpubid
        WHERE r.prrelid = $1 AND p.pubname = $2`,
      [table.oid, publication],
    );
    const row = found.rows[0]!;
    return { expression: row.expression, columns: row.columns ?? [] };
  } catch (error) {
    const { code = '', message } = error as { code?: string; message: string };
    if (!ABOUT_THE_FILTER.test(code)) throw error;
    await client.query('ROLLBACK TO SAVEPOINT filter');
    return { refused: message };
  }
}
