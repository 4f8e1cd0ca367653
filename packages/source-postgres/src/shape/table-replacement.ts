import {
  WeirError,
  tableName,
  type CheckResult,
  type ConnectorContext,
  type ErrorCode,
  type SchemaChange,
  type Table,
  type TableName,
} from '@weir/sdk';
import { quoteTable, type CatalogTable } from '../capture/catalog.ts';
import { isWhole } from '../position.ts';
import type { CapturedTable } from './captured-table.ts';
import type { CapturedTables } from './captured-tables.ts';
import type { CatalogContent } from './catalog-view.ts';
import { publishingProblem } from '../capture/inspect-publication.ts';
import { tableResults } from '../capture/inspect-tables.ts';
import type { CatalogShape, TableShape } from './table-shape.ts';

/** Changes captured tables at a place of the stream: their shapes where that is enough, or by having them copied again. */
export class TableReplacement {
  readonly #tables: CapturedTables;
  readonly #context: ConnectorContext;
  readonly #role: string;
  /** Called when a table is to be copied: the stream has to end at the next boundary. */
  copyWanted: () => void = () => {};
  /** Why new tables are not captured, as it was last said. */
  readonly #refused = new Map<string, string>();

  /** @param role the one that is connected */
  constructor(tables: CapturedTables, context: ConnectorContext, role: string) {
    this.#tables = tables;
    this.#context = context;
    this.#role = role;
  }

  /** Whether a new table can be captured. What it lacks is often on its way, such as a key, so it only gets a warning. */
  isReady(table: CatalogTable, { capture }: CatalogContent): boolean {
    const problem = this.#problem(table, capture);
    if (problem === null) return true;
    if (this.#refused.get(quoteTable(table)) !== problem.message) {
      const { pipeline } = this.#context;
      const fields = { pipeline, table: tableName(table), code: problem.code, fix: problem.fix };
      this.#context.log.warn(fields, `a new table is not captured yet: ${problem.message}`);
      this.#refused.set(quoteTable(table), problem.message);
    }
    return false;
  }

  #problem(table: CatalogTable, capture: CatalogContent['capture']): CheckResult | null {
    const results = tableResults({ ...capture, tables: [table] }, this.#role);
    const unpublished = publishingProblem(table, capture, this.#role);
    return unpublished ?? results.find(({ level }) => level === 'error') ?? null;
  }

  /** Takes a table to its next shape, or has it copied again where that cannot be said in changes. */
  reshape(captured: CapturedTable, next: TableShape, now: CatalogShape, content: CatalogContent): SchemaChange[] {
    const difference = this.#tables.difference(captured, next);
    if ('again' in difference) return this.replace([captured], content, difference.again, [captured.oid]);
    if (difference.steps.some(({ step }) => step === 'key') && this.#goesByKey(captured)) {
      return this.replace([captured], content, 'its key changed while it was copied', [captured.oid]);
    }
    const changes = this.#tables.reshape(captured, next, now) ?? [];
    for (const change of changes) this.#tell(captured, `${change.change} at the source`, change);
    return changes;
  }

  /** What was copied of it is told by its keys. */
  #goesByKey({ chunks, oid }: CapturedTable): boolean {
    if (chunks === null) return false;
    const isRemembered = this.#tables.surroundings.round?.ranges.some((range) => range.oid === oid) === true;
    return isRemembered || !isWhole(chunks);
  }

  /**
   * What is to be found in the catalog under the names of these tables, and with these oids, is copied; a table whose name
   * nothing has any more is dropped.
   */
  replace(
    tables: readonly CapturedTable[],
    content: CatalogContent,
    why: string,
    oids: readonly number[] = [],
  ): SchemaChange[] {
    const changes: SchemaChange[] = [];
    const chosen = content.capture.tables;
    for (const captured of tables) {
      const target = chosen.find((table) => quoteTable(table) === quoteTable(captured));
      if (target !== undefined) {
        const problem = this.#problem(target, content.capture);
        if (problem !== null) throw refused(problem, target);
        this.copy(target, captured, why);
        continue;
      }
      this.#tables.remove(captured);
      this.#tell(captured, 'the table is not there any more');
      if (isAtSinks(captured)) changes.push({ table: captured.shaped?.table ?? emptyTable(captured), change: 'drop-table' });
    }
    for (const table of chosen) {
      const isNew = oids.includes(table.oid) && this.#tables.named(table) === undefined;
      if (isNew && this.isReady(table, content)) this.copy(table, null, why);
    }
    return changes;
  }

  /** @param before what has its name now; null when nothing has */
  copy(table: CatalogTable, before: CapturedTable | null, why: string): void {
    const reason = before === null ? 'new' : before.copiedAt === null ? before.reason : 'again';
    this.#tell(table, reason === 'new' ? `the table will be copied: ${why}` : `the table will be copied again: ${why}`);
    this.#tables.putUncopied(table, reason);
    this.copyWanted();
  }

  #tell(table: TableName, message: string, change?: SchemaChange): void {
    const column = change !== undefined && 'column' in change ? { column: change.column } : {};
    this.#context.log.info({ pipeline: this.#context.pipeline, table: tableName(table), ...column }, message);
  }
}

function refused({ code, message, fix, path }: CheckResult, table: TableName): WeirError {
  return new WeirError(code as ErrorCode, message, { fix, path, table: tableName(table) });
}

/** A copy of it, or a part of one, may have come before. */
function isAtSinks({ copiedAt, reason }: CapturedTable): boolean {
  return copiedAt !== null || reason === 'again';
}

function emptyTable({ namespace, name }: TableName): Table {
  return { namespace, name, version: 1, columns: [], key: [] };
}
