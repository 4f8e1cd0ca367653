import { quoteIdentifier } from '@weir/postgres';
import { tableName, type CheckResult } from '@weir/sdk';
import { configuredFor, type Capture } from './capture.ts';
import type { CatalogTable } from './catalog.ts';
import type { PostgresConfig } from '../config.ts';
import { listed } from './inspect-choice.ts';
import { createSql, memberSql, unpublishedTables } from './publication.ts';

const GRANT = 'WEIR_PG_GRANT_PUBLICATION';
const OPTIONS = 'WEIR_PG_PUBLICATION_OPTIONS';

type Kind = 'main' | 'inserts';

/** Who is connected, and whether a publication may be created. */
export interface PublisherRole {
  readonly role: string;
  readonly database: string;
  readonly mayCreate: boolean;
}

/**
 * Whether the publications are there and complete, or can be made so.
 * @param resumed there is a checkpoint: other options are a gap then, for which the checkpoint is held against them
 */
export function publicationResults(
  capture: Capture,
  config: PostgresConfig,
  publisher: PublisherRole,
  resumed: boolean,
): CheckResult[] {
  const kinds: readonly Kind[] = ['main', 'inserts'];
  const results = kinds.flatMap((kind) => {
    const tables = capture.tables.filter((table) => table.scope.publishedIn === kind);
    if (kind === 'inserts' && tables.length === 0) return [];
    const options = resumed ? [] : optionResults(capture, kind);
    if (options.length > 0) return options;
    return capture[kind].own ? ownResults(capture, kind, tables, publisher) : foreignResults(capture, kind, config);
  });
  return [...results, ...partitionResults(capture, config)];
}

function optionResults(capture: Capture, kind: Kind): CheckResult[] {
  const { name, own, facts } = capture[kind];
  if (facts === null) return [];
  const complete = kind === 'main' ? facts.whole : facts.inserts && !facts.changes;
  // A publication of others that does not send the root is read by leaf.
  if (complete && (facts.viaRoot || !own)) return [];
  const publish = kind === 'main' ? 'insert, update, delete, truncate' : 'insert, truncate';
  const root = own ? ', publish_via_partition_root = true' : '';
  const fix = `ALTER PUBLICATION ${quoteIdentifier(name)} SET (publish = '${publish}'${root});`;
  const what = kind === 'main' ? 'leaves out some kinds of change' : 'has not just inserts and truncates';
  return [{ code: OPTIONS, level: 'error', message: `publication ${name} ${what}`, fix, path: 'publication' }];
}

/** Who has to run a statement, as a part of it. */
const AS_OWNER = '-- as an owner of the tables';

/** Weir makes it, or puts tables into it; both take the owner of the tables. */
function ownResults(
  capture: Capture,
  kind: Kind,
  tables: readonly CatalogTable[],
  { role, database, mayCreate }: PublisherRole,
): CheckResult[] {
  const { name, facts } = capture[kind];
  const missing = facts === null ? tables : unpublishedTables(capture, kind);
  const foreign = missing.find((table) => !table.owned);
  const add = `ALTER PUBLICATION ${quoteIdentifier(name)} ADD TABLE ${missing.map(memberSql).join(', ')}`;
  const sql = `${facts === null ? createSql(name, kind, tables) : add};`;
  if (foreign !== undefined) {
    const message = `role ${role} does not own ${tableName(foreign)}, so it may not publish it`;
    return [{ code: GRANT, level: 'error', message, fix: `${sql} ${AS_OWNER}` }];
  }
  if (facts === null && !mayCreate) {
    const grant = `GRANT CREATE ON DATABASE ${quoteIdentifier(database)} TO ${quoteIdentifier(role)};`;
    const message = `role ${role} may not create a publication`;
    return [{ code: GRANT, level: 'error', message, fix: `${grant} -- or let somebody else run: ${sql}` }];
  }
  const message = `publication ${name} ${facts === null ? 'will be created' : 'exists'}`;
  return [{ code: GRANT, level: 'ok', message }];
}

/** Why a table that appeared later is in no publication and cannot be put into one; null when it is, or can be. */
export function publishingProblem(table: CatalogTable, capture: Capture, role: string): CheckResult | null {
  const { own, name } = capture[table.scope.publishedIn];
  const missing = unpublishedTables({ ...capture, tables: [table] }, table.scope.publishedIn).length > 0;
  if (!missing || (own && table.owned)) return null;
  const message = own
    ? `role ${role} does not own ${tableName(table)}, so it may not publish it`
    : `publication ${name} does not have ${tableName(table)}`;
  const fix = `ALTER PUBLICATION ${quoteIdentifier(name)} ADD TABLE ${memberSql(table)}; ${AS_OWNER}`;
  return { code: GRANT, level: 'error', message, fix, path: 'publication' };
}

/** It is taken as it is: what it has of each table, and no other columns and rows. */
function foreignResults(capture: Capture, kind: Kind, config: PostgresConfig): CheckResult[] {
  const { name } = capture[kind];
  const missing = unpublishedTables(capture, kind);
  if (missing.length > 0) {
    const message = `publication ${name} does not have ${listed(missing.map(tableName))}`;
    const fix = `ALTER PUBLICATION ${quoteIdentifier(name)} ADD TABLE ${missing.map(memberSql).join(', ')};`;
    return [{ code: GRANT, level: 'error', message, fix, path: 'publication' }];
  }
  const tables = capture.tables.filter((table) => table.scope.publishedIn === kind);
  const other = tables.flatMap((table) => otherScope(table, capture, config));
  return other.length > 0 ? other : [{ code: GRANT, level: 'ok', message: `publication ${name} exists` }];
}

/** Whether `columns` and `rows` are what a publication of others has. Filters cannot be compared as texts. */
function otherScope(table: CatalogTable, capture: Capture, config: PostgresConfig): CheckResult[] {
  const line = capture.lines.get(table.oid) ?? [table];
  const columns = configuredFor(config.columns, line);
  const has = new Set(table.columns.map((column) => column.name));
  const same = columns === undefined || (columns.length === has.size && columns.every((name) => has.has(name)));
  const filtered = configuredFor(config.rows, line) === undefined || table.scope.rowFilter !== null;
  if (same && filtered) return [];
  const { name } = capture[table.scope.publishedIn];
  const path = same ? 'rows' : 'columns';
  const what = `publication ${name}, which is not Weir’s own, has other ${path} of ${tableName(table)}`;
  const message = `${what} than \`${path}\` says`;
  const fix = `Let its owner change it, or leave the table out of \`${path}\`: what it publishes is captured.`;
  return [{ code: OPTIONS, level: 'error', message, fix, path }];
}

/** How partitioned tables are read, where it is not as one table. */
function partitionResults(capture: Capture, config: PostgresConfig): CheckResult[] {
  const { main, tables, lines } = capture;
  const whole = tables.filter((table) => table.partitioned);
  if (config.partitions === 'leaves' && whole.length > 0) {
    const message = `publication ${main.name} sends ${listed(whole.map(tableName))} as one table, not by partition`;
    const alter = `ALTER PUBLICATION ${quoteIdentifier(main.name)} SET (publish_via_partition_root = false);`;
    return [{ code: OPTIONS, level: 'error', message, fix: `${alter} or set \`partitions: root\`.`, path: 'partitions' }];
  }
  const leaves = new Map<string, number>();
  for (const { oid } of tables) {
    const root = lines.get(oid)?.slice(1).at(-1);
    if (root !== undefined) leaves.set(tableName(root), (leaves.get(tableName(root)) ?? 0) + 1);
  }
  if (leaves.size === 0) return [];
  const read = listed(Array.from(leaves, ([name, count]) => `${name} (${count} tables)`));
  const why = main.own ? '' : `, as publication ${main.name} sends them`;
  return [{ code: OPTIONS, level: 'ok', message: `read by partition${why}: ${read}` }];
}
