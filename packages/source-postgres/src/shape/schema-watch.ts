import { parseLsn } from '@weir/pgoutput';
import { query } from '@weir/postgres';
import type { ConnectorContext, SchemaChange } from '@weir/sdk';
import { tableNamed, type CatalogTable } from '../capture/catalog.ts';
import type { Catalog, CatalogContent } from './catalog-view.ts';
import type { CapturedTable } from './captured-table.ts';
import type { CapturedTables } from './captured-tables.ts';
import type { ChangeStream } from '../stream/change-stream.ts';
import { markLog } from '../log-mark.ts';
import { checkMember, copyReason } from './open-tables.ts';
import { checkPublications } from '../capture/publication.ts';
import type { SharedConnection } from '../shared-connection.ts';
import type { StreamTables } from './stream-tables.ts';
import { keyIsUnsure } from './table-shape.ts';
import type { TableReplacement } from './table-replacement.ts';

export interface SchemaWatchOptions {
  readonly control: SharedConnection;
  readonly catalog: Catalog;
  readonly tables: CapturedTables;
  readonly streamTables: StreamTables;
  readonly replacement: TableReplacement;
  readonly stream: ChangeStream;
  /** Where the stream has to end; null when it goes on. */
  readonly until: bigint | null;
  readonly context: ConnectorContext;
}

/** A table of which the catalog says something that the stream does not say, or has not said yet. */
interface Finding {
  readonly captured: CapturedTable;
  /** For how many relations it had been announced. */
  readonly announced: number;
}

/**
 * Looks for changes that reach no row event: a default of an added column, a rewrite, partitions attached or truncated,
 * tables made or dropped. What it finds gets a place in the order of the stream: behind everything that happened before it
 * was found, and behind every checkpoint so far, so that no sink takes it for a replay. A mark in the log leads the stream
 * there.
 */
export class SchemaWatch {
  readonly #options: SchemaWatchOptions;
  /** What was found last, and waits for the stream to come to its place. */
  #waiting: { readonly content: CatalogContent; readonly place: bigint } | null = null;
  /** Where the last thing that was found has its place; null when nothing was found yet. */
  #place: bigint | null = null;
  #head: bigint | null = null;

  constructor(options: SchemaWatchOptions) {
    this.#options = options;
  }

  /** The end of the server's log at the last look. */
  get head(): bigint | null {
    return this.#head;
  }

  /**
   * Looks once, and holds the publication against the state: rows that are not published are missing without a word
   * (invariant 6).
   * @returns the LSN behind which everything is applied that was ever found; null when nothing was
   * @throws WeirError WEIR_PG_PUBLICATION_MISSING, WEIR_PG_PUBLICATION_CHANGED
   */
  async look(): Promise<bigint | null> {
    const { control, catalog, tables, until } = this.#options;
    return await control.use(async (client) => {
      const [row] = await query(client, 'SELECT pg_current_wal_lsn() AS lsn');
      this.#head = parseLsn(row!['lsn']!);
      const view = await catalog.lookWith(client);
      // Behind the look: tables that it does not find published may have gone with their publication.
      await checkPublications(client, tables.state);
      tables.learnTypes(view.content.types);
      const { findings, added } = this.#findings(view.content);
      if (findings.length === 0 && added.length === 0) return this.#place;
      if (this.#waiting?.content === view.content) return this.#waiting.place;
      const { boundary } = this.#options.stream;
      const place = (view.to > boundary ? view.to : boundary) + 1n;
      // It is for the stream that follows this one, which will find it as well.
      if (until !== null && place > until) return this.#place;
      this.#place = place;
      this.#waiting = { content: view.content, place };
      this.#options.stream.atBoundary(place, () => this.#apply(view.content, findings, added));
      // So that the stream gets there, though nothing else happens.
      await markLog(client);
      return place;
    });
  }

  #findings(content: CatalogContent): { findings: Finding[]; added: CatalogTable[] } {
    const { tables, replacement, streamTables } = this.#options;
    const findings = tables.all
      .filter((captured) => this.#changeOf(captured, content) !== null)
      .map((captured) => ({ captured, announced: streamTables.announcements(captured.oid) }));
    const added = content.capture.tables
      .filter((table) => tables.named(table) === undefined && tables.withOid(table.oid) === undefined)
      .filter((table) => replacement.isReady(table, content));
    return { findings, added };
  }

  /** What brings a table to where the catalog is; null when it is there. */
  #changeOf(captured: CapturedTable, content: CatalogContent): (() => SchemaChange[]) | null {
    const { tables, replacement } = this.#options;
    const replaced = (why: string) => (): SchemaChange[] => replacement.replace([captured], content, why, [captured.oid]);
    const target = tableNamed(content.capture.tables, captured);
    if (target?.oid !== captured.oid) return replaced('it was dropped or renamed');
    if (captured.shaped === null) return null;
    checkMember(captured, content);
    const why = copyReason(tables, captured, content);
    if (why !== null) return replaced(why);
    const now = content.shapes.get(captured.oid)!;
    const difference = tables.difference(captured, now);
    const isSame = 'steps' in difference && difference.steps.length === 0 && !keyIsUnsure(captured.shaped.shape, now);
    if (!isSame) return () => replacement.reshape(captured, now, now, content);
    tables.adoptCatalog(captured, now);
    return null;
  }

  /** At the place in the stream. Something of it may have come there meanwhile by itself. */
  #apply(content: CatalogContent, findings: readonly Finding[], added: readonly CatalogTable[]): SchemaChange[] {
    const { tables, replacement } = this.#options;
    this.#waiting = null;
    const changes = findings.flatMap((finding) => this.#applyFinding(finding, content));
    for (const table of added) {
      const isNew = tables.named(table) === undefined && tables.withOid(table.oid) === undefined;
      if (isNew) replacement.copy(table, null, 'it is new');
    }
    return changes;
  }

  #applyFinding({ captured, announced }: Finding, content: CatalogContent): SchemaChange[] {
    const { tables, catalog, streamTables } = this.#options;
    const current = tables.named(captured);
    if (current === undefined) return [];
    // What the stream has made of it since is not later than this catalog, unless a later one was read for it.
    if (current !== captured && catalog.last?.content !== content) return [];
    // Announced once more under FULL it may have got or lost its key; the next look will tell.
    const isFull = current.shaped?.shape.identity === 'f';
    if (isFull && streamTables.announcements(captured.oid) !== announced) return [];
    return this.#changeOf(current, content)?.() ?? [];
  }
}
