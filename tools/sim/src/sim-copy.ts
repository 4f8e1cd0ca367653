import { crashPoint, keyOrder, packVersion, tableName, type Batch, type Checkpoint, type Key, type TableProgress } from '@weir/sdk';
import {
  CopiedChunks,
  VisibleTransactions,
  bulk,
  chunkPosition,
  isWhole,
  refill,
  rewriteReason,
  stateJson,
  type CapturedTable,
  type CapturedTables,
  type ChangeStream,
  type ChunkPart,
  type Give,
} from '@weir/source-postgres/parts';
import type { Snapshot } from './database.ts';
import { rowBatch } from './row-batch.ts';
import type { Server } from './server.ts';
import { catalogTable, type SimCatalog } from './sim-catalog.ts';
import type { SimProcess } from './sim-process.ts';

const RETRY_MS = 200;

export interface SimCopyOptions {
  readonly process: SimProcess;
  readonly server: Server;
  readonly tables: CapturedTables;
  readonly catalog: SimCatalog;
}

/** What a round reads of a table, with the rows that are there. */
interface Piece {
  readonly oid: number;
  readonly hole: Key | null;
  readonly isRest: boolean;
  readonly rows: readonly (readonly (string | null)[])[];
}

/**
 * Copies the tables of the simulated server by key, in rounds: the order of the steps is that of the real copy, and what they
 * note and judge is its own code.
 */
export class SimCopy {
  readonly #options: SimCopyOptions;
  readonly chunks: CopiedChunks;
  /** Batches that were made, whether or not a consumer has them yet. */
  #made = 0;

  constructor(options: SimCopyOptions) {
    this.#options = options;
    this.chunks = new CopiedChunks(options.tables);
  }

  get made(): number {
    return this.#made;
  }

  get progress(): TableProgress[] {
    return this.#options.tables.all.flatMap((table) => {
      if (table.chunks === null) return [];
      const { rows, done } = table.chunks;
      return [{ table: tableName(table), rows, estimatedRows: 0, done }];
    });
  }

  /** @returns false when the stream ended before everything was copied */
  async run(stream: ChangeStream, from: bigint, gate: bigint | null, signal: AbortSignal): Promise<boolean> {
    const { chunks } = this;
    const { process } = this.#options;
    chunks.passed.startOver(gate);
    await reached(stream, from, signal, () => {});
    while (chunks.isActive && !signal.aborted) {
      if (chunks.remembersRound) await reached(stream, chunks.end, signal, () => chunks.forget());
      if (!chunks.isActive || signal.aborted) break;
      let isRead = false;
      const isPaused = await stream.pause(async (give) => {
        isRead = await this.#round(stream.boundary, give);
      });
      if (!isPaused || signal.aborted) return false;
      if (!isRead) await process.sleep(RETRY_MS, signal).catch(() => {});
    }
    return !signal.aborted;
  }

  async #round(boundary: bigint, give: Give): Promise<boolean> {
    const { process, server } = this.#options;
    const { database } = server;
    this.chunks.passed.gate ??= await process.call('copy.gate', () => new VisibleTransactions(database.snapshot().text).next);
    const { snapshot, pieces } = await process.call('copy.snapshot', () => {
      const taken = database.snapshot();
      return { snapshot: taken, pieces: this.#pieces(taken) };
    });
    if (pieces.length === 0 || !this.chunks.passed.areVisibleIn(new VisibleTransactions(snapshot.text))) return false;
    const end = await process.call('copy.mark', () => {
      database.noise();
      return BigInt(database.end);
    });
    this.chunks.beginRound(snapshot.text, end);
    crashPoint('source.round-begun');
    let sequence = 0;
    for (const piece of pieces) {
      const batch = await process.call('copy.chunk', () => this.#take(piece, boundary, ++sequence));
      this.#made++;
      if (!(await give(batch))) break;
    }
    return true;
  }

  /** The next chunks of every table that is as the stream has it. */
  #pieces(snapshot: Snapshot): Piece[] {
    const { server, tables, catalog } = this.#options;
    const { database } = server;
    const pieces: Piece[] = [];
    for (const captured of this.chunks.unread()) {
      const table = database.tables.find(({ oid }) => oid === captured.oid)!;
      const { shape } = captured.shaped!;
      const now = catalog.lookNow().content.shapes.get(captured.oid)!;
      const difference = tables.difference(captured, now);
      if (rewriteReason(shape, now) !== null || 'again' in difference || difference.steps.length > 0) continue;
      pieces.push(...piecesOf(captured, database.rows(table, snapshot), server.options.chunkRows));
    }
    return pieces.slice(0, server.options.roundChunks);
  }

  #take(piece: Piece, boundary: bigint, sequence: number): Batch {
    const { tables, server } = this.#options;
    const captured = tables.withOid(piece.oid)!;
    const { table } = captured.shaped!;
    const simTable = server.database.tables.find(({ oid }) => oid === piece.oid)!;
    const part = { table: catalogTable(simTable), isRest: piece.isRest, hole: piece.hole } as unknown as ChunkPart;
    const copied = rowBatch(captured.shaped!, piece.rows);
    const { range, chunks, rows } =
      piece.hole === null ? bulk(captured.chunks!, part, copied, true) : refill(captured.chunks!, part, piece.hole, copied);
    this.chunks.took(captured, range, chunks);
    const { epoch, copies } = tables.surroundings;
    const position = chunkPosition(epoch, boundary, copies, sequence);
    const checkpoint: Checkpoint = { position, state: stateJson(tables.state) };
    const commit = { position, version: packVersion(epoch, boundary), time: 0, transactionId: '' };
    return { ...rows, tables: [table], commits: [commit], chunk: { table: 0, range, last: isWhole(chunks) }, checkpoint };
  }
}

/** Holes first, then what is behind the last key. */
function piecesOf({ oid, chunks, shaped }: CapturedTable, all: (string | null)[][], most: number): Piece[] {
  const order = keyOrder(shaped!.table)!;
  const rows = all.toSorted((a, b) => order([a[0]!], [b[0]!]));
  const { upTo, holes, done } = chunks!;
  const pieces: Piece[] = holes.map((hole) => {
    return { oid, hole, isRest: false, rows: rows.filter((row) => order([row[0]!], hole) === 0) };
  });
  if (done) return pieces;
  const left = upTo === null ? rows : rows.filter((row) => order([row[0]!], upTo) > 0);
  for (let at = 0; at === 0 || at < left.length; at += most) {
    pieces.push({ oid, hole: null, isRest: at + most >= left.length, rows: left.slice(at, at + most) });
  }
  return pieces;
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

