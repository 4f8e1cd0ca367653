import { query, quoteIdentifier } from '@weir/postgres';
import { WeirError, errorCodes, tableName, type CheckResult, type ErrorCode } from '@weir/sdk';
import type pg from 'pg';
import { configuredFor, readCapture, type Capture } from './capture.ts';
import type { PostgresConfig } from '../config.ts';
import { choiceResults, namedTableResults } from './inspect-choice.ts';
import { publicationResults, type PublisherRole } from './inspect-publication.ts';
import { tableResults } from './inspect-tables.ts';
import { readRowFilters } from './row-filter.ts';
import { FAILOVER_SLOTS, LISTS_AND_FILTERS } from '../server-version.ts';

/** What `check` and `open` need to know of a server before anything is changed there. */
export interface Inspection {
  readonly results: readonly CheckResult[];
  readonly capture: Capture;
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

/**
 * Looks at everything that a pipeline needs of its server; changes nothing. The first errors come first.
 * @param resumed there is a checkpoint, so what is not there any more may have been dropped since
 */
export async function inspectServer(
  client: pg.Client,
  config: PostgresConfig,
  names: { readonly slot: string; readonly publication: string },
  { resumed = false }: { readonly resumed?: boolean } = {},
): Promise<Inspection> {
  const row = (await query(client, SERVER))[0]!;
  const results: CheckResult[] = [];
  const expect = (fine: boolean, code: ErrorCode, ok: string, message: string, fix?: string, path?: string): void => {
    results.push(
      fine
        ? { code, level: 'ok', message: ok }
        : { code, level: 'error', message, fix: fix ?? errorCodes[code].remedy, ...(path === undefined ? {} : { path }) },
    );
  };
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
  results.push(...failoverResults(config, Number(row['version'])));
  const publisher: PublisherRole = {
    role: row['role']!,
    database: row['database']!,
    mayCreate: row['create_publication'] === 't',
  };
  const read = await readCapture(client, config, names.publication);
  // A standby, which is an error anyway, cannot be asked.
  const asked =
    row['standby'] === 't' ? { capture: read, results: [] } : await withRowFilters(client, read, config, publisher);
  const { capture } = asked;
  results.push(
    ...choiceResults(capture, config, resumed),
    ...namedTableResults(capture, config, resumed),
    ...asked.results,
    ...tableResults(capture, row['role']!),
  );
  if (capture.tables.length > 0) results.push(...publicationResults(capture, config, publisher, resumed));
  return { results: results.toSorted(errorsFirst), capture };
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

function failoverResults({ failover }: PostgresConfig, version: number): CheckResult[] {
  const code = 'WEIR_PG_FAILOVER';
  if (!failover) return [];
  if (version >= FAILOVER_SLOTS) return [{ code, level: 'ok', message: 'standbys can keep a copy of the slot' }];
  const message = `PostgreSQL ${Math.floor(version / 10_000)} has no failover slots`;
  return [{ code, level: 'error', message, fix: errorCodes[code].remedy, path: 'failover' }];
}

/**
 * Row filters in the server's own words, for those tables that Weir publishes. They are what tells whether a filter is
 * another than the one that is published, and which columns it reads.
 */
async function withRowFilters(
  client: pg.Client,
  capture: Capture,
  config: PostgresConfig,
  { role, database, mayCreate }: PublisherRole,
): Promise<{ capture: Capture; results: CheckResult[] }> {
  const configured = capture.tables.flatMap((table) => {
    const expression = configuredFor(config.rows, capture.lines.get(table.oid) ?? [table]);
    return expression !== undefined && capture[table.scope.publishedIn].own && table.owned ? [{ table, expression }] : [];
  });
  if (configured.length === 0 || capture.version < LISTS_AND_FILTERS) return { capture, results: [] };
  if (!mayCreate) {
    // Without a publication yet the same is said of that.
    const code = 'WEIR_PG_GRANT_PUBLICATION';
    const message = `role ${role} may not create a publication, which is how the server is asked about row filters`;
    const fix = `GRANT CREATE ON DATABASE ${quoteIdentifier(database)} TO ${quoteIdentifier(role)};`;
    return { capture, results: capture.main.facts === null ? [] : [{ code, level: 'error', message, fix, path: 'rows' }] };
  }
  const filters = await readRowFilters(client, configured);
  const results: CheckResult[] = [];
  const tables = capture.tables.map((table) => {
    const filter = filters.get(table.oid);
    if (filter === undefined) return table;
    if ('refused' in filter) {
      const message = `the server refuses the row filter of ${tableName(table)}: ${filter.refused}`;
      const fix = errorCodes.WEIR_PG_ROW_FILTER.remedy;
      results.push({ code: 'WEIR_PG_ROW_FILTER', level: 'error', message, fix, path: 'rows' });
      return table;
    }
    return { ...table, scope: { ...table.scope, rowFilter: filter.expression, filterColumns: filter.columns } };
  });
  return { capture: { ...capture, tables }, results };
}

/** Orders findings so that the errors come first. */
export function errorsFirst(a: CheckResult, b: CheckResult): number {
  return Number(b.level === 'error') - Number(a.level === 'error');
}

/** Throws the first error among the results. */
export function refuseErrors(results: readonly CheckResult[]): void {
  const error = results.find((result) => result.level === 'error');
  if (error === undefined) return;
  throw new WeirError(error.code as ErrorCode, error.message, { fix: error.fix, path: error.path });
}
