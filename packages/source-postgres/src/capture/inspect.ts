import { between, betweenResult, encryptionResult, quoteIdentifier, vendorOf, vendorResult } from '@weir/postgres';
import { WeirError, errorCodes, tableName, type CheckResult, type ErrorCode } from '@weir/sdk';
import type pg from 'pg';
import { configuredFor, readCapture, type Capture } from './capture.ts';
import type { PostgresConfig } from '../config.ts';
import { choiceResults, namedTableResults } from './inspect-choice.ts';
import { publicationResults, type PublisherRole } from './inspect-publication.ts';
import { readServer, serverResults } from './inspect-server.ts';
import { tableResults } from './inspect-tables.ts';
import { readRowFilters } from './row-filter.ts';
import { FAILOVER_SLOTS, LISTS_AND_FILTERS } from '../server-version.ts';

/** What `check` and `open` need to know of a server before anything is changed there. */
export interface Inspection {
  readonly results: readonly CheckResult[];
  readonly capture: Capture;
}

/**
 * Looks at everything that a pipeline needs of its server; changes nothing. The first errors come first.
 * @param resumed there is a checkpoint, so what is not there any more may have been dropped since
 */
export async function inspectServer(
  client: pg.Client,
  config: PostgresConfig,
  names: { readonly slot: string; readonly publication: string },
  { resumed = false, signal }: { readonly resumed?: boolean; readonly signal: AbortSignal },
): Promise<Inspection> {
  const results: CheckResult[] = [];
  const found = await between(client, config, signal);
  if (found !== null) results.push(betweenResult(found));
  const vendor = await vendorOf(client);
  const server = await readServer(client, names.slot);
  results.push(...serverResults(server, vendor), encryptionResult(client));
  results.push(...failoverResults(config, server.version));
  if (vendor !== null) results.push(vendorResult(vendor, quoteIdentifier(server.role)));
  const { role, database, standby, mayCreate } = server;
  const publisher: PublisherRole = { role, database, mayCreate };
  const read = await readCapture(client, config, names.publication);
  // A standby, which is an error anyway, cannot be asked.
  const asked =
    standby ? { capture: read, results: [] } : await withRowFilters(client, read, config, publisher);
  const { capture } = asked;
  results.push(
    ...choiceResults(capture, config, resumed),
    ...namedTableResults(capture, config, resumed),
    ...asked.results,
    ...tableResults(capture, role),
  );
  if (capture.tables.length > 0) results.push(...publicationResults(capture, config, publisher, resumed));
  return { results: results.toSorted(errorsFirst), capture };
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
