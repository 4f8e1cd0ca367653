import { parseLsn } from '@weir/pgoutput';
import { query } from '@weir/postgres';
import type { ConnectorContext, SchemaChange } from '@weir/sdk';
import { quoteTable } from './catalog.ts';
import type { Catalog, CatalogContent, CatalogView } from './catalog-view.ts';
import type { CapturedTable } from './captured-table.ts';
import type { CapturedTables } from './captured-tables.ts';
import type { ChangeStream } from './change-stream.ts';
import { markLog } from './log-mark.ts';
import { checkMember, copyReason } from './open-tables.ts';
import { checkPublications } from './publication.ts';
import type { SharedConnection } from './shared-connection.ts';
import type { StreamTables } from './stream-tables.ts';
import type { TableReplacement } from './table-replacement.ts';

export interface SchemaWatchOptions {
  readonly control: SharedConnection;
  readonly catalog: Catalog;
  readonly tables: CapturedTables;
  readonly streamTables: StreamTables;
  readonly replacement: TableReplacement;
  readonly stream: ChangeStream;
  readonly context: ConnectorContext;
}

/** Something of the catalog that the stream does not say, or has not said yet. */
interface Finding {
  /** What it is about; null for a table that is new. */
  readonly captured: CapturedTable | null;
  readonly apply: () => SchemaChange[];
}

/**
 * Looks for changes that reach no row event: a default of an added column, a rewrite, partitions attached or truncated,
 * tables made or dropped. What it finds gets a place in the order of the stream by a mark in the log: behind everything that
 * happened before it was found, and behind every checkpoint so far, so that no sink takes it for a replay.
 */
export class SchemaWatch {
  readonly #options: SchemaWatchOptions;
  /** What was found last, and waits for the stream to come to its mark. */
  #waiting: { readonly content: CatalogContent; readonly mark: bigint } | null = null;
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
   * @returns the LSN behind which everything is applied that was found; null when nothing was
   * @throws WeirError WEIR_PG_PUBLICATION_MISSING, WEIR_PG_PUBLICATION_CHANGED
   */
  async look(): Promise<bigint | null> {
    const { control, catalog, tables } = this.#options;
    return await control.use(async (client) => {
      const [row] = await query(client, 'SELECT pg_current_wal_lsn() AS lsn');
      this.#head = parseLsn(row!['lsn']!);
      await checkPublications(client, tables.state);
      const view = await catalog.lookWith(client);
      tables.learnTypes(view.content.types);
      const findings = this.#findings(view);
      if (findings.length === 0) return null;
      if (this.#waiting?.content === view.content) return this.#waiting.mark;
      const mark = await markLog(client);
      this.#waiting = { content: view.content, mark };
      this.#options.stream.atBoundary(mark, () => this.#apply(findings));
      return mark;
    });
  }

  #findings({ content }: CatalogView): Finding[] {
    const { tables, replacement } = this.#options;
    const known = tables.all.flatMap((captured) => this.#findingOf(captured, content) ?? []);
    const added = content.capture.tables
      .filter((table) => tables.named(table) === undefined && tables.withOid(table.oid) === undefined)
      .filter((table) => replacement.isReady(table, content))
      .map((table): Finding => {
        const apply = (): SchemaChange[] => {
          if (tables.named(table) === undefined) replacement.copy(table, null, 'it is new');
          return [];
        };
        return { captured: null, apply };
      });
    return [...known, ...added];
  }

  #findingOf(captured: CapturedTable, content: CatalogContent): Finding | null {
    const { tables, replacement, streamTables } = this.#options;
    const replaced = (why: string): Finding => ({
      captured,
      apply: () => replacement.replace([captured], content, why, [captured.oid]),
    });
    const target = content.capture.tables.find((table) => quoteTable(table) === quoteTable(captured));
    if (captured.shaped === null) return target === undefined ? replaced('it is gone') : null;
    if (target?.oid !== captured.oid) return replaced('it was dropped or renamed');
    checkMember(captured, content);
    const why = copyReason(tables, captured, content);
    if (why !== null) return replaced(why);
    const now = content.shapes.get(captured.oid)!;
    const difference = tables.difference(captured, now);
    if ('steps' in difference && difference.steps.length > 0) {
      const announced = streamTables.announcements(captured.oid);
      const isStill = (): boolean => streamTables.announcements(captured.oid) === announced;
      return { captured, apply: () => (isStill() ? replacement.reshape(captured, now, now, content) : []) };
    }
    tables.adoptCatalog(captured, now);
    return null;
  }

  /** What the stream itself has brought meanwhile is left alone; the next look finds what is left of it. */
  #apply(findings: readonly Finding[]): SchemaChange[] {
    const { tables } = this.#options;
    this.#waiting = null;
    return findings.flatMap(({ captured, apply }) => {
      return captured === null || tables.named(captured) === captured ? apply() : [];
    });
  }
}
