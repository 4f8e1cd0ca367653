import type { LogPosition } from '@weir/binlog';
import type { ConnectionConfig, MysqlClient } from '@weir/mysql';
import {
  WeirError,
  emptyBatch,
  patternOf,
  tableName,
  type Batch,
  type Checkpoint,
  type Clock,
  type CopyAgain,
  type RowJudge,
  type SchemaChange,
  type TableName,
  type TableProgress,
} from '@weir/sdk';
import { readCatalog, type CatalogTable } from './capture/catalog.ts';
import { passLock } from './capture/chosen-tables.ts';
import { columnStates, shapeOfState } from './capture/table-shape.ts';
import type { CopyState, Flavour, TableState } from './checkpoint-state.ts';
import { ChunkReader } from './copy/chunk-reader.ts';
import type { StreamPlace } from './copy/chunk-snapshot.ts';
import { ChunkedCopy } from './copy/chunked-copy.ts';
import { isCopiedInChunks } from './copy/key-sql.ts';
import type { SnapshotOptions } from './copy/snapshot-connection.ts';
import { comparePlaces } from './position.ts';
import type { CapturedTable, CapturedTables } from './schema/captured-tables.ts';
import { transition } from './schema/table-steps.ts';
import { readServerLog } from './server-log.ts';
import { WholeCopy } from './whole-copy.ts';

export interface TableCopiesOptions {
  readonly config: ConnectionConfig;
  readonly control: MysqlClient;
  readonly flavour: Flavour;
  readonly server: string;
  readonly hasGtids: boolean;
  readonly chunkRows: number | null;
  readonly clock: Clock;
  readonly tables: CapturedTables;
  /** What the batch that is given next at the boundary counts for; the tables are those of behind it. */
  readonly counts: () => { readonly checkpoint: Checkpoint; readonly version: bigint };
  /** Rows of tables are bound anew. */
  readonly rebind: () => void;
  /** Has the stream come to rest, so that {@link TableCopies.atBoundary} is called. */
  readonly wake: () => void;
  /** A table is to be read again. */
  readonly again: (table: TableName, why: string) => void;
}

/** How long a copy that could not be begun waits, in ms. */
const RETRY_MS = 200;

/** Rows of a table that is copied whole: the copy holds them, or will. */
const LEFT_OUT: RowJudge = { keeps: () => false, truncated: () => {} };

/** The catalog at a moment, of tables that wait for it. */
interface Look {
  readonly found: ReadonlyMap<string, CatalogTable>;
  readonly waiting: readonly TableName[];
  /** What the catalog shows is in the log before here. */
  readonly end: LogPosition;
}

/**
 * Copies the tables of which rows are missing, beside the stream. What a table looks like when its copy begins, or goes on behind a
 * statement that altered it, the catalog says; that holds where the stream has come by the end that the log had then, if no other
 * statement about the table came by.
 */
export class TableCopies implements AsyncDisposable {
  readonly #options: TableCopiesOptions;
  readonly #copy: ChunkedCopy;
  readonly #snapshot: SnapshotOptions;
  /** The table that is copied whole now. */
  #whole: WholeCopy | null = null;
  #look: Look | null = null;
  /** Tables that a statement was about since the look. */
  readonly #redefined = new Set<string>();
  /** Tables that are repaired. */
  readonly #compared = new Set<string>();

  constructor(options: TableCopiesOptions) {
    this.#options = options;
    const { config, flavour, server, hasGtids, chunkRows, tables, clock } = options;
    this.#snapshot = { config, flavour, server, zeroDates: tables.zeroDates, isLocking: !hasGtids };
    const reader = new ChunkReader(this.#snapshot);
    this.#copy = new ChunkedCopy({ readers: [reader], chunkRows, host: { copied: (table, copy) => this.#copied(table, copy) }, clock });
    for (const captured of tables.all) this.#goOn(captured);
  }

  /** The copy of a table goes on where a checkpoint left it: from the start, where it is copied whole. */
  #goOn({ state, shape }: CapturedTable): void {
    if (state.copy === undefined || shape === null) return;
    if (state.copy.compare === true) this.#compared.add(tableName(state));
    if (!isCopiedInChunks(shape)) this.#options.tables.copyFromNothing(state, state.reason);
    else if (state.altered === undefined) this.#copy.add(shape, state.copy, 0);
  }

  /** Rows are missing of some table. */
  get isActive(): boolean {
    return this.#options.tables.all.some(({ state }) => state.copy !== undefined);
  }

  /** The tables that are copied, and those that are done while others are copied. */
  get progress(): TableProgress[] {
    if (!this.isActive) return [];
    const begun = this.#copy.progress;
    const waiting = this.#options.tables.all.filter(({ state, shape }) => state.copy !== undefined && (shape === null || !isCopiedInChunks(shape)));
    return [...begun, ...waiting.map(({ state }) => ({ table: tableName(state), rows: state.copy!.rows, estimatedRows: 0, done: false }))];
  }

  /** Who decides about rows of a table; null when all of them are news. */
  judge(table: TableName): RowJudge | null {
    const captured = this.#options.tables.get(table);
    const isWhole = captured?.shape !== null && captured?.state.copy !== undefined && !isCopiedInChunks(captured.shape);
    return isWhole ? LEFT_OUT : this.#copy.judge(table);
  }

  /** The stream has to stop there, behind everything that a copy holds; null when it need not. */
  get until(): LogPosition | null {
    return this.#whole?.at ?? null;
  }

  /** A statement about a table came by. */
  redefined(table: TableName): void {
    this.#redefined.add(tableName(table));
    this.#compared.delete(tableName(table));
    this.#copy.remove(table);
  }

  /** Rows have shown what a table has become. */
  shaped({ state, shape }: CapturedTable): void {
    this.#redefined.add(tableName(state));
    if (state.copy !== undefined && shape !== null && isCopiedInChunks(shape)) this.#copy.add(shape, state.copy, 0);
  }

  /**
   * The stream is at rest at a boundary: a table is copied once more from here on.
   * @throws WeirError WEIR_TABLE_NO_KEY where it is to stay what it is at the sinks, and its keys are in an order of the server's own
   */
  again(table: CapturedTable, how: CopyAgain): void {
    const { tables, rebind } = this.#options;
    const { state, shape } = table;
    if (how === 'anew' || shape === null) {
      this.redefined(state);
      tables.copyFromNothing(state, shape === null ? state.reason : 'again');
    } else {
      if (!isCopiedInChunks(shape)) {
        throw new WeirError('WEIR_TABLE_NO_KEY', `${tableName(state)} cannot be read in place: it has no key that is read in ranges`, { table: tableName(state) });
      }
      const copy: CopyState = { upTo: null, rows: 0, ...(how === 'repair' ? { compare: true } : {}) };
      this.#goOn(tables.update(table, { ...state, copy }));
    }
    rebind();
  }

  /**
   * The stream is at rest at a boundary.
   * Gives what is to be given there, in front of everything else.
   * @throws WeirError what reading met; the signal's reason
   */
  async *atBoundary(place: StreamPlace, signal: AbortSignal): AsyncGenerator<Batch> {
    const isPassed = ({ end }: Look): boolean => comparePlaces(place.reached, end) >= 0;
    if (this.#look !== null && isPassed(this.#look)) yield* this.#settle(this.#look);
    if (this.#look === null) {
      this.#look = await this.#see();
      signal.throwIfAborted();
      if (this.#look !== null && isPassed(this.#look)) yield* this.#settle(this.#look);
    }
    for (const batch of this.#copy.atBoundary(place)) {
      const name = tableName(batch.tables[0]!);
      yield this.#compared.has(name) ? { ...batch, chunk: { ...batch.chunk!, compare: true } } : batch;
      if (batch.chunk!.last) this.#compared.delete(name);
    }
    yield* this.#copyWhole(place, signal);
  }

  /** Tables that are not copied in chunks, one after the other. */
  async *#copyWhole(place: StreamPlace, signal: AbortSignal): AsyncGenerator<Batch> {
    for (;;) {
      const due = this.#options.tables.all.find(({ state, shape }) => state.copy !== undefined && shape !== null && !isCopiedInChunks(shape));
      this.#whole ??= due === undefined ? null : await WholeCopy.begin(this.#snapshot, due.shape!.table, place, signal);
      if (due !== undefined && this.#whole === null) void this.#wakeLater(signal);
      if (this.#whole === null || comparePlaces(place.reached, this.#whole.at) < 0) return;
      await using whole = this.#whole;
      this.#whole = null;
      const captured = this.#options.tables.get(whole.table);
      // It was dropped or altered while the stream came here.
      if (captured?.shape?.table !== whole.table) continue;
      if (whole.moment.mayLack(place.committedXa ?? [])) continue;
      yield* this.#giveWhole(whole);
    }
  }

  /** It could not be begun: a lock is not to be had, or the server does not show yet what it has sent. */
  async #wakeLater(signal: AbortSignal): Promise<void> {
    const { clock, wake } = this.#options;
    await clock.sleep(RETRY_MS, signal).then(wake, () => {});
  }

  async *#giveWhole(whole: WholeCopy): AsyncGenerator<Batch> {
    const { table } = whole;
    const rows = whole.read();
    let copied = 0;
    const marked = (batch: Batch, last: boolean): Batch => {
      const { checkpoint, version } = this.#copied(table, last ? null : { upTo: null, rows: copied });
      const commit = { position: checkpoint.position, version, time: 0, transactionId: '' };
      return { ...batch, tables: [table], commits: [commit], chunk: { table: 0, range: null, last }, checkpoint, release: () => batch.release() };
    };
    for (let next = await rows.next(); ; next = await rows.next()) {
      if (next.done === true) {
        if (next.value) {
          yield marked(emptyBatch(null), true);
          this.#options.rebind();
        } else this.#options.again(table, 'it was altered while it was read');
        return;
      }
      copied += next.value.rows;
      yield marked(next.value, false);
    }
  }

  /** Resolves when `atBoundary` has something to do. */
  async changed(): Promise<void> {
    await this.#copy.changed();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#whole?.[Symbol.asyncDispose]();
    await this.#copy[Symbol.asyncDispose]();
  }

  /** Looks up the tables whose shape has to be known before their copy goes on; null when there are none. */
  async #see(): Promise<Look | null> {
    const { tables, control } = this.#options;
    const waiting = tables.all.filter(({ state }) => state.copy !== undefined && (state.columns.length === 0 || state.altered !== undefined)).map(({ state }) => state);
    if (waiting.length === 0) return null;
    this.#redefined.clear();
    for (const table of waiting) await passLock(control, table);
    const found = await readCatalog(control, waiting.map(patternOf));
    const { end } = await readServerLog(control);
    return { found: new Map(found.map((table) => [tableName(table), table])), waiting, end };
  }

  #settle({ found, waiting }: Look): Batch[] {
    this.#look = null;
    const batches: Batch[] = [];
    for (const name of waiting) {
      const captured = this.#options.tables.get(name);
      if (captured === null || captured.state.copy === undefined || this.#redefined.has(tableName(name))) continue;
      const changes = this.#begin(captured, found.get(tableName(name)) ?? null);
      if (changes.length > 0) batches.push(emptyBatch(this.#options.counts().checkpoint, changes));
    }
    this.#options.rebind();
    return batches;
  }

  /** @returns what is to be told */
  #begin({ state, shape }: CapturedTable, catalog: CatalogTable | null): SchemaChange[] {
    const { tables } = this.#options;
    if (catalog?.kind !== 'table') {
      tables.delete(state);
      return shape === null ? [] : [{ table: shape.table, change: 'drop-table' }];
    }
    if (shape === null) {
      const next: TableState = { ...state, columns: columnStates(catalog), key: catalog.key, copy: { upTo: null, rows: 0 } };
      const begun = tables.put(next, shapeOfState(next, tables.zeroDates));
      if (isCopiedInChunks(begun.shape!)) this.#copy.add(begun.shape!, { upTo: null, rows: 0 }, catalog.estimatedRows);
      return [{ table: begun.shape!.table, change: 'create', reason: state.reason }];
    }
    const step = transition(state, shape.table, { columns: columnStates(catalog), key: catalog.key }, tables.zeroDates);
    if ('again' in step) {
      this.#options.again(state, step.again);
      return [];
    }
    if (!isCopiedInChunks(step.shape) || !isCopiedInChunks(shape)) {
      this.#options.again(state, 'it has another key');
      return [];
    }
    this.#copy.add(tables.put(step.state, step.shape).shape!, state.copy!, catalog.estimatedRows);
    return [...step.changes];
  }

  #copied(table: TableName, copy: CopyState | null): { readonly checkpoint: Checkpoint; readonly version: bigint } {
    const { tables, counts } = this.#options;
    const captured = tables.get(table);
    if (captured === null) throw new WeirError('WEIR_INTERNAL', `${tableName(table)} was copied and is captured no more`);
    const { copy: _, ...state } = captured.state;
    const compare = this.#compared.has(tableName(table)) ? ({ compare: true } as const) : {};
    tables.update(captured, copy === null ? state : { ...state, copy: { ...copy, ...compare } });
    return counts();
  }
}
