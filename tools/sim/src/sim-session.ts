import {
  emptyBatch,
  silentLogger,
  toWeirError,
  type Batch,
  type Checkpoint,
  type Position,
  type SchemaChange,
  type SourceSession,
  type SourceStatus,
} from '@weir/sdk';
import {
  CapturedTables,
  ChangeStream,
  StreamTables,
  TableReplacement,
  boundaryPosition,
  chunkPosition,
  positionLsn,
  shapedTable,
  stateJson,
  tableOf,
  unreadChunks,
  type CapturedTable,
  type LogReader,
  type PostgresState,
} from '@weir/source-postgres/parts';
import { slotAdvanced } from './database.ts';
import { openLogReader } from './open-log-reader.ts';
import type { Server } from './server.ts';
import { SimCatalog } from './sim-catalog.ts';
import { SimCopy } from './sim-copy.ts';
import type { SimProcess } from './sim-process.ts';
import { types } from './sim-types.ts';

/** How often a batch shows that the stream is far behind. */
const LEFT_BEHIND = 0.1;

export interface SimSessionOptions {
  readonly process: SimProcess;
  readonly server: Server;
  readonly from: bigint;
  readonly reach: bigint;
  readonly gate: bigint | null;
  readonly state: PostgresState;
}

/**
 * One run of the simulated source: the session of the PostgreSQL source without what is about real connections, settings and
 * catalogs. Stream, judge of copied rows, positions and state are the real ones.
 */
export class SimSession implements SourceSession {
  readonly #options: SimSessionOptions;
  readonly #tables: CapturedTables;
  readonly #catalog: SimCatalog;
  readonly #replacement: TableReplacement;
  readonly #copy: SimCopy;
  readonly #closed = new AbortController();
  #stream: ChangeStream | null = null;
  #reader: LogReader | null = null;
  #boundary: bigint;
  #confirmed: bigint;
  #finishAt: bigint | null = null;
  #interrupted = false;
  /** How many of the batches that the copy has made the consumer was given. */
  #chunks = 0;
  #gate: bigint | null;

  constructor(options: SimSessionOptions) {
    const { process, server, from } = options;
    this.#options = options;
    this.#boundary = from;
    this.#confirmed = from;
    this.#gate = options.gate;
    this.#tables = new CapturedTables(options.state, types);
    this.#catalog = new SimCatalog(process, server.database);
    const context = { pipeline: 'shop', name: 'source', log: silentLogger, clock: process };
    this.#replacement = new TableReplacement(this.#tables, context, 'weir');
    this.#copy = new SimCopy({ process, server, tables: this.#tables, catalog: this.#catalog });
  }

  async *batches(pulling: AbortSignal): AsyncGenerator<Batch> {
    const { server } = this.#options;
    const signal = AbortSignal.any([pulling, this.#closed.signal]);
    while (!signal.aborted) {
      const creations = await this.#beginCopies();
      if (creations !== null) yield server.handOut(creations, this);
      if (signal.aborted) return;
      const stream = await this.#openStream(signal);
      let isPlaceSure = false;
      for await (const batch of stream.batches(signal)) {
        // What the server sends proves that the slot is ours by now: nobody else can have it moved from here on.
        if (!isPlaceSure && batch.chunk === null) {
          await this.#checkPlace();
          isPlaceSure = true;
        }
        if (batch.checkpoint !== null) this.#boundary = positionLsn(batch.checkpoint.position);
        if (batch.chunk !== null) this.#chunks++;
        yield server.handOut(batch, this);
        if (this.#isLeftBehind(stream)) this.#replacement.copyWanted();
      }
      // What it has not given comes again.
      this.#chunks = this.#copy.made;
      if (!this.#interrupted) return;
      await this.#closeStream();
    }
  }

  async confirm(checkpoint: Checkpoint): Promise<void> {
    const lsn = positionLsn(checkpoint.position);
    if (lsn > this.#confirmed) this.#confirmed = lsn;
    this.#stream?.confirm(this.#confirmed);
    this.#options.server.hears = this.#stream !== null;
    await Promise.resolve();
  }

  finishAt(position: Position): void {
    this.#finishAt = positionLsn(position);
    this.#finish();
  }

  status(): SourceStatus {
    const isCopying = this.#copy.chunks.isActive;
    const owesCopies = this.#tables.uncopied.length > 0 || this.#chunks < this.#copy.made;
    const phase = this.#stream === null ? 'connecting' : isCopying || owesCopies ? 'snapshot' : 'stream';
    return { phase, snapshot: isCopying ? this.#copy.progress : [], lagBytes: null };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed.abort();
    this.#options.server.forget(this);
    await this.#closeStream();
  }

  /** Tables that were never begun start empty, and are read while the stream flows. */
  async #beginCopies(): Promise<Batch | null> {
    const { process, server } = this.#options;
    const [tables, catalog] = [this.#tables, this.#catalog];
    const fresh = await process.call('copy.begin', () => {
      const { content } = catalog.lookNow();
      const missing = server.database.tables.filter(({ oid }) => (tables.withOid(oid)?.copiedAt ?? null) === null);
      return missing.map((table): CapturedTable => {
        const { oid, name } = table;
        const named = { namespace: 'public', name };
        const shape = content.shapes.get(oid)!;
        const shaped = shapedTable(tableOf(named, shape, tables.types, tables.nextVersion(named)), shape, tables.types);
        const reason = tables.named(named)?.reason ?? 'first';
        return { ...named, oid, member: 0, reason, copiedAt: BigInt(server.database.end), chunks: unreadChunks, shaped };
      });
    });
    if (fresh.length === 0) return null;
    const copies = tables.surroundings.copies + 1;
    tables.surroundings = { ...tables.surroundings, copies };
    for (const table of fresh) tables.put(table);
    const position = chunkPosition(tables.surroundings.epoch, this.#boundary, copies, 1);
    const create = ({ shaped, reason }: CapturedTable): SchemaChange => ({ table: shaped!.table, change: 'create', reason });
    return emptyBatch({ position, state: stateJson(tables.state) }, fresh.map(create));
  }

  /** @throws WeirError WEIR_PG_SLOT_LOST, WEIR_PG_SLOT_ADVANCED */
  async #checkPlace(): Promise<void> {
    const { process, server } = this.#options;
    const place = await process.call('source.place', () => server.database.slotPlace);
    if (BigInt(place) > this.#confirmed) throw slotAdvanced(place, Number(this.#confirmed));
  }

  async #openStream(signal: AbortSignal): Promise<ChangeStream> {
    const { process, server } = this.#options;
    const [tables, from] = [this.#tables, this.#boundary];
    const { epoch, slot } = tables.surroundings;
    const host = new StreamTables({
      tables,
      catalog: this.#catalog.catalog,
      replacement: this.#replacement,
      chunks: this.#copy.chunks,
      epoch,
      from,
      until: null,
      signal,
    });
    this.#reader = await openLogReader({
      process,
      server,
      slot,
      from,
      confirmed: this.#confirmed,
      signal,
      ended: () => interrupt(),
    });
    const stream = new ChangeStream({
      reader: this.#reader,
      clock: process,
      from,
      confirmed: this.#confirmed,
      host,
      writer: server.takeWriter(),
      checkpoint: (endLsn) => ({ position: boundaryPosition(epoch, endLsn), state: stateJson(tables.state) }),
    });
    server.hears = !signal.aborted;
    this.#stream = stream;
    this.#interrupted = false;
    const interrupt = (): void => {
      this.#interrupted = true;
      stream.endAtBoundary();
    };
    this.#replacement.copyWanted = interrupt;
    if (this.#copy.chunks.isActive) void this.#copyByKey(stream, signal);
    this.#finish();
    return stream;
  }

  /** See the session of the real source, which looks how far. */
  #isLeftBehind({ streamed }: ChangeStream): boolean {
    const { process, server } = this.#options;
    if (server.options.catchesUp !== 'by turns' || this.#reader?.isCatchUp !== false) return false;
    return streamed.transactions === 0 && !this.#copy.chunks.isActive && process.scheduler.dice.chance(LEFT_BEHIND);
  }

  async #copyByKey(stream: ChangeStream, signal: AbortSignal): Promise<void> {
    const gate = this.#gate;
    this.#gate = null;
    try {
      const isDone = await this.#copy.run(stream, this.#options.reach, gate, signal);
      if (isDone && this.#stream === stream) this.#finish();
    } catch (error) {
      stream.fail(toWeirError(error));
    }
  }

  /** Behind every copy: only there do its rows and those of the other tables belong together. */
  #finish(): void {
    if (this.#finishAt === null || this.#stream === null || this.#copy.chunks.isActive) return;
    const copies = this.#tables.all.map(({ copiedAt }) => copiedAt ?? 0n);
    this.#stream.finishAt([this.#finishAt, this.#copy.chunks.end, ...copies].reduce((a, b) => (a > b ? a : b)));
  }

  async #closeStream(): Promise<void> {
    this.#replacement.copyWanted = () => {};
    this.#stream = null;
    const reader = this.#reader;
    this.#reader = null;
    await reader?.[Symbol.asyncDispose]();
  }
}

