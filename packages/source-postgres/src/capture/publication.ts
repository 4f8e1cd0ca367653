import { query, quoteIdentifier, quoteLiteral } from '@weir/postgres';
import { WeirError, tableName } from '@weir/sdk';
import type pg from 'pg';
import type { Capture, FoundPublication } from './capture.ts';
import { quoteTable, type CatalogTable } from './catalog.ts';
import type { Publication, PostgresState } from '../position.ts';
import { listedMembers, publicationComment, readPublications, type Member } from './published.ts';
import { refuseBrokenUpdates } from './update-trial.ts';

/** The publications of a pipeline. The second has what is captured without updates and deletes; null when nothing is. */
export interface Publications {
  readonly main: Publication;
  readonly inserts: Publication | null;
}

/** What of a publication of Weir's own is not as it should be. */
interface MembershipChange {
  readonly create: boolean;
  readonly add: readonly CatalogTable[];
  /** Members, as `"schema"."name"`; also those that are added anew, with other columns or rows. */
  readonly drop: readonly string[];
  /** Oids of the entries that go. */
  readonly gone: readonly number[];
}

const KINDS = {
  main: "publish = 'insert, update, delete, truncate', publish_via_partition_root = true",
  inserts: "publish = 'insert, truncate', publish_via_partition_root = true",
} as const;

/**
 * The publications with just the captured tables in them, made where they are missing. Those of others are not touched.
 * Everything happens in one transaction, in which the server is asked whether the application can still change its tables.
 * @returns also the oids of the tables whose entries are new: what was published of them before is not what is now
 * @throws WeirError WEIR_PG_GRANT_PUBLICATION, WEIR_PG_REPLICA_IDENTITY
 */
export async function alterPublications(
  client: pg.Client,
  capture: Capture,
): Promise<{ publications: Publications; changed: ReadonlySet<number> }> {
  refuseUnpublished(capture);
  const main = await membershipChange(client, capture, 'main');
  const inserts = await membershipChange(client, capture, 'inserts');
  const added = [main, inserts].flatMap((change) => change?.add ?? []);
  const needed = capture.inserts.facts !== null || inserts !== null;
  if (main !== null || inserts !== null) {
    await inTransaction(client, async () => {
      // A table that goes from one to the other must not be in both.
      if (inserts !== null) await applyChange(client, capture.inserts, 'inserts', inserts);
      if (main !== null) await applyChange(client, capture.main, 'main', main);
      await refuseBrokenUpdates(client, main?.add ?? []);
    });
  }
  const facts = await readPublications(client, [capture.main.name, capture.inserts.name]);
  const [log] = await query(client, 'SELECT pg_current_wal_insert_lsn() AS lsn');
  const publication = ({ name, own }: FoundPublication): Publication => {
    const found = facts.get(name)!;
    return { name, oid: found.oid, owned: own, viaRoot: found.viaRoot };
  };
  return {
    publications: {
      main: publication(capture.main),
      inserts: needed ? { ...publication(capture.inserts), since: log!['lsn']! } : null,
    },
    changed: new Set(added.map(({ oid }) => oid)),
  };
}

/** A publication of others is changed by its owner, who is told how. */
function refuseUnpublished(capture: Capture): void {
  for (const kind of ['main', 'inserts'] as const) {
    const { own, name } = capture[kind];
    const missing = own ? [] : unpublishedTables(capture, kind);
    if (missing.length === 0) continue;
    const message = `publication ${name} does not have ${missing.map(tableName).join(', ')}`;
    const fix = `ALTER PUBLICATION ${quoteIdentifier(name)} ADD TABLE ${missing.map(memberSql).join(', ')};`;
    throw new WeirError('WEIR_PG_GRANT_PUBLICATION', message, { fix, path: 'publication' });
  }
}

/** Captured tables that a publication of others lacks. */
export function unpublishedTables(capture: Capture, kind: 'main' | 'inserts'): CatalogTable[] {
  const ofKind = capture.tables.filter((table) => table.scope.publishedIn === kind);
  return ofKind.filter(({ oid }) => capture.published.get(oid)?.publication !== capture[kind].name);
}

/** Null when all is as it should be, or not Weir's to change. */
async function membershipChange(
  client: pg.Client,
  capture: Capture,
  kind: 'main' | 'inserts',
): Promise<MembershipChange | null> {
  const { facts, own } = capture[kind];
  if (!own) return null;
  const wanted = capture.tables.filter((table) => table.scope.publishedIn === kind);
  if (facts === null) {
    if (kind === 'inserts' && wanted.length === 0) return null;
    return { create: true, add: wanted, drop: [], gone: [] };
  }
  const members = await listedMembers(client, facts.oid);
  const isSame = (table: CatalogTable): boolean => {
    const member = members.get(table.oid);
    return member !== undefined && hasScope(member, table);
  };
  const kept = new Set(wanted.filter(isSame).map(({ oid }) => oid));
  const gone = Array.from(members).filter(([oid]) => !kept.has(oid));
  const names = new Map(capture.relations.map((relation) => [relation.oid, quoteTable(relation)]));
  const change: MembershipChange = {
    create: false,
    add: wanted.filter(({ oid }) => !kept.has(oid)),
    drop: gone.flatMap(([oid]) => names.get(oid) ?? []),
    gone: gone.map(([, { entry }]) => entry),
  };
  return change.add.length === 0 && change.drop.length === 0 ? null : change;
}

function hasScope(member: Member, { scope, allColumns }: CatalogTable): boolean {
  const listed = scope.listed ? allColumns.filter((name) => scope.columns!.includes(name)) : null;
  return JSON.stringify(listed) === JSON.stringify(member.columns) && scope.rowFilter === member.rowFilter;
}

async function applyChange(
  client: pg.Client,
  publication: FoundPublication,
  kind: 'main' | 'inserts',
  change: MembershipChange,
): Promise<void> {
  for (const sql of changeSql(publication, kind, change)) await query(client, sql);
  const comment = publicationComment([...(publication.facts?.replaced ?? []), ...change.gone]);
  await query(client, `COMMENT ON PUBLICATION ${quoteIdentifier(publication.name)} IS ${quoteLiteral(comment)}`);
}

function changeSql({ name }: FoundPublication, kind: 'main' | 'inserts', change: MembershipChange): string[] {
  const quoted = quoteIdentifier(name);
  if (change.create) return [createSql(name, kind, change.add)];
  const dropped = change.drop.map((table) => `ONLY ${table}`).join(', ');
  return [
    ...(change.drop.length > 0 ? [`ALTER PUBLICATION ${quoted} DROP TABLE ${dropped}`] : []),
    ...(change.add.length > 0 ? [`ALTER PUBLICATION ${quoted} ADD TABLE ${change.add.map(memberSql).join(', ')}`] : []),
  ];
}

/** What `alterPublications` would do. */
export interface PlannedPublications {
  /** Statements, without a semicolon. */
  readonly statements: readonly string[];
  /** Oids of the tables whose entries would be new. */
  readonly added: ReadonlySet<number>;
  /** Members that would go, as `namespace.name`. */
  readonly removed: readonly string[];
}

export async function planPublications(client: pg.Client, capture: Capture): Promise<PlannedPublications> {
  const statements: string[] = [];
  const added = new Set<number>();
  const wanted = new Set(capture.tables.map(quoteTable));
  const removed = new Set<string>();
  for (const kind of ['inserts', 'main'] as const) {
    const change = await membershipChange(client, capture, kind);
    if (change === null) continue;
    statements.push(...changeSql(capture[kind], kind, change));
    for (const { oid } of change.add) added.add(oid);
    const gone = capture.relations.filter((one) => change.drop.includes(quoteTable(one)) && !wanted.has(quoteTable(one)));
    for (const one of gone) removed.add(tableName(one));
  }
  return { statements, added, removed: [...removed] };
}

/** `CREATE PUBLICATION …`, without a semicolon. */
export function createSql(name: string, kind: 'main' | 'inserts', tables: readonly CatalogTable[]): string {
  const list = tables.length === 0 ? '' : ` FOR TABLE ${tables.map(memberSql).join(', ')}`;
  return `CREATE PUBLICATION ${quoteIdentifier(name)}${list} WITH (${KINDS[kind]})`;
}

/** A table as a member of a publication. Without ONLY the tables that inherit from it would become members too. */
export function memberSql(table: CatalogTable): string {
  const { scope } = table;
  const columns = scope.listed ? ` (${table.columns.map(({ name }) => quoteIdentifier(name)).join(', ')})` : '';
  const rows = scope.rowFilter === null ? '' : ` WHERE (${scope.rowFilter})`;
  return `ONLY ${quoteTable(table)}${columns}${rows}`;
}

/**
 * Holds the publications against the checkpoint: rows written while one was away would be missing without a word
 * (invariant 6).
 * @throws WeirError WEIR_PG_PUBLICATION_MISSING, WEIR_PG_PUBLICATION_CHANGED
 */
export async function checkPublications(client: pg.Client, state: PostgresState): Promise<Publications> {
  const inserts = state.inserts ?? null;
  const facts = await readPublications(client, [state.publication.name, ...(inserts === null ? [] : [inserts.name])]);
  for (const { name, oid, viaRoot } of [state.publication, ...(inserts === null ? [] : [inserts])]) {
    const found = facts.get(name);
    const changed = (what: string): WeirError => new WeirError('WEIR_PG_PUBLICATION_CHANGED', `publication ${name} ${what}`);
    if (found === undefined) throw new WeirError('WEIR_PG_PUBLICATION_MISSING', `publication ${name} is gone`);
    if (found.oid !== oid) throw changed('was dropped and made again');
    if (!(name === state.publication.name ? found.whole : found.inserts)) throw changed('leaves out some kinds of change');
    if (viaRoot !== undefined && found.viaRoot !== viaRoot) throw changed('sends partitions in another way');
  }
  return { main: state.publication, inserts };
}

async function inTransaction(client: pg.Client, work: () => Promise<void>): Promise<void> {
  await query(client, 'BEGIN');
  try {
    await work();
    await query(client, 'COMMIT');
  } catch (error) {
    await query(client, 'ROLLBACK').catch(() => {});
    throw error;
  }
}
