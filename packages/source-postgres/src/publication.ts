import { query, quoteIdentifier } from '@weir/postgres';
import { WeirError, tableName } from '@weir/sdk';
import type pg from 'pg';
import { quoteTable, type CatalogTable } from './catalog.ts';
import type { PostgresState } from './position.ts';

export interface Publication {
  readonly name: string;
  readonly oid: number;
  /** Weir created it, so Weir may change it. */
  readonly owned: boolean;
}

/** Columns and rows of a table that a publication has; null = all. A copy reads just those, as the stream sends them. */
export interface PublishedTable {
  readonly columns: readonly string[] | null;
  readonly rowFilter: string | null;
}

/** The publication, made with `tables` when it is missing. */
export async function ensurePublication(
  client: pg.Client,
  name: string,
  tables: readonly CatalogTable[],
): Promise<Publication> {
  const found = await findPublication(client, name);
  if (found !== null) return { name, oid: found, owned: false };
  const list = tables.map(quoteTable).join(', ');
  await query(
    client,
    `CREATE PUBLICATION ${quoteIdentifier(name)} FOR TABLE ${list} WITH (publish_via_partition_root = true)`,
  );
  return { name, oid: (await findPublication(client, name))!, owned: true };
}

/**
 * Holds the publication against the checkpoint: rows written while it was away would be missing without a word
 * (invariant 6).
 * @throws WeirError WEIR_PG_PUBLICATION_MISSING, WEIR_PG_PUBLICATION_CHANGED
 */
export async function checkPublication(client: pg.Client, state: PostgresState): Promise<Publication> {
  const { name, oid } = state.publication;
  const found = await findPublication(client, name);
  if (found === null) throw new WeirError('WEIR_PG_PUBLICATION_MISSING', `publication ${name} is gone`);
  if (found !== oid) throw new WeirError('WEIR_PG_PUBLICATION_CHANGED', `publication ${name} was dropped and made again`);
  return state.publication;
}

/** The oid of each member's entry in the publication, by the table's oid. */
export async function memberOids(client: pg.Client, publication: Publication): Promise<Map<number, number>> {
  const rows = await query(client, 'SELECT prrelid, oid FROM pg_publication_rel WHERE prpubid = $1', [publication.oid]);
  return new Map(rows.map((row) => [Number(row['prrelid']), Number(row['oid'])]));
}

/**
 * The same for a stream that runs: a publication without a table gives no rows of it and no error.
 * @throws WeirError WEIR_PG_PUBLICATION_MISSING, WEIR_PG_PUBLICATION_CHANGED
 */
export async function checkMembers(client: pg.Client, state: PostgresState): Promise<void> {
  const members = await memberOids(client, await checkPublication(client, state));
  for (const [name, { oid, member }] of Object.entries(state.tables)) {
    if ((members.get(oid) ?? 0) === member) continue;
    // Its members go with the publication, which may have gone between the two questions.
    await checkPublication(client, state);
    throw new WeirError(
      'WEIR_PG_PUBLICATION_CHANGED',
      `${name} was dropped, or taken out of publication ${state.publication.name}`,
    );
  }
}

async function findPublication(client: pg.Client, name: string): Promise<number | null> {
  const [row] = await query(client, 'SELECT oid FROM pg_publication WHERE pubname = $1', [name]);
  return row === undefined ? null : Number(row['oid']);
}

/** Takes tables into a publication of Weir's own, and out of it. */
export async function alterPublication(
  client: pg.Client,
  publication: Publication,
  change: { readonly add: readonly CatalogTable[]; readonly drop: readonly CatalogTable[] },
): Promise<void> {
  const members = await publishedTables(client, publication.name);
  const add = change.add.filter((table) => !members.has(tableName(table)));
  const drop = change.drop.filter((table) => members.has(tableName(table)));
  const alter = `ALTER PUBLICATION ${quoteIdentifier(publication.name)}`;
  if (add.length > 0) {
    const sql = `${alter} ADD TABLE ${add.map(quoteTable).join(', ')}`;
    if (!publication.owned || add.some((table) => !table.owned)) {
      const message = `publication ${publication.name} does not have ${add.map(tableName).join(', ')}`;
      throw new WeirError('WEIR_PG_GRANT_PUBLICATION', message, { fix: `${sql};`, path: 'publication' });
    }
    await query(client, sql);
  }
  if (drop.length > 0 && publication.owned) await query(client, `${alter} DROP TABLE ${drop.map(quoteTable).join(', ')}`);
}

/** What a publication publishes, by `namespace.name`. Column lists and row filters exist from PostgreSQL 15 on. */
export async function publishedTables(client: pg.Client, name: string): Promise<Map<string, PublishedTable>> {
  const [version] = await query(client, "SELECT current_setting('server_version_num')::int >= 150000 AS lists");
  const extra =
    version!['lists'] === 't'
      ? 'array_to_json(attnames::text[]) AS attnames, rowfilter'
      : 'NULL AS attnames, NULL AS rowfilter';
  const rows = await query(client, `SELECT schemaname, tablename, ${extra} FROM pg_publication_tables WHERE pubname = $1`, [
    name,
  ]);
  return new Map(
    rows.map((row) => [
      `${row['schemaname']}.${row['tablename']}`,
      {
        columns: row['attnames'] === null ? null : (JSON.parse(row['attnames']!) as string[]),
        rowFilter: row['rowfilter'] ?? null,
      },
    ]),
  );
}
