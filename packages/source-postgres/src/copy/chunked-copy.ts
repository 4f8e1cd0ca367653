import { closeClient, connect, cutOnAbort, socketOf } from '@weir/postgres';
import {
  crashPoint,
  emptyBatch,
  packVersion,
  tableName,
  type Batch,
  type Checkpoint,
  type ConnectorContext,
  type TableProgress,
} from '@weir/sdk';
import type pg from 'pg';
import type { CatalogTable } from '../capture/catalog.ts';
import type { PostgresConfig } from '../config.ts';
import { markLog } from '../log-mark.ts';
import { nextTransaction } from '../next-transaction.ts';
import { chunkPosition, isWhole, stateJson } from '../position.ts';
import type { CapturedTables } from '../shape/captured-tables.ts';
import type { Catalog } from '../shape/catalog-view.ts';
import { rewriteReason } from '../shape/shape-difference.ts';
import { keyIsUnsure } from '../shape/table-shape.ts';
import type { ChangeStream } from '../stream/change-stream.ts';
import type { Give } from '../stream/stream-pause.ts';
import { ChunkReaders, type ChunkBatch } from './chunk-reader.ts';
import { CopiedChunks } from './copied-chunks.ts';
import { CopyRound, type ChunkPart, type PartStart, type RoundView } from './copy-round.ts';
import { standbysHave } from './standbys.ts';
import { bulk, refill } from './taken.ts';

/** How long one round reads: the stream, and what it confirms, waits so long. In ms. */
const ROUND_MS = 1_000;
/** Most chunks of one round. */
const ROUND_CHUNKS = 64;
/** Most tables of one round, and the rows after which no further one is locked for it. */
const ROUND_TABLES = 64;
const ROUND_ROWS = 1_000_000;
/** How long a round waits for the consumer of its batches, in ms. */
const HELD_MS = 10_000;
/** How soon a round is tried again that could not read yet, in ms, and when somebody is told why. */
const RETRY_MS = 200;
const TELL_MS = 10_000;

export interface ChunkedCopyOptions {
  readonly config: PostgresConfig;
  readonly context: ConnectorContext;
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
  readonly chunks: CopiedChunks;
  readonly #rowBytes = new Map<number, number>();
  #leader: pg.Client | null = null;
  /**
   * Waits for no lock: whoever waited for one behind somebody who waits for the leader would hold up the leader, and that all
   * of them.
   */
  #marker: pg.Client | null = null;
  #closing: Promise<void> = Promise.resolve();
  #wasToldAt: number | null = null;
  /** How often in a row a table was locked: then each is tried by itself, so that it holds up no other. */
  #locked = 0;
  /** Batches that were made, whether or not a consumer has them yet. */
  #made = 0;

  constructor(options: ChunkedCopyOptions) {
    this.#options = options;
    this.#readers = new ChunkReaders(options.config);
    this.chunks = new CopiedChunks(options.tables);
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

  /**
   * Reads round after round until every table is copied and the stream has come by the last round.
   * @param from no round before the stream is there
   * @param gate see `PassedTransactions`
   * @returns false when the stream ended before
   */
  async run(stream: ChangeStream, from: bigint, gate: bigint | null, signal: AbortSignal): Promise<boolean> {
    const { clock } = this.#options.context;
    const { chunks } = this;
    // A run before this one may still be letting go of its connections.
    await this.#closing;
    chunks.passed.startOver(gate);
    await reached(stream, from, signal, () => {});
    while (chunks.isActive && !signal.aborted) {
      if (chunks.remembersRound) await reached(stream, chunks.end, signal, () => chunks.forget());
      if (!chunks.isActive || signal.aborted) break;
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

  /**
   * Reads a round at a boundary.
   * @returns how many rows were read; null when the server was not ready for it
   */
  async #read(boundary: bigint, give: Give, signal: AbortSignal): Promise<number | null> {
    const { config, catalog, context } = this.#options;
    const chosen = this.#choose(catalog.last!.content.capture.tables);
    if (chosen.length === 0) return null;
    const leader = (this.#leader ??= await connect(config, signal));
    const marker = (this.#marker ??= await connect(config, signal));
    using _leader = cutOnAbort(leader, signal);
    using _marker = cutOnAbort(marker, signal);
    this.chunks.passed.gate ??= await nextTransaction(marker);
    const lockReaders = async (lock: string): Promise<void> => await this.#readers.begin(lock, signal);
    const begun = await CopyRound.begin(leader, chosen, config.snapshot.where, lockReaders);
    this.#locked = begun === null ? this.#locked + 1 : 0;
    if (begun === null) {
      // They may have got the locks that the leader did not.
      await this.#readers.end().catch(() => {});
      return null;
    }
    const { round, view } = begun;
    try {
      const starts = this.#starts(view);
      if (starts.length === 0 || !this.chunks.passed.areVisibleIn(view.visible)) return null;
      // On disk behind it is everything that the snapshot sees: a crash of the server takes nothing back.
      const end = await markLog(marker);
      if (config.failover && !(await standbysHave(leader, end, context.clock, signal))) return null;
      this.chunks.beginRound(view.snapshot, end);
      crashPoint('source.round-begun');
      return await this.#deliver(round, starts, boundary, give, signal);
    } finally {
      await this.#readers.end().catch(() => {});
      await round.end().catch(() => {});
    }
  }

  /** Tables for one round, those first that were begun. */
  #choose(catalogTables: readonly CatalogTable[]): CatalogTable[] {
    const chosen: CatalogTable[] = [];
    let rows = 0;
    const unread = this.chunks.unread().toSorted((a, b) => b.chunks!.rows - a.chunks!.rows);
    const alone = this.#locked === 0 ? null : unread[this.#locked % unread.length];
    for (const { oid } of alone == null ? unread : [alone]) {
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
      return [{ table, binding, after, holes, isDone, chunkRows, rowBytes: () => this.#rowBytes.get(table.oid) ?? null }];
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
    let asked = 0;
    const parts = round.parts(starts, () => (rate == null ? null : Math.max(1, rate - asked)));
    const ahead = (async function* (): AsyncGenerator<ChunkPart, void> {
      let chunks = 0;
      // One part always: otherwise a slow server would never get on.
      for await (const part of parts) {
        asked += part.rows;
        yield part;
        if (++chunks === ROUND_CHUNKS) return;
        if (clock.now() - started >= ROUND_MS || (rate != null && asked >= rate)) return;
      }
    })();
    await this.#readers.see(await round.export());
    try {
      for await (const piece of this.#readers.read(ahead, signal)) {
        rows += piece.batch?.rows ?? 0;
        const batch = this.#take(piece, { boundary, sequence: ++sequence });
        this.#made++;
        crashPoint('source.chunk-read');
        if (!(await this.#handOver(batch, give))) break;
      }
    } finally {
      await ahead.return();
      await parts.return();
    }
    return rows;
  }

  /**
   * A consumer that takes long is not waited for with the tables locked: whoever alters one would wait for it too, and after
   * them everybody who uses that table.
   * @returns false when no more is to be read now
   */
  async #handOver(batch: Batch, give: Give): Promise<boolean> {
    const { clock } = this.#options.context;
    const given = give(batch);
    const waiting = new AbortController();
    const isLate = clock.sleep(HELD_MS, waiting.signal).then(
      () => true,
      () => false,
    );
    const late = await Promise.race([given.then(() => false), isLate]);
    waiting.abort();
    if (!late) return await given;
    this.#readers.abandon();
    if (this.#leader !== null) socketOf(this.#leader).destroy();
    this.#leader = null;
    await given;
    return false;
  }

  /** Notes what was read, and makes the batch that says so. */
  #take(
    { query: part, batch: copied, isLast }: ChunkBatch<ChunkPart>,
    { boundary, sequence }: { readonly boundary: bigint; readonly sequence: number },
  ): Batch {
    const { tables } = this.#options;
    const { oid } = part.table;
    const captured = tables.withOid(oid)!;
    const { table } = captured.shaped!;
    const batch = copied ?? emptyBatch(null);
    // The last of a chunk is not as full as the others.
    if (!isLast || !this.#rowBytes.has(oid)) this.#measure(oid, batch);
    const { range, chunks, rows } =
      part.hole === null ? bulk(captured.chunks!, part, batch, isLast) : refill(captured.chunks!, part, part.hole, batch);
    this.chunks.took(captured, range, chunks);
    const { epoch, copies } = tables.surroundings;
    const checkpoint: Checkpoint = {
      position: chunkPosition(epoch, boundary, copies, sequence),
      state: stateJson(tables.state),
    };
    const commit = { position: checkpoint.position, version: packVersion(epoch, boundary), time: 0, transactionId: '' };
    const chunk = { table: 0, range, last: isWhole(chunks), ...(chunks.compare === true && { compare: true }) };
    return { ...rows, tables: [table], commits: [commit], chunk, checkpoint, release: () => batch.release() };
  }

  #measure(oid: number, { rows, bytes }: Batch): void {
    if (rows > 0) this.#rowBytes.set(oid, Math.max(1, bytes / rows));
  }

  /** Somebody holds a lock, or a transaction that was open before the copy began is still open. */
  async #waitForServer(signal: AbortSignal): Promise<void> {
    const { context } = this.#options;
    const now = context.clock.now();
    this.#wasToldAt ??= now;
    if (now - this.#wasToldAt >= TELL_MS) {
      this.#wasToldAt = now;
      const message = 'the copy waits for a transaction that was open before it, for a lock, or for a standby; see pg_stat_activity';
      context.log.warn({ pipeline: context.pipeline, tables: this.chunks.unread().map(tableName) }, message);
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
    this.#closing = this.#closing.then(async () => await this.#letGo());
    await this.#closing;
  }

  async #letGo(): Promise<void> {
    const clients = [this.#leader, this.#marker];
    this.#leader = null;
    this.#marker = null;
    for (const client of clients) if (client !== null) await closeClient(client);
    await this.#readers[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close();
  }
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
