import { WeirError, closestName, tableName, type CopyAgain } from '@weir/sdk';
import type { CapturedTable } from '../shape/captured-table.ts';
import type { CapturedTables } from '../shape/captured-tables.ts';
import type { Catalog } from '../shape/catalog-view.ts';
import type { TableReplacement } from '../shape/table-replacement.ts';
import type { CopiedChunks } from './copied-chunks.ts';
import { isCopiedByKey } from './key-sql.ts';

/** Tables that somebody wants to have copied once more. */
export interface CopyRequest {
  /** `namespace.name` */
  readonly names: readonly string[];
  readonly how: CopyAgain;
}

/** What copies are ordered of. */
export interface CopyOrders {
  readonly tables: CapturedTables;
  readonly catalog: Catalog;
  readonly replacement: TableReplacement;
  readonly chunks: CopiedChunks;
}

/** Requests that wait for their place in the stream; a stream that ends before leaves them to the next. */
export class CopyRequests {
  readonly #waiting = new Map<CopyRequest, PromiseWithResolvers<void>>();

  get waiting(): CopyRequest[] {
    return [...this.#waiting.keys()];
  }

  /** Resolves when the request is done, and rejects when there will be no stream any more. */
  async add(request: CopyRequest): Promise<void> {
    const settled = Promise.withResolvers<void>();
    this.#waiting.set(request, settled);
    await settled.promise;
  }

  /** @param work carries it out; what it throws is the answer */
  settle(request: CopyRequest, work: () => void): void {
    const settled = this.#waiting.get(request);
    if (settled === undefined) return;
    this.#waiting.delete(request);
    try {
      work();
      settled.resolve();
    } catch (error) {
      settled.reject(error);
    }
  }

  close(): void {
    const error = new WeirError('WEIR_NOT_RUNNING', 'the source is closed; ask again when it runs');
    for (const settled of this.#waiting.values()) settled.reject(error);
    this.#waiting.clear();
  }
}

/** @throws WeirError WEIR_TABLE_UNKNOWN */
function requestedTables({ names }: CopyRequest, tables: CapturedTables): CapturedTable[] {
  return names.map((name) => {
    const captured = tables.all.find((table) => tableName(table) === name);
    if (captured !== undefined) return captured;
    const closest = closestCaptured(name, tables);
    const fix = closest === null ? undefined : `Did you mean ${closest}?`;
    throw new WeirError('WEIR_TABLE_UNKNOWN', `the pipeline captures no table ${name}`, { fix });
  });
}

/** Also one that was named without its schema. */
function closestCaptured(name: string, tables: CapturedTables): string | null {
  const bare = tables.all.find((table) => table.name === name);
  return bare === undefined ? closestName(name, tables.all.map(tableName)) : tableName(bare);
}

/**
 * Has the tables of a request copied, at its place in the stream. What is still to be copied will be in any case.
 * @throws WeirError WEIR_TABLE_UNKNOWN, WEIR_TABLE_NO_KEY, before anything is changed
 */
export function orderCopies(request: CopyRequest, { tables, catalog, replacement, chunks }: CopyOrders): void {
  const { capture } = catalog.last!.content;
  const found = requestedTables(request, tables).map((captured) => {
    const table = capture.tables.find(({ oid }) => oid === captured.oid);
    if (table === undefined) throw new WeirError('WEIR_TABLE_UNKNOWN', `table ${tableName(captured)} is not there any more`);
    if (request.how === 'anew' || isCopiedByKey(table)) return { table, captured };
    throw new WeirError('WEIR_TABLE_NO_KEY', `table ${tableName(captured)} is not copied by key`);
  });
  for (const { table, captured } of found) {
    if (captured.shaped === null) continue;
    if (request.how === 'anew') replacement.copy(table, captured, 'it was asked for');
    else chunks.readAgain(captured.oid, request.how);
  }
}
