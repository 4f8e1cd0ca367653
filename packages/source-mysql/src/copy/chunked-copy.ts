import { tableName, toWeirError, type Batch, type Checkpoint, type Clock, type Key, type RowJudge, type Table, type TableName, type TableProgress, type WeirError } from '@weir/sdk';
import type { TableShape } from '../capture/table-shape.ts';
import type { CopyState } from '../checkpoint-state.ts';
import { CHUNK_BYTES, type ChunkReader, type ReadChunk } from './chunk-reader.ts';
import type { SnapshotMoment, StreamPlace } from './chunk-snapshot.ts';
import { ChunkWindow } from './chunk-window.ts';
import { CopyJudge } from './copy-judge.ts';
import { keySql } from './key-sql.ts';

/** Rows of a table's first chunk: nothing is known of their size. */
const FIRST_CHUNK_ROWS = 1_000;
const MOST_CHUNK_ROWS = 100_000;
/** How many times as many rows a chunk may have as the one before. */
const MOST_GROWTH = 8;
/** How long a table rests whose chunk could not be read, in ms. */
const RETRY_MS = 200;

/** What reads one chunk at a time: a {@link ChunkReader}. */
export interface ChunkSource extends AsyncDisposable {
  /** As {@link ChunkReader.read}. */
  read: ChunkReader['read'];
}

export interface ChunkedCopyOptions {
  /** Each reads a chunk of another table at the same time, and each chunk is in memory; the copy disposes them. */
  readonly readers: readonly ChunkSource[];
  /** Rows of a chunk; by default as many as make {@link CHUNK_BYTES}. */
  readonly chunkRows?: number | null;
  readonly host: CopyHost;
  readonly clock: Clock;
}

/** Who keeps the state of the pipeline. */
export interface CopyHost {
  /**
   * The copy of a table is that far. Notes it, and says what the batch that is given next counts for.
   * @param copy null when nothing of the table is left to copy
   */
  copied(table: Table, copy: CopyState | null): { readonly checkpoint: Checkpoint; readonly version: bigint };
}

/** A table that is copied by key. */
interface CopiedTable {
  readonly shape: TableShape;
  readonly order: ((a: Key, b: Key) => number) | null;
  readonly estimatedRows: number;
  state: CopyState;
  isDone: boolean;
  chunkRows: number;
  /** The chunk that is under way. */
  window: ChunkWindow | null;
  /** Known when it is read. */
  moment: SnapshotMoment | null;
  /** When it may be read again, in ms since 1970. */
  rests: number;
}

/**
 * Copies tables by key, chunk by chunk, while the stream flows. A chunk is begun at a boundary of the stream and read in a snapshot
 * that sees all that was delivered up to there; it is given at the first boundary at which the stream has come by all that the
 * snapshot may see, as its keys are there.
 *
 * ```ts
 * binding.judge = copy.judge(table);          // before the table's rows are decoded
 * for (const batch of copy.atBoundary(place)) yield batch;
 * await Promise.race([stream.more(signal), copy.changed()]);
 * ```
 *
 * It waits for no consumer, and holds what a chunk for each reader and the changes beside them take (invariant 8).
 */
export class ChunkedCopy implements AsyncDisposable {
  readonly #options: ChunkedCopyOptions;
  readonly #tables = new Map<string, CopiedTable>();
  readonly #free: ChunkSource[];
  readonly #ending = new AbortController();
  readonly #reading = new Set<Promise<void>>();
  #failure: WeirError | null = null;
  /** What has happened to chunks, and what of it the last boundary knew, both counted. */
  #happened = 0;
  #known = 0;
  #next: PromiseWithResolvers<void> | null = null;

  constructor(options: ChunkedCopyOptions) {
    this.#options = options;
    this.#free = [...options.readers];
  }

  /** A table is copied from where its copy stands. @param shape of a table of which `isCopiedByKey` is true */
  add(shape: TableShape, state: CopyState, estimatedRows: number): void {
    this.remove(shape.table);
    const { chunkRows } = this.#options;
    const { order } = keySql(shape);
    const table = { shape, order, estimatedRows, state, isDone: false, chunkRows: chunkRows ?? FIRST_CHUNK_ROWS, window: null, moment: null, rests: 0 };
    this.#tables.set(tableName(shape.table), table);
  }

  /** Forgets a table: it was dropped, or is to be copied otherwise. */
  remove(table: TableName): void {
    this.#tables.get(tableName(table))?.window?.spoil();
    this.#tables.delete(tableName(table));
  }

  /** The stream comes by a definition of the table: what is read of it does not count. @param shape what its rows look like now */
  altered(shape: TableShape): void {
    const copied = this.#tables.get(tableName(shape.table));
    if (copied !== undefined && !copied.isDone) this.add(shape, copied.state, copied.estimatedRows);
  }

  /** Who decides about a table's rows in the stream; null when all of them are news. */
  judge(table: TableName): RowJudge | null {
    const copied = this.#tables.get(tableName(table));
    if (copied === undefined || copied.isDone) return null;
    return new CopyJudge(copied.shape.table, {
      delivers: (key) => copied.isDone || copied.order === null || (copied.state.upTo !== null && copied.order(key, copied.state.upTo) <= 0),
      drops: (key) => copied.window?.drops(key),
      takes: (key, row) => copied.window?.takes(key, row),
      spoil: () => copied.window?.spoil(),
      truncated: () => copied.window?.spoil(),
    });
  }

  /** Tables are being copied. */
  get isActive(): boolean {
    return [...this.#tables.values()].some(({ isDone }) => !isDone);
  }

  get progress(): TableProgress[] {
    return [...this.#tables.values()].map(({ shape, state, estimatedRows, isDone }) => ({
      table: tableName(shape.table),
      rows: state.rows,
      estimatedRows,
      done: isDone,
    }));
  }

  /** Bytes of chunks that wait for the stream. */
  get heldBytes(): number {
    return [...this.#tables.values()].reduce((sum, { window }) => sum + (window?.bytes ?? 0), 0);
  }

  /**
   * The stream stands at a boundary, and everything up to there is in a batch that was given before these.
   * @returns the chunks that are whole there, to be given before anything else of the stream
   * @throws WeirError what ended the reading
   */
  atBoundary(place: StreamPlace): Batch[] {
    if (this.#failure !== null) throw this.#failure;
    this.#known = this.#happened;
    const batches = [...this.#tables.values()].flatMap((copied) => (copied.moment?.isPassedBy(place) === true ? this.#give(copied) : []));
    for (const copied of this.#due()) this.#begin(copied, place);
    return batches;
  }

  /** Resolves when a chunk is read or another can be, so that `atBoundary` has something to do. */
  async changed(): Promise<void> {
    if (this.#known < this.#happened) return;
    this.#next ??= Promise.withResolvers();
    await this.#next.promise;
  }

  /** Stops what is read. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort();
    await Promise.all(this.#reading);
    for (const { window } of this.#tables.values()) window?.release();
    await Promise.all(this.#free.map(async (reader) => await reader[Symbol.asyncDispose]()));
  }

  /** Tables for connections that are free, those first that were begun. */
  #due(): CopiedTable[] {
    const now = this.#options.clock.now();
    return [...this.#tables.values()]
      .filter(({ isDone, window, rests }) => !isDone && window === null && rests <= now)
      .toSorted((a, b) => b.state.rows - a.state.rows)
      .slice(0, this.#free.length);
  }

  #begin(copied: CopiedTable, place: StreamPlace): void {
    const reader = this.#free.pop()!;
    const { shape, state, order } = copied;
    const window = new ChunkWindow(shape.table, state.upTo, order);
    copied.window = window;
    const reading = this.#read(copied, window, reader, place)
      .catch((error: unknown) => void (this.#failure ??= toWeirError(error)))
      .finally(() => {
        this.#free.push(reader);
        this.#reading.delete(reading);
        this.#notify();
      });
    this.#reading.add(reading);
  }

  async #read(copied: CopiedTable, window: ChunkWindow, reader: ChunkSource, place: StreamPlace): Promise<void> {
    const { shape, state, chunkRows } = copied;
    const chunk = await reader.read(shape, state.upTo, chunkRows, place, this.#ending.signal);
    if (chunk !== null) window.read(chunk.batches, chunk.isRest);
    if (copied.window !== window) return;
    if (chunk === null || window.isSpoiled) return this.#rest(copied);
    copied.moment = chunk.moment;
    this.#measure(copied, chunk);
  }

  /** What was read is of no use; the table is tried again a little later. */
  #rest(copied: CopiedTable): void {
    copied.window = null;
    copied.moment = null;
    copied.rests = this.#options.clock.now() + RETRY_MS;
    this.#options.clock.sleep(RETRY_MS, this.#ending.signal).then(
      () => this.#notify(),
      () => {},
    );
  }

  #measure(copied: CopiedTable, { rows, bytes }: ReadChunk): void {
    if (rows === 0 || this.#options.chunkRows != null) return;
    const wanted = Math.ceil(CHUNK_BYTES / (bytes / rows));
    copied.chunkRows = Math.max(1, Math.min(wanted, copied.chunkRows * MOST_GROWTH, MOST_CHUNK_ROWS));
  }

  #give(copied: CopiedTable): Batch[] {
    const window = copied.window!;
    if (window.isSpoiled) {
      this.#rest(copied);
      return [];
    }
    const { table } = copied.shape;
    const parts = window.parts();
    copied.window = null;
    copied.moment = null;
    return parts.map(({ batch, range, upTo, isEnd }) => {
      copied.state = { upTo, rows: copied.state.rows + batch.rows };
      copied.isDone = isEnd;
      const { checkpoint, version } = this.#options.host.copied(table, isEnd ? null : copied.state);
      const commit = { position: checkpoint.position, version, time: 0, transactionId: '' };
      return { ...batch, tables: [table], commits: [commit], chunk: { table: 0, range, last: isEnd }, checkpoint, release: () => batch.release() };
    });
  }

  #notify(): void {
    this.#happened++;
    this.#next?.resolve();
    this.#next = null;
  }
}
