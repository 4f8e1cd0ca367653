import { formatLsn, parseLsn, type Begin, type TableBinding } from '@weir/pgoutput';
import { connect, cutOnAbort } from '@weir/postgres';
import {
  crashPoint,
  emptyBatch,
  filterRows,
  keyOrder,
  packVersion,
  rangeHolds,
  tableName,
  type Batch,
  type Checkpoint,
  type ConnectorContext,
  type Key,
  type KeyRange,
  type TableProgress,
} from '@weir/sdk';
import type pg from 'pg';
import type { CatalogTable } from '../capture/catalog.ts';
import type { PostgresConfig } from '../config.ts';
import { markLog } from '../log-mark.ts';
import { chunkPosition, isWhole, stateJson, unreadChunks, type ChunkState, type RoundState } from '../position.ts';
import type { CapturedTable } from '../shape/captured-table.ts';
import type { CapturedTables } from '../shape/captured-tables.ts';
import type { Catalog } from '../shape/catalog-view.ts';
import { rewriteReason } from '../shape/shape-difference.ts';
import { keyIsUnsure } from '../shape/table-shape.ts';
import type { SharedConnection } from '../shared-connection.ts';
import type { ChangeStream, Give } from '../stream/change-stream.ts';
import { VisibleTransactions } from '../stream/visible-transactions.ts';
import { ChunkReaders, type ChunkBatch } from './chunk-reader.ts';
import { CopyJudge, type CopyPlace } from './copy-judge.ts';
import { CopyRound, keyAt, type ChunkPart, type PartStart, type RoundView } from './copy-round.ts';
import { PassedTransactions } from './passed-transactions.ts';

/** How long one round reads: the stream, and what it confirms, waits so long. In ms. */
const ROUND_MS = 1_000;
/** Most chunks of one round. */
const ROUND_CHUNKS = 16;
/** Most tables of one round, and the rows after which no further one is locked for it. */
const ROUND_TABLES = 64;
const ROUND_ROWS = 1_000_000;
/** How soon a round is tried again that could not read yet, in ms, and when somebody is told why. */
const RETRY_MS = 200;
const TELL_MS = 10_000;
/** More keys to read once more than this, and no more are gathered: a round comes first. */
const MOST_HOLES = 1_000;

export interface ChunkedCopyOptions {
  readonly config: PostgresConfig;
  readonly context: ConnectorContext;
  readonly control: SharedConnection;
  readonly catalog: Catalog;
  readonly tables: CapturedTables;
}

/**
 * Copies tables by key, chunk by chunk, while the stream flows between the rounds that read them. A round pauses the stream
 * at a boundary and reads a few chunks in one snapshot of the server. What the stream brings later about their keys is left
 * out where that snapshot has it already; what it brings about keys that no chunk held yet is left out as well.
 *
 * After DBLog (https://arxiv.org/abs/2010.12597), with the server's snapshots in the place of watermarks: nothing is written
 * to the tables' database but a mark in its log.
 */
export class ChunkedCopy implements AsyncDisposable {
  readonly #options: ChunkedCopyOptions;
  readonly #readers: ChunkReaders;
  readonly #passed = new PassedTransactions();
  /** Bindings that ask before each row, by the table's oid. */
  readonly #judged = new Map<TableBinding, number>();
  readonly #rowBytes = new Map<number, number>();
  #leader: pg.Client | null = null;
  /** What of the last round matters to the transaction that is open; null when its snapshot does not see it. */
  #ranges: RoundState['ranges'] | null = null;
  #round: { readonly state: RoundState; readonly visible: VisibleTransactions; readonly end: bigint } | null = null;
  #end = 0n;
  #wasToldAt: number | null = null;
  /** Batches that were made, whether or not a consumer has them yet. */
  #made = 0;

  constructor(options: ChunkedCopyOptions) {
    this.#options = options;
    this.#readers = new ChunkReaders(options.config);
    this.#remember(options.tables.surroundings.round ?? null);
  }

  /** Tables are being copied, or the stream has not come by the last of them yet. */
  get isActive(): boolean {
    return this.#round !== null || this.#unread().length > 0;
  }

  /** From this LSN on all that was copied belongs together; 0 before the first round. */
  get end(): bigint {
    return this.#end;
  }

  get made(): number {
    return this.#made;
  }

  get progress(): TableProgress[] {
    const estimates = new Map(this.#options.catalog.last?.content.capture.tables.map((table) => [table.oid, table.estimatedRows]));
    return this.#options.tables.all.flatMap((table) => {
      if (table.chunks === null) return [];
      const { rows, done } = table.chunks;
      return [{ table: tableName(table), rows, estimatedRows: estimates.get(table.oid) ?? 0, done }];
    });
  }

  /** Who decides about a table's rows in the stream; null when all of them are news. */
  judge(captured: CapturedTable): CopyJudge | null {
    const { chunks, shaped, oid } = captured;
    if (chunks === null || (this.#round === null && isWhole(chunks))) return null;
    this.#judged.set(shaped!.binding, oid);
    return new CopyJudge(shaped!.table, this.#placeOf(oid));
  }

  /** A table is read once more, over the rows that sinks have of it. */
  readAgain(oid: number): void {
    const { tables } = this.#options;
    const captured = tables.withOid(oid)!;
    tables.put({ ...captured, chunks: { ...unreadChunks, inPlace: true } });
    captured.shaped!.binding.judge = this.judge(tables.withOid(oid)!);
  }

  /** The stream begins a transaction that it delivers. */
  begins({ commitLsn, transactionId }: Begin): void {
    if (!this.isActive) return;
    this.#passed.passed(transactionId);
    const round = this.#round;
    const isSeen = round !== null && commitLsn < round.end && round.visible.sees(transactionId);
    this.#ranges = isSeen ? round.state.ranges : null;
  }

  /** What was read of these tables so far does not count: they are read from their first key on. */
  restart(oid: number): void {
    const { tables } = this.#options;
    const captured = tables.withOid(oid);
    if (captured?.chunks == null) return;
    const { inPlace } = captured.chunks;
    tables.put({ ...captured, chunks: { ...unreadChunks, ...(inPlace === true && { inPlace }) } });
    const round = this.#round;
    if (round === null) return;
    this.#setRound({ ...round.state, ranges: round.state.ranges.filter((range) => range.oid !== oid) });
    if (this.#ranges !== null) this.#ranges = this.#round!.state.ranges;
  }

  /**
   * Reads round after round until every table is copied and the stream has come by the last round.
   * @param from no round before the stream is there
   * @param gate see `PassedTransactions`
   * @returns false when the stream ended before
   */
  async run(stream: ChangeStream, from: bigint, gate: bigint | null, signal: AbortSignal): Promise<boolean> {
    const { clock } = this.#options.context;
    this.#passed.startOver(gate);
    await reached(stream, from, signal, () => {});
    while (this.isActive && !signal.aborted) {
      if (this.#round !== null) await reached(stream, this.#round.end, signal, () => this.#forget());
      if (!this.isActive || signal.aborted) break;
      const started = clock.now();
      let rows: number | null = null;
      const isPaused = await stream.pause(async (give) => {
        try {
          rows = await this.#read(stream.boundary, give, signal);
        } catch (error) {
          // Cut by whoever closes the session, who waits for the server to let go of the slot.
          if (!signal.aborted) throw error;
        }
      });
      if (!isPaused || signal.aborted) return false;
      if (rows === null) await this.#waitForServer(signal);
      else await this.#keepRate(rows, started, signal);
    }
    if (signal.aborted) return false;
    await this.#close();
    return true;
  }

  #placeOf(oid: number): CopyPlace {
    return {
      delivers: (key, order) => this.#delivers(oid, key, order),
      addHole: (key) => this.#addHole(oid, key),
      truncated: () => this.#truncated(oid),
    };
  }

  #delivers(oid: number, key: Key, order: (a: Key, b: Key) => number): boolean {
    const chunks = this.#options.tables.withOid(oid)?.chunks ?? null;
    if (chunks === null) return true;
    const isRead = chunks.done || (chunks.upTo !== null && order(key, chunks.upTo) <= 0);
    if (!isRead && chunks.inPlace !== true) return false;
    if (chunks.holes.some((hole) => order(hole, key) === 0)) return false;
    return this.#ranges === null || !this.#ranges.some((range) => range.oid === oid && rangeHolds(range, key, order));
  }

  /** Chunks that were read behind the TRUNCATE are lost at the sink with it; those from before it are empty now. */
  #truncated(oid: number): void {
    if (this.#ranges?.some((range) => range.oid === oid) === true) this.restart(oid);
  }

  #addHole(oid: number, key: Key): void {
    const { tables } = this.#options;
    const captured = tables.withOid(oid)!;
    const chunks = captured.chunks!;
    // Beyond any use: then the table is quicker to read as a whole.
    if (chunks.holes.length >= MOST_HOLES) return this.restart(oid);
    tables.put({ ...captured, chunks: { ...chunks, holes: [...chunks.holes, key] } });
  }

  /** Tables of which something is still to be read. */
  #unread(): CapturedTable[] {
    return this.#options.tables.all.filter(({ chunks }) => chunks !== null && !isWhole(chunks));
  }

  #remember(state: RoundState | null): void {
    if (state === null) return;
    this.#end = parseLsn(state.end);
    this.#round = { state, visible: new VisibleTransactions(state.snapshot), end: this.#end };
  }

  #setRound(state: RoundState): void {
    const { tables } = this.#options;
    this.#round = { ...this.#round!, state };
    tables.surroundings = { ...tables.surroundings, round: state };
  }

  /** The stream has come by everything that the last round's snapshot saw. */
  #forget(): void {
    const { tables } = this.#options;
    const { round: _, ...surroundings } = tables.surroundings;
    tables.surroundings = surroundings;
    this.#round = null;
    this.#ranges = null;
    for (const [binding, oid] of this.#judged) {
      const chunks = tables.withOid(oid)?.chunks ?? null;
      if (chunks !== null && !isWhole(chunks)) continue;
      binding.judge = null;
      this.#judged.delete(binding);
    }
  }

  /**
   * Reads a round at a boundary.
   * @returns how many rows were read; null when the server was not ready for it
   */
  async #read(boundary: bigint, give: Give, signal: AbortSignal): Promise<number | null> {
    const { config, control, catalog } = this.#options;
    const chosen = this.#choose(catalog.last!.content.capture.tables);
    if (chosen.length === 0) return null;
    const leader = await this.#connect(signal);
    using _ = cutOnAbort(leader, signal);
    const begun = await CopyRound.begin(leader, chosen, config.snapshot.where);
    if (begun === null) return null;
    const { round, view } = begun;
    try {
      const starts = this.#starts(view);
      if (starts.length === 0 || !this.#passed.areVisibleIn(view.visible)) return null;
      // On disk behind it is everything that the snapshot sees: a crash of the server takes nothing back.
      const end = await control.use(markLog);
      this.#beginRound(view.snapshot, end);
      crashPoint('source.round-begun');
      return await this.#deliver(round, starts, boundary, give, signal);
    } finally {
      await round.end().catch(() => {});
    }
  }

  #beginRound(snapshot: string, end: bigint): void {
    const { tables } = this.#options;
    const state: RoundState = { snapshot, end: formatLsn(end), ranges: [] };
    this.#remember(state);
    tables.surroundings = { ...tables.surroundings, copies: tables.surroundings.copies + 1, round: state };
  }

  /** Tables for one round, those first that were begun. */
  #choose(catalogTables: readonly CatalogTable[]): CatalogTable[] {
    const chosen: CatalogTable[] = [];
    let rows = 0;
    for (const { oid } of this.#unread().toSorted((a, b) => b.chunks!.rows - a.chunks!.rows)) {
      const table = catalogTables.find((other) => other.oid === oid);
      if (table === undefined) continue;
      if (chosen.length === ROUND_TABLES || rows > ROUND_ROWS) break;
      chosen.push(table);
      rows += table.estimatedRows;
    }
    return chosen;
  }

  /** Tables that are as the stream has them; of others no chunk is read before it has come to what happened to them. */
  #starts({ tables: seen, shapes }: RoundView): PartStart[] {
    const { tables, config } = this.#options;
    return seen.flatMap((table): PartStart[] => {
      const captured = tables.withOid(table.oid);
      const now = shapes.get(table.oid);
      if (captured?.chunks == null || captured.shaped === null || now === undefined) return [];
      const { shape, binding } = captured.shaped;
      if (rewriteReason(shape, now) !== null || keyIsUnsure(shape, now)) return [];
      const difference = tables.difference(captured, now);
      if ('again' in difference || difference.steps.length > 0) return [];
      const { upTo: after, holes, done: isDone } = captured.chunks;
      const chunkRows = config.snapshot.chunk_rows ?? null;
      return [{ table, binding, after, holes, isDone, chunkRows, rowBytes: this.#rowBytes.get(table.oid) ?? null }];
    });
  }

  async #deliver(
    round: CopyRound,
    starts: readonly PartStart[],
    boundary: bigint,
    give: Give,
    signal: AbortSignal,
  ): Promise<number> {
    const { clock } = this.#options.context;
    const started = clock.now();
    const { max_rows_per_second: rate } = this.#options.config.snapshot;
    let rows = 0;
    let sequence = 0;
    const parts = round.parts(starts, () => (rate == null ? null : Math.max(1, rate - rows)));
    const ahead = (async function* (): AsyncGenerator<ChunkPart, void> {
      let chunks = 0;
      // One part always: otherwise a slow server would never get on.
      for await (const part of parts) {
        yield part;
        if (++chunks === ROUND_CHUNKS) return;
        if (clock.now() - started >= ROUND_MS || (rate != null && rows >= rate)) return;
      }
    })();
    try {
      for await (const piece of this.#readers.read(ahead, signal)) {
        rows += piece.batch?.rows ?? 0;
        const batch = this.#take(piece, boundary, () => ++sequence);
        this.#made++;
        crashPoint('source.chunk-read');
        if (!(await give(batch))) break;
      }
    } finally {
      await ahead.return();
      await parts.return();
    }
    return rows;
  }

  /** Notes what was read, and makes the batch that says so. */
  #take({ query: part, batch: copied, isLast }: ChunkBatch<ChunkPart>, boundary: bigint, next: () => number): Batch {
    const { tables } = this.#options;
    const { oid } = part.table;
    const captured = tables.withOid(oid)!;
    const { table } = captured.shaped!;
    const batch = copied ?? emptyBatch(null);
    this.#measure(oid, batch);
    const { range, chunks, rows } = part.hole === null ? bulk(captured.chunks!, part, batch, isLast) : refill(captured.chunks!, part.hole, part, batch);
    tables.put({ ...captured, chunks });
    const { state } = this.#round!;
    this.#setRound({ ...state, ranges: joined(state.ranges, { oid, ...range }) });
    const { epoch, copies } = tables.surroundings;
    const checkpoint: Checkpoint = {
      position: chunkPosition(epoch, boundary, copies, next()),
      state: stateJson(tables.state),
    };
    const commit = { position: checkpoint.position, version: packVersion(epoch, boundary), time: 0, transactionId: '' };
    const chunk = { table: 0, range, last: isWhole(chunks) };
    return { ...rows, tables: [table], commits: [commit], chunk, checkpoint, release: () => batch.release() };
  }

  #measure(oid: number, { rows, bytes }: Batch): void {
    if (rows > 0) this.#rowBytes.set(oid, Math.max(1, bytes / rows));
  }

  async #connect(signal: AbortSignal): Promise<pg.Client> {
    this.#leader ??= await connect(this.#options.config, signal);
    return this.#leader;
  }

  /** Somebody holds a lock, or a transaction that was open before the copy began is still open. */
  async #waitForServer(signal: AbortSignal): Promise<void> {
    const { context } = this.#options;
    const now = context.clock.now();
    this.#wasToldAt ??= now;
    if (now - this.#wasToldAt >= TELL_MS) {
      this.#wasToldAt = now;
      const message = 'the copy waits for a transaction that was open before it, or for a lock; see pg_stat_activity';
      context.log.warn({ pipeline: context.pipeline, tables: this.#unread().map(tableName) }, message);
    }
    await context.clock.sleep(RETRY_MS, signal).catch(() => {});
  }

  async #keepRate(rows: number, started: number, signal: AbortSignal): Promise<void> {
    this.#wasToldAt = null;
    const { max_rows_per_second: rate } = this.#options.config.snapshot;
    if (rate == null) return;
    const { clock } = this.#options.context;
    const due = started + (rows * 1000) / rate;
    if (due > clock.now()) await clock.sleep(due - clock.now(), signal).catch(() => {});
  }

  async #close(): Promise<void> {
    const leader = this.#leader;
    this.#leader = null;
    await leader?.end().catch(() => {});
    await this.#readers[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close();
  }
}

/** What a batch of a chunk holds, and how far the table is with it. */
interface Taken {
  readonly range: KeyRange;
  readonly chunks: ChunkState;
  readonly rows: Batch;
}

/** Rows come in the order of their keys, so each batch holds the range up to its last row. */
function bulk(before: ChunkState, { table, isRest }: ChunkPart, batch: Batch, isLast: boolean): Taken {
  const isEnd = isRest && isLast;
  const last = batch.rows === 0 ? before.upTo : keyAt(batch, table, batch.rows - 1);
  const range = { after: before.upTo, upTo: isEnd ? null : last };
  return { range, chunks: { ...before, upTo: last, done: isEnd, rows: before.rows + batch.rows }, rows: batch };
}

/** The rows are that before the hole and that in it, or two before it. */
function refill(before: ChunkState, hole: Key, { table }: ChunkPart, batch: Batch): Taken {
  const order = keyOrder(table.table)!;
  const keys = Array.from({ length: batch.rows }, (_, row) => keyAt(batch, table, row));
  const after = keys.filter((key) => order(key, hole) < 0).at(-1) ?? null;
  const rows = filterRows(batch, (row) => order(keys[row]!, hole) === 0);
  const holes = before.holes.filter((other) => order(other, hole) !== 0);
  return { range: { after, upTo: hole }, chunks: { ...before, holes, rows: before.rows + rows.rows }, rows };
}

/** With a range that goes on where another one of the table ends made one with it. */
function joined(ranges: RoundState['ranges'], added: RoundState['ranges'][number]): RoundState['ranges'] {
  const last = ranges.at(-1);
  const goesOn = last !== undefined && last.oid === added.oid && last.upTo !== null && last.upTo === added.after;
  return goesOn ? [...ranges.slice(0, -1), { ...last, upTo: added.upTo }] : [...ranges, added];
}

/** Resolves when the stream has come to an LSN, where it calls `then`, or when the signal aborts. */
async function reached(stream: ChangeStream, lsn: bigint, signal: AbortSignal, then: () => void): Promise<void> {
  if (stream.boundary >= lsn) return then();
  await new Promise<void>((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
    stream.atBoundary(lsn, () => {
      then();
      resolve();
      return [];
    });
  });
}
