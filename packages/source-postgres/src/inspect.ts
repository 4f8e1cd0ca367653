import { query, quoteIdentifier } from '@weir/postgres';
import { WeirError, errorCodes, tableName, type CheckResult, type ErrorCode } from '@weir/sdk';
import type pg from 'pg';
import { quoteTable, readCatalog, type CatalogTable } from './catalog.ts';
import type { PostgresConfig } from './config.ts';
import { tableResults } from './inspect-tables.ts';
import { publishedTables } from './publication.ts';
import { selectTables } from './table-pattern.ts';

/** What `check` and `open` need to know of a server before anything is changed there. */
export interface Inspection {
  readonly results: readonly CheckResult[];
  readonly tables: readonly CatalogTable[];
}

const SERVER = `
  SELECT current_setting('server_version_num')::int AS version, current_setting('server_version') AS version_text,
         current_setting('wal_level') AS wal_level, pg_is_in_recovery() AS standby, current_user AS role,
         current_database() AS database,
         current_setting('max_replication_slots')::int AS max_slots,
         (SELECT count(*) FROM pg_replication_slots) AS slots,
         coalesce((SELECT rolreplication OR rolsuper FROM pg_roles WHERE rolname = current_user), false)
           OR (SELECT coalesce(bool_or(pg_has_role(current_user, oid, 'USAGE')), false)
                 FROM pg_roles WHERE rolname IN ('rds_replication', 'rds_superuser')) AS replication,
         has_database_privilege(current_database(), 'CREATE') AS create_publication`;

/** Looks at everything that a pipeline needs of its server; changes nothing. The first errors come first. */
export async function inspectServer(
  client: pg.Client,
  config: PostgresConfig,
  names: { readonly slot: string; readonly publication: string },
): Promise<Inspection> {
  const [server] = await query(client, SERVER);
  const results: CheckResult[] = [];
  const expect = (fine: boolean, code: ErrorCode, ok: string, message: string, fix?: string, path?: string): void => {
    results.push(
      fine
        ? { code, level: 'ok', message: ok }
        : { code, level: 'error', message, fix: fix ?? errorCodes[code].remedy, ...(path === undefined ? {} : { path }) },
    );
  };
  const row = server!;
  const role = quoteIdentifier(row['role']!);
  expect(
    Number(row['version']) >= 140_000,
    'WEIR_PG_VERSION',
    `PostgreSQL ${row['version_text']}`,
    `PostgreSQL ${row['version_text']} is too old`,
  );
  expect(row['standby'] === 'f', 'WEIR_PG_STANDBY', 'the server is a primary', 'the server is a standby');
  expect(
    row['wal_level'] === 'logical',
    'WEIR_PG_WAL_LEVEL',
    'wal_level is logical',
    `wal_level is ${row['wal_level']}, not logical`,
  );
  expect(
    row['replication'] === 't',
    'WEIR_PG_GRANT_REPLICATION',
    'the role may replicate',
    `role ${row['role']} may not replicate`,
    `ALTER ROLE ${role} REPLICATION;`,
    'url',
  );
  const slotExists =
    (await query(client, 'SELECT 1 FROM pg_replication_slots WHERE slot_name = $1', [names.slot])).length > 0;
  results.push(slotResult(Number(row['slots']), Number(row['max_slots']), slotExists));
  const tables = selectTables(await readCatalog(client), config.tables);
  results.push(...tableResults(tables, config, row['role']!));
  results.push(...(await publicationResults(client, tables, names.publication, row)));
  return { results: results.toSorted((a, b) => Number(b.level === 'error') - Number(a.level === 'error')), tables };
}

/** The pipeline needs a slot of its own, and for the time of a copy another. */
function slotResult(slots: number, most: number, slotExists: boolean): CheckResult {
  const code = 'WEIR_PG_SLOTS_FULL';
  const used = `${slots} of ${most} replication slots are in use`;
  const needed = slots + (slotExists ? 1 : 2);
  if (needed <= most) return { code, level: 'ok', message: used };
  const fix = `ALTER SYSTEM SET max_replication_slots = ${needed + 4}; then restart the server.`;
  if (slotExists) return { code, level: 'warning', message: `${used}: the pipeline goes on, but cannot copy a table`, fix };
  return { code, level: 'error', message: `${used}; the pipeline needs one and its first copy another`, fix };
}

async function publicationResults(
  client: pg.Client,
  tables: readonly CatalogTable[],
  publication: string,
  server: Record<string, string | null>,
): Promise<CheckResult[]> {
  const code = 'WEIR_PG_GRANT_PUBLICATION';
  const [existing] = await query(
    client,
    `SELECT pubinsert AND pubupdate AND pubdelete AND pubtruncate AS whole, pubviaroot
       FROM pg_publication WHERE pubname = $1`,
    [publication],
  );
  if (existing !== undefined) {
    const whole =
      existing['whole'] === 't' && (existing['pubviaroot'] === 't' || !tables.some((table) => table.partitioned));
    if (!whole) {
      const options = "publish = 'insert, update, delete, truncate', publish_via_partition_root = true";
      const fix = `ALTER PUBLICATION ${quoteIdentifier(publication)} SET (${options});`;
      const message = `publication ${publication} leaves out some kinds of change`;
      return [{ code: 'WEIR_PG_PUBLICATION_OPTIONS', level: 'error', message, fix, path: 'publication' }];
    }
    const published = await publishedTables(client, publication);
    const partial = tables.find((table) => !hasAllColumns(table, published.get(tableName(table))?.columns ?? null));
    if (partial === undefined) return [{ code, level: 'ok', message: `publication ${publication} exists` }];
    const message = `publication ${publication} has other columns of ${tableName(partial)} than its own`;
    const fix = 'Publish the table without a column list and without generated columns.';
    return [{ code: 'WEIR_PG_PUBLICATION_OPTIONS', level: 'error', message, fix, path: 'publication' }];
  }
  const foreign = tables.find((table) => !table.owned);
  const list = tables.map(quoteTable).join(', ');
  const options = 'WITH (publish_via_partition_root = true)';
  const create = `CREATE PUBLICATION ${quoteIdentifier(publication)} FOR TABLE ${list} ${options};`;
  if (server['create_publication'] !== 't') {
    const grant = `GRANT CREATE ON DATABASE ${quoteIdentifier(server['database']!)} TO ${quoteIdentifier(server['role']!)};`;
    const fix = `${grant} or let an owner run: ${create}`;
    return [{ code, level: 'error', message: `role ${server['role']} may not create a publication`, fix }];
  }
  if (foreign !== undefined) {
    const message = `role ${server['role']} does not own ${tableName(foreign)}, so it may not publish it`;
    return [{ code, level: 'error', message, fix: `Let an owner run: ${create}` }];
  }
  return [{ code, level: 'ok', message: `publication ${publication} will be created` }];
}

function hasAllColumns(table: CatalogTable, published: readonly string[] | null): boolean {
  if (published === null) return true;
  return published.length === table.columns.length && table.columns.every(({ name }) => published.includes(name));
}

/** Throws the first error among the results. */
export function refuseErrors(results: readonly CheckResult[]): void {
  const error = results.find((result) => result.level === 'error');
  if (error === undefined) return;
  throw new WeirError(error.code as ErrorCode, error.message, { fix: error.fix, path: error.path });
}
