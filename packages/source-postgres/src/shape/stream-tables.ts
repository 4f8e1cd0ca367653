import type { Begin, Relation, TableBinding } from '@weir/pgoutput';
import { WeirError, packVersion, tableName, type Commit, type SchemaChange } from '@weir/sdk';
import { announcedShape } from './announced-shape.ts';
import type { CopiedChunks } from '../copy/copied-chunks.ts';
import type { CapturedTable } from './captured-table.ts';
import type { CapturedTables } from './captured-tables.ts';
import { coversTransaction, precedesTransaction, type Catalog, type CatalogContent } from './catalog-view.ts';
import { commitPosition } from '../position.ts';
import { rewriteReason } from './shape-difference.ts';
import type { StreamHost } from '../stream/stream-host.ts';
import type { TableReplacement } from './table-replacement.ts';
import { keyIsUnsure, looksLike } from './table-shape.ts';

export interface StreamTablesOptions {
  readonly tables: CapturedTables;
  readonly catalog: Catalog;
  readonly replacement: TableReplacement;
  readonly chunks: CopiedChunks;
  readonly epoch: number;
  /** The boundary that the stream starts from. */
  readonly from: bigint;
  /** What commits from here on is for another stream; null when this one goes on. */
  readonly until: bigint | null;
  readonly signal: AbortSignal;
}

/** What the stream's transactions and relations become: the rows of captured tables, each with the shape that it has there. */
export class StreamTables implements StreamHost {
  readonly #options: StreamTablesOptions;
  #transaction: Begin | null = null;
  /** Tables whose copy is ahead of the stream, with the commit LSN from which on their rows are news. */
  readonly #behind = new Map<TableBinding, bigint>();
  /** For how many relations each table was announced; by oid. */
  readonly #announced = new Map<number, number>();
  /** Tables that are as the catalog has them. */
  readonly #settled = new WeakMap<CapturedTable, CatalogContent>();

  constructor(options: StreamTablesOptions) {
    this.#options = options;
    for (const { shaped, copiedAt, chunks } of options.tables.all) {
      if (shaped === null) continue;
      // A stream before this one may have left rows out until its last transaction.
      shaped.binding.skip = false;
      if (chunks === null && copiedAt! > options.from) this.#behind.set(shaped.binding, copiedAt!);
    }
  }

  /**
   * Drops a transaction that is for another stream, or was delivered before: its commit LSN is below the end of the last one
   * delivered. One that is equal to it is new. Rows of a table that its copy holds already are left out.
   */
  begin(begin: Begin): Commit | null {
    this.#transaction = begin;
    if (this.#isLeftOut(begin)) return null;
    this.#options.chunks.begins(begin);
    for (const [binding, copiedAt] of this.#behind) {
      binding.skip = begin.commitLsn < copiedAt;
      if (!binding.skip) this.#behind.delete(binding);
    }
    const { epoch } = this.#options;
    return {
      position: commitPosition(epoch, begin.commitLsn),
      // Above the version of a row that was copied at the boundary where this commit begins.
      version: packVersion(epoch, begin.commitLsn + 1n),
      time: begin.time,
      transactionId: String(begin.transactionId),
    };
  }

  /** It was delivered before, or another stream will deliver it. */
  #isLeftOut({ commitLsn }: Begin): boolean {
    const { from, until } = this.#options;
    return commitLsn < from || (until !== null && commitLsn >= until);
  }

  /** How often a table was announced so far. */
  announcements(oid: number): number {
    return this.#announced.get(oid) ?? 0;
  }

  knows(relation: Relation): boolean {
    this.#announced.set(relation.oid, this.announcements(relation.oid) + 1);
    const begin = this.#transaction;
    if (begin === null) return false;
    if (this.#isLeftOut(begin)) return true;
    const known = this.#knownAs(relation);
    if (known.length > 0 && known.every((captured) => this.#isHeld(captured))) return true;
    const view = this.#options.catalog.last;
    if (view === null || !coversTransaction(view, begin)) return false;
    if (known.length === 0) return !view.content.shapes.has(relation.oid);
    const captured = this.#same(relation);
    return captured !== undefined && fits(captured, relation) && this.#isSettled(captured, view.content);
  }

  relation(relation: Relation): TableBinding | null {
    const captured = this.#same(relation);
    if (captured !== undefined && fits(captured, relation)) {
      const { binding } = captured.shaped!;
      binding.judge = this.#options.chunks.judge(captured);
      return binding;
    }
    const known = this.#knownAs(relation);
    if (known.length === 0) return null;
    const leftOut = this.#transaction !== null && this.#isLeftOut(this.#transaction);
    if (!leftOut && !known.every((each) => this.#isHeld(each))) throw unknownForm(relation);
    return this.#skipped(relation, known);
  }

  /** For rows of a form that the copy behind them does not have: it has to be announced anew before rows that are news. */
  #skipped(relation: Relation, known: readonly CapturedTable[]): TableBinding {
    const { namespace, name, columns } = relation;
    const type = { kind: 'other' } as const;
    const table = {
      namespace,
      name,
      version: 0,
      columns: columns.map((column) => ({ name: column.name, type, nullable: true, sourceType: 'unknown' })),
      key: [],
    };
    const rewrite = (): never => {
      throw unknownForm(relation);
    };
    const binding = { table, rewrites: columns.map(() => ({ place: 'slab', rewrite }) as const), skip: true };
    const copied = known.flatMap(({ copiedAt }) => (copiedAt === null ? [] : [copiedAt]));
    if (copied.length === known.length) this.#behind.set(binding, copied.reduce((a, b) => (a > b ? a : b)));
    return binding;
  }

  async learn(relation: Relation): Promise<readonly SchemaChange[]> {
    const { catalog, tables, replacement, signal } = this.#options;
    const begin = this.#transaction;
    const before = catalog.last;
    const { content } = begin === null ? await catalog.look() : await catalog.lookBehind(begin, signal);
    tables.learnTypes(content.types);
    const known = this.#knownAs(relation);
    const captured = this.#same(relation);
    if (captured === undefined) {
      const why = known.length === 0 ? 'it is new' : `${tableName(relation)} is another table now`;
      return replacement.replace(known, content, why, [relation.oid]);
    }
    const now = content.shapes.get(relation.oid) ?? null;
    // It was dropped or renamed since; the stream will come to that.
    if (now === null && fits(captured, relation)) return [];
    const earlier = begin !== null && before !== null && precedesTransaction(before, begin) ? before : null;
    const announced = announcedShape(captured.shaped!.shape, relation, {
      types: tables.types,
      now,
      earlier: earlier?.content.shapes.get(relation.oid) ?? null,
      transactionId: begin?.transactionId ?? null,
    });
    if ('again' in announced) return replacement.replace([captured], content, announced.again, [relation.oid]);
    return replacement.reshape(captured, announced.shape, now!, content);
  }

  /** The table of this oid and name. */
  #same(relation: Relation): CapturedTable | undefined {
    return this.#knownAs(relation).find(({ oid, namespace, name }) => {
      return oid === relation.oid && namespace === relation.namespace && name === relation.name;
    });
  }

  /** The tables that have the relation's oid or its name. */
  #knownAs(relation: Relation): CapturedTable[] {
    const { tables } = this.#options;
    const known = [tables.withOid(relation.oid), tables.named(relation)].filter((captured) => captured !== undefined);
    return [...new Set(known)];
  }

  /** The table's rows here are in a copy that was made, or is to be made. */
  #isHeld({ copiedAt }: CapturedTable): boolean {
    return copiedAt === null || (this.#transaction !== null && this.#transaction.commitLsn < copiedAt);
  }

  #isSettled(captured: CapturedTable, content: CatalogContent): boolean {
    if (this.#settled.get(captured) === content) return true;
    const now = content.shapes.get(captured.oid);
    const { shape } = captured.shaped!;
    if (now === undefined || rewriteReason(shape, now) !== null || keyIsUnsure(shape, now)) return false;
    const difference = this.#options.tables.difference(captured, now);
    if ('again' in difference || difference.steps.length > 0) return false;
    this.#settled.set(captured, content);
    return true;
  }
}

function unknownForm(relation: Relation): WeirError {
  return new WeirError('WEIR_INTERNAL', `rows of ${tableName(relation)} come in a form that was not announced`);
}

function fits({ shaped }: CapturedTable, relation: Relation): boolean {
  return shaped !== null && looksLike(shaped.shape, relation);
}
