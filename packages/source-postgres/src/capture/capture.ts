import { parsePattern, type TableName } from '@weir/sdk';
import type pg from 'pg';
import { readTables, type CatalogTable, type TableScope, type WholeTable } from './catalog.ts';
import type { PostgresConfig } from '../config.ts';
import { hasNoIdentity, identityProblem } from './identity.ts';
import { publishedTables, readPublications, type PublicationFacts, type PublishedTable } from './published.ts';
import { insertsName } from './publication-name.ts';
import { readRelations, type NamedRelation } from './relations.ts';
import { GENERATED_COLUMNS, LISTS_AND_FILTERS, serverVersion } from '../server-version.ts';
import { chooseTables, type TableChoice } from './table-choice.ts';

/** A publication as it is found, or missing. */
export interface FoundPublication {
  readonly name: string;
  /** Null when it is not there yet. */
  readonly facts: PublicationFacts | null;
  /** Weir makes it and changes it. One that is not Weir's own is taken as it is, with its column lists and row filters. */
  readonly own: boolean;
}

/** What is captured of a database, as it is now. */
export interface Capture {
  /** Ordered by name. */
  readonly tables: readonly CatalogTable[];
  readonly choice: TableChoice;
  /** Everything that has a name. */
  readonly relations: readonly NamedRelation[];
  /** Each table and the partitioned ones that it is a part of, by the table's oid. */
  readonly lines: ReadonlyMap<number, readonly NamedRelation[]>;
  readonly main: FoundPublication;
  readonly inserts: FoundPublication;
  /** What the two publish, by the oids of the tables. */
  readonly published: ReadonlyMap<number, PublishedTable>;
  /** `server_version_num` */
  readonly version: number;
}

/**
 * What the configuration and the publications come to in the database as it is now: the tables, each with the columns and
 * rows that are, or will be, published. Changes nothing, also inside a transaction that reads a snapshot.
 * @param publication name of the first publication; see `insertsName` for the other
 */
export async function readCapture(client: pg.Client, config: PostgresConfig, publication: string): Promise<Capture> {
  const version = await serverVersion(client);
  const { main, inserts } = await findPublications(client, config, publication);
  const names = [main, inserts].filter(({ facts }) => facts !== null).map(({ name }) => name);
  const published = await publishedTables(client, names);
  const relations = await readRelations(client);
  const foreign = main.own ? null : new Set(published.keys());
  const choice = chooseTables(relations, config.tables, config.partitions, foreign);
  const byOid = new Map(relations.map((relation) => [relation.oid, relation]));
  const lines = new Map(
    choice.chosen.map((each) => [each.oid, [each, ...each.ancestors.flatMap((oid) => byOid.get(oid) ?? [])]]),
  );
  const circumstances = { config, main, inserts, published, version };
  const tables = await readTables(client, lines.keys(), (table) =>
    scopeOf(table, lines.get(table.oid) ?? [table], circumstances),
  );
  return { tables, choice, relations, lines, main, inserts, published, version };
}

/** One of others that has only inserts is looked at when it is asked for. */
async function findPublications(
  client: pg.Client,
  config: PostgresConfig,
  publication: string,
): Promise<Pick<Capture, 'main' | 'inserts'>> {
  const second = insertsName(publication);
  const facts = await readPublications(client, [publication, second]);
  const found = (name: string): FoundPublication => ({
    name,
    facts: facts.get(name) ?? null,
    own: isOwn(facts.get(name), config),
  });
  const inserts = found(second);
  const counts = inserts.own || config.without_key === 'insert_only';
  return { main: found(publication), inserts: counts ? inserts : { name: second, facts: null, own: true } };
}

/** A publication of another name than the one of the configuration is Weir's own when its comment says so. */
function isOwn(facts: PublicationFacts | undefined, config: PostgresConfig): boolean {
  if (facts === undefined) return true;
  return facts.mayAlter && !facts.wide && (facts.made || config.publication === undefined);
}

type Circumstances = Pick<Capture, 'main' | 'inserts' | 'published' | 'version'> & { readonly config: PostgresConfig };

/** @param line the table and the partitioned ones that it is a part of */
function scopeOf(table: WholeTable, line: readonly TableName[], circumstances: Circumstances): TableScope {
  const { config, main, inserts, published, version } = circumstances;
  const existing = published.get(table.oid);
  const found = existing?.publication === inserts.name ? inserts : main;
  if (existing !== undefined && !found.own) return givenScope(table, existing, circumstances);
  // Older servers have neither, and are refused for it.
  const lists = version >= LISTS_AND_FILTERS;
  const columns = (lists && configuredFor(config.columns, line)) || null;
  const rowFilter = (lists && configuredFor(config.rows, line)) || null;
  // What is published already is known to the server in its own words.
  const known = rowFilter !== null && existing?.rowFilter != null;
  const whole: TableScope = {
    columns,
    listed: columns !== null,
    rowFilter: known ? existing.rowFilter : rowFilter,
    filterColumns: known ? existing.filterColumns : null,
    insertsOnly: false,
    publishedIn: 'main',
  };
  const refused = !hasNoIdentity(identityProblem(table, whole, version)) || config.without_key !== 'insert_only';
  return refused ? whole : { ...whole, insertsOnly: true, publishedIn: 'inserts' };
}

/** What a publication of others gives of a table. */
function givenScope(
  table: WholeTable,
  existing: PublishedTable,
  { config, inserts, version }: Circumstances,
): TableScope {
  // PostgreSQL 15 lists generated columns although it does not send them.
  const unsent = version < GENERATED_COLUMNS ? table.generated.map(({ name }) => name) : [];
  const given: TableScope = {
    columns: existing.columns?.filter((name) => !unsent.includes(name)) ?? null,
    listed: existing.listed,
    rowFilter: existing.rowFilter,
    filterColumns: existing.filterColumns,
    insertsOnly: false,
    publishedIn: existing.publication === inserts.name ? 'inserts' : 'main',
  };
  const without = hasNoIdentity(identityProblem(table, given, version)) && config.without_key === 'insert_only';
  return { ...given, insertsOnly: without || given.publishedIn === 'inserts' };
}

/** What a configuration by table names says for the first of these names that it has. */
export function configuredFor<T>(record: Readonly<Record<string, T>>, line: readonly TableName[]): T | undefined {
  const entries = Object.entries(record).map(([key, value]) => ({ exact: parsePattern(key).exact, value }));
  for (const { namespace, name } of line) {
    const entry = entries.find(({ exact }) => exact?.namespace === namespace && exact.name === name);
    if (entry !== undefined) return entry.value;
  }
  return undefined;
}
