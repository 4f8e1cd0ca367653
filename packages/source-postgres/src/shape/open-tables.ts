import { WeirError, tableName } from '@weir/sdk';
import type pg from 'pg';
import type { Capture } from '../capture/capture.ts';
import { quoteTable, tableNamed, type CatalogTable } from '../capture/catalog.ts';
import type { Catalog, CatalogContent } from './catalog-view.ts';
import type { CapturedTable } from './captured-table.ts';
import type { CapturedTables } from './captured-tables.ts';
import type { PostgresConfig } from '../config.ts';
import type { CopyReason } from '../position.ts';
import { alterPublications } from '../capture/publication.ts';
import { rewriteReason } from './shape-difference.ts';
import type { TableReplacement } from './table-replacement.ts';

/**
 * Holds the tables of a checkpoint against the catalog before a stream starts. What has to be copied, for the first time or
 * again, is marked so; other differences are left to the stream, which has them at their places.
 * @throws WeirError WEIR_PG_PUBLICATION_CHANGED
 */
export function compareTables(
  tables: CapturedTables,
  content: CatalogContent,
  config: PostgresConfig,
  replacement: TableReplacement,
  fresh: CopyReason,
): void {
  tables.learnTypes(content.types);
  for (const captured of tables.all) {
    const target = tableNamed(content.capture.tables, captured);
    if (target === undefined) {
      if (isUnwanted(captured, content.capture, config)) tables.remove(captured);
    } else if (target.oid !== captured.oid) {
      replacement.copy(target, captured, 'it was dropped, or renamed, and made again');
    } else if (captured.shaped !== null) {
      checkMember(captured, content);
      const why = copyReason(tables, captured, content);
      if (why !== null) replacement.copy(target, captured, why);
    }
  }
  for (const table of content.capture.tables) {
    // One that was renamed comes again under its new name when the stream gets there.
    if (tables.named(table) !== undefined || tables.withOid(table.oid) !== undefined) continue;
    if (fresh === 'first') tables.putUncopied(table, fresh);
    else replacement.copy(table, null, 'it is new');
  }
}

/** The configuration does not ask for it any more; false when it is gone, or has become something else. */
function isUnwanted(captured: CapturedTable, { relations }: Capture, config: PostgresConfig): boolean {
  const relation = relations.find(({ oid }) => oid === captured.oid);
  if (relation === undefined || quoteTable(relation) !== quoteTable(captured)) return false;
  if (relation.kind !== 'table' && relation.kind !== 'partitioned table') return false;
  return config.partitions === 'leaves' || relation.ancestors.length === 0;
}

/**
 * Rows that were written while a table was out of its publication are in no stream (invariant 6).
 * @throws WeirError WEIR_PG_PUBLICATION_CHANGED
 */
export function checkMember(captured: CapturedTable, { members, capture }: CatalogContent): void {
  if ((members.get(captured.oid) ?? 0) === captured.member || isReplaced(captured, capture)) return;
  const { name } = capture.main;
  throw new WeirError('WEIR_PG_PUBLICATION_CHANGED', `${tableName(captured)} was taken out of publication ${name}`, {
    table: tableName(captured),
  });
}

/** The same for all tables that are what they were. @throws WeirError WEIR_PG_PUBLICATION_CHANGED */
export function checkMembers(tables: CapturedTables, content: CatalogContent): void {
  for (const table of content.capture.tables) {
    const captured = tables.named(table);
    if (captured?.oid === table.oid && captured.shaped !== null) checkMember(captured, content);
  }
}

/** Weir itself has published it anew, for other columns or rows, and died before it could say so in a checkpoint. */
function isReplaced({ member }: CapturedTable, { main, inserts }: Capture): boolean {
  return [main, inserts].some(({ facts }) => facts?.replaced.includes(member) === true);
}

/** Why existing rows of a table may have changed without an event; null when they have not. */
export function copyReason(tables: CapturedTables, captured: CapturedTable, content: CatalogContent): string | null {
  const { members, capture } = content;
  if ((members.get(captured.oid) ?? 0) !== captured.member && isReplaced(captured, capture)) return 'it is published anew';
  const now = content.shapes.get(captured.oid)!;
  const rewritten = rewriteReason(captured.shaped!.shape, now);
  if (rewritten !== null) return rewritten;
  const difference = tables.difference(captured, now);
  return 'again' in difference ? difference.again : null;
}

/**
 * Makes the publications fit the tables, where they are Weir's own, and returns those that are to be copied, as the catalog
 * has them then.
 */
export async function publishTables(
  client: pg.Client,
  tables: CapturedTables,
  catalog: Catalog,
  capture: Capture,
  replacement: TableReplacement,
): Promise<CatalogTable[]> {
  const wanted = capture.tables.filter((table) => tables.named(table)?.oid === table.oid);
  const { publications, changed } = await alterPublications(client, { ...capture, tables: wanted });
  for (const table of wanted) {
    const captured = tables.named(table)!;
    if (changed.has(table.oid) && captured.copiedAt !== null) replacement.copy(table, captured, 'it is published anew');
  }
  const before = tables.surroundings;
  const { main, inserts } = publications;
  const kept = before.inserts?.oid === inserts?.oid ? before.inserts : (inserts ?? undefined);
  if (before.publication.oid !== main.oid || kept !== before.inserts) {
    tables.surroundings = { ...before, publication: main, ...(kept === undefined ? {} : { inserts: kept }) };
  }
  const { content } = await catalog.lookWith(client);
  tables.learnTypes(content.types);
  return content.capture.tables.filter((table) => {
    const captured = tables.named(table);
    return captured?.oid === table.oid && captured.copiedAt === null;
  });
}
