import {
  emptyBatch,
  toWeirError,
  type Batch,
  type Checkpoint,
  type CopyAgain,
  type Position,
  type SourceSession,
  type SourceStatus,
} from '@weir/sdk';
import { LogReaders } from './catch-up/log-readers.ts';
import { ChunkedCopy } from './copy/chunked-copy.ts';
import { CopyRequests, orderCopies, type CopyRequest } from './copy/copy-requests.ts';
import { MissingTables, type MissingTablesOptions } from './copy/missing-tables.ts';
import { markLog } from './log-mark.ts';
import { explained, lostUnderWay } from './lost-position.ts';
import { boundaryPosition, positionLsn, stateJson } from './position.ts';
import { SchemaWatch } from './shape/schema-watch.ts';
import { StreamTables } from './shape/stream-tables.ts';
import type { SharedConnection } from './shared-connection.ts';
import { checkStreamedSlot } from './slot.ts';
import { ChangeStream } from './stream/change-stream.ts';
import type { LogReader } from './stream/log-reader.ts';
import { streamPublications } from './stream/stream-publications.ts';
import { WalRetention } from './wal-retention.ts';

/** How often the server is asked where its log ends and whether tables and publication are as they were, in ms. */
const WATCH_MS = 2_000;
export interface SessionOptions extends MissingTablesOptions {
  /** Connected, for questions; the session ends it. */
  readonly control: SharedConnection;
  /** See `Boundary`. */
  readonly gate: bigint | null;
  /** No table is copied before the stream has come there: some sink is as far already. */
  readonly reach: bigint;
  /** Where the stream stands: everything that committed below is in every sink. */
  readonly from: bigint;
  /** The state is of a new epoch: every sink has to know it before anything of it is written. */
  readonly isAnew: boolean;
  /** `server_version_num` */
  readonly version: number;
}

/** A stream with who watches over it. */
interface OpenStream {
  readonly stream: ChangeStream;
  readonly reader: LogReader;
  readonly watch: SchemaWatch;
  /** Where one of its boundaries is: not behind the place where it has to end. */
  readonly placeOf: (lsn: bigint) => bigint;
  /** Ends the stream at a boundary; another one goes on behind it. */
  readonly interrupt: () => void;
  /** It may be read past the WAL sender. */
  readonly mayCatchUp: boolean;
  readonly ended: AbortController;
  /** Aborted when the stream is to end at once. */
  readonly ending: AbortSignal;
}

/** One run of the source: the tables that are not copied yet, then the stream; and again, when a table has to be copied. */
export class PostgresSession implements SourceSession {
  readonly #options: SessionOptions;
  /** The last boundary that was given to the consumer. */
  #boundary: bigint;
  #confirmed: bigint;
  readonly #missing: MissingTables;
  readonly #copy: ChunkedCopy;
  #isCopying = false;
  /** How many of the batches that the copy by key has made the consumer was given. */
  #chunks = 0;
  readonly #requests = new CopyRequests();
  #gate: bigint | null;
  #open: OpenStream | null = null;
  #phase: SourceStatus['phase'] = 'connecting';
  #finishAt: bigint | null = null;
  /** Finds out where the stream is to finish; does not fail. */
  #finishing: Promise<void> = Promise.resolve();
  #head: bigint | null = null;
  /** The stream is to end at a boundary, for a copy or for another publication, and to go on behind it. */
  #interrupted = false;
  readonly #retention: WalRetention;
  readonly #readers: LogReaders;
  readonly #closed = new AbortController();

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#boundary = options.from;
    this.#confirmed = options.from;
    this.#missing = new MissingTables(options);
    this.#gate = options.gate;
    this.#copy = new ChunkedCopy(options);
    const { slot } = options.tables.surroundings;
    this.#readers = new LogReaders({ ...options, slot });
    this.#retention = new WalRetention({ ...options, slot, letGo: async () => await this.#closeStream() });
  }

  async *batches(pulling: AbortSignal): AsyncGenerator<Batch> {
    const retention = this.#retention;
    const ending = AbortSignal.any([pulling, this.#closed.signal]);
    const watching = retention.watch(ending);
    try {
      if (this.#options.isAnew) yield emptyBatch(this.#boundaryCheckpoint());
      yield* this.#read(AbortSignal.any([ending, retention.exceeded]));
    } catch (error) {
      if (retention.failure === null) throw lostUnderWay(this.#options.config, await explained(error, this.#options));
    }
    if (retention.failure === null) return;
    await watching;
    throw retention.failure;
  }

  async *#read(signal: AbortSignal): AsyncGenerator<Batch> {
    while (!signal.aborted) {
      if (this.#missing.areThere) {
        this.#phase = 'snapshot';
        yield* this.#missing.begin(this.#boundary, signal);
      }
      if (signal.aborted) return;
      const { stream, placeOf } = await this.#openStream(signal);
      yield* this.#stream(stream, signal);
      // It may have ended where it was asked to finish, before it came to the place where it was to be interrupted.
      if (!this.#interrupted || placeOf(stream.boundary) !== this.#boundary) return;
      await this.#closeStream();
      await this.#missing.find();
    }
  }

  async confirm(checkpoint: Checkpoint): Promise<void> {
    const lsn = positionLsn(checkpoint.position);
    if (lsn > this.#confirmed) this.#confirmed = lsn;
    // Between two streams it waits for the next one (invariant 1).
    this.#open?.stream.confirm(this.#confirmed);
    await Promise.resolve();
  }

  finishAt(position: Position): void {
    this.#finishAt = positionLsn(position);
    if (this.#open !== null) this.#finishing = this.#finish(this.#open);
  }

  async copyAgain(names: readonly string[], how: CopyAgain): Promise<void> {
    const request = { names, how };
    const done = this.#requests.add(request);
    if (this.#closed.signal.aborted) this.#requests.close();
    else if (this.#open !== null) void this.#placeRequest(request, this.#open);
    await done;
  }

  status(): SourceStatus {
    const head = this.#open?.watch.head ?? this.#head;
    const lag = head === null ? null : Number(head - this.#confirmed);
    return {
      phase: this.#phase === 'stream' && this.#owesCopies ? 'snapshot' : this.#phase,
      snapshot: [...this.#missing.progress, ...(this.#copy.chunks.isActive ? this.#copy.progress : [])],
      lagBytes: lag === null ? null : Math.max(0, lag),
      retainedBytes: this.#retention.bytes,
      retainedLimitBytes: this.#options.config.max_retained_wal,
      begunAnew: this.#options.tables.surroundings.begunAnew ?? null,
      isCatchingUp: this.#open?.reader.isCatchUp ?? false,
    };
  }

  /** Tables are about to be copied, or rows of a copy have not been given to the consumer yet. */
  get #owesCopies(): boolean {
    return this.#options.tables.uncopied.length > 0 || this.#chunks < this.#copy.made;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed.abort();
    this.#requests.close();
    await this.#missing[Symbol.asyncDispose]();
    await this.#closeStream();
    await this.#copy[Symbol.asyncDispose]();
    await this.#options.control.end();
  }

  #boundaryCheckpoint(): Checkpoint {
    const { tables } = this.#options;
    return { position: boundaryPosition(tables.surroundings.epoch, this.#boundary), state: stateJson(tables.state) };
  }

  async *#stream(stream: ChangeStream, signal: AbortSignal): AsyncGenerator<Batch> {
    const { control, tables } = this.#options;
    const batches = stream.batches(signal);
    let isPlaceSure = false;
    try {
      while (true) {
        // Where it is to finish must be known before more is given.
        await this.#finishing;
        const next: IteratorResult<Batch, void> = await batches.next();
        if (next.done === true) return;
        const batch = next.value;
        // Chunks are not from the slot.
        const isFirst: boolean = !isPlaceSure && batch.chunk === null;
        if (isFirst) await checkStreamedSlot(control, tables.surroundings.slot, () => this.#confirmed);
        isPlaceSure ||= isFirst;
        if (batch.checkpoint !== null) this.#boundary = positionLsn(batch.checkpoint.position);
        if (batch.chunk !== null) this.#chunks++;
        yield batch;
      }
    } finally {
      await batches.return(undefined);
      // What it has not given comes again.
      this.#chunks = this.#copy.made;
    }
  }

  async #openStream(signal: AbortSignal): Promise<OpenStream> {
    const { config, context, tables, catalog, control, replacement, version } = this.#options;
    const from = this.#boundary;
    const { epoch } = tables.surroundings;
    const { publications, until } = streamPublications(tables.surroundings, tables.all, from, version);
    // A stream that ends at a place gets no boundary just there; what it has of the log behind it is left out.
    const placeOf = (lsn: bigint): bigint => (until !== null && lsn > until ? until : lsn);
    const ended = new AbortController();
    const ending = AbortSignal.any([ended.signal, signal]);
    const streamTables = new StreamTables({ tables, catalog, replacement, chunks: this.#copy.chunks, epoch, from, until, signal: ending });
    const mayCatchUp = until === null;
    const reader = await this.#readers.open({
      from,
      confirmed: this.#confirmed,
      publications,
      mayCatchUp,
      signal: ending,
      ended: () => interrupt(),
    });
    const stream = new ChangeStream({
      reader,
      clock: context.clock,
      from,
      confirmed: this.#confirmed,
      host: streamTables,
      checkpoint: (endLsn) => ({ position: boundaryPosition(epoch, placeOf(endLsn)), state: stateJson(tables.state) }),
    });
    this.#interrupted = false;
    this.#isCopying = false;
    const interrupt = (): void => {
      this.#interrupted = true;
      stream.endAtBoundary();
    };
    replacement.copyWanted = interrupt;
    if (until !== null) stream.atBoundary(until, () => (interrupt(), []));
    const watch = new SchemaWatch({ control, catalog, tables, streamTables, replacement, stream, until, context });
    this.#open = { stream, reader, watch, placeOf, interrupt, mayCatchUp, ended, ending };
    this.#phase = this.#copy.chunks.isActive ? 'snapshot' : 'stream';
    if (config.snapshot.mode === 'only' && until === null && !this.#copy.chunks.isActive) this.#finishAt ??= this.#boundary;
    void this.#watch(this.#open, ending);
    if (until === null) {
      if (this.#copy.chunks.isActive) void this.#copyByKey(this.#open);
      for (const request of this.#requests.waiting) void this.#placeRequest(request, this.#open);
    }
    if (this.#finishAt !== null) this.#finishing = this.#finish(this.#open);
    return this.#open;
  }

  /** Resolves when the server has let go of the slot. */
  async #closeStream(): Promise<void> {
    const open = this.#open;
    this.#options.replacement.copyWanted = () => {};
    if (open === null) return;
    this.#head = open.watch.head;
    open.ended.abort();
    await open.reader[Symbol.asyncDispose]();
    if (this.#open === open) this.#open = null;
  }

  /**
   * Finishes behind the position that was asked for; behind what a look finds now; and behind every copy, since only there
   * do its rows and those of the other tables belong together.
   */
  async #finish({ stream, watch }: OpenStream): Promise<void> {
    const finishAt = this.#finishAt!;
    // It is called again when everything is copied.
    if (this.#copy.chunks.isActive) return;
    try {
      const mark = (await watch.look()) ?? 0n;
      const copies = this.#options.tables.all.map(({ copiedAt }) => copiedAt ?? 0n);
      stream.finishAt([finishAt, mark, this.#copy.chunks.end, ...copies].reduce((a, b) => (a > b ? a : b)));
    } catch (error) {
      stream.fail(toWeirError(error));
    }
  }

  /** Copies while the stream flows, until nothing is left to copy. */
  async #copyByKey(open: OpenStream): Promise<void> {
    const gate = this.#gate;
    this.#gate = null;
    this.#phase = 'snapshot';
    this.#isCopying = true;
    // Also with another connection in the place of the first.
    const isOpen = (): boolean => this.#open?.stream === open.stream;
    let isDone = await this.#copy.run(open.stream, this.#options.reach, gate, open.ending);
    // A copy may have been asked for while the last one let go of its connections.
    while (isDone && isOpen() && this.#copy.chunks.isActive) {
      isDone = await this.#copy.run(open.stream, this.#options.reach, null, open.ending);
    }
    if (!isOpen()) return;
    this.#isCopying = false;
    if (!isDone) return;
    this.#phase = 'stream';
    if (this.#options.config.snapshot.mode === 'only') this.#finishAt ??= this.#boundary;
    if (this.#finishAt !== null) this.#finishing = this.#finish(open);
  }

  /** Gives a request a place behind everything that happened before it. */
  async #placeRequest(request: CopyRequest, open: OpenStream): Promise<void> {
    const { control } = this.#options;
    try {
      const mark = await control.use(markLog);
      const { stream } = open;
      const isPassed = stream.boundary >= mark;
      stream.atBoundary(isPassed ? stream.boundary + 1n : mark, () => (this.#carryOut(request, open), []));
      // The stream was faster: an idle server would write nothing that it could go on to.
      if (isPassed) await control.use(markLog);
    } catch (error) {
      open.stream.fail(toWeirError(error));
    }
  }

  #carryOut(request: CopyRequest, open: OpenStream): void {
    const { tables, catalog, replacement } = this.#options;
    this.#requests.settle(request, () => {
      orderCopies(request, { tables, catalog, replacement, chunks: this.#copy.chunks });
      if (request.how !== 'anew' && !this.#isCopying) void this.#copyByKey(open);
    });
  }

  /** Looks again and again what the stream does not say. */
  async #watch(open: OpenStream, signal: AbortSignal): Promise<void> {
    const { context } = this.#options;
    const { stream, watch } = open;
    while (!signal.aborted) {
      try {
        await watch.look();
        if (this.#isLeftBehind(open)) open.interrupt();
      } catch (error) {
        // A table that is being altered for long: the stream goes on meanwhile, and the next look sees what became of it.
        if (toWeirError(error).code !== 'WEIR_PG_LOCKED') return stream.fail(toWeirError(error));
      }
      await context.clock.sleep(WATCH_MS, signal).catch(() => {});
    }
  }

  /** What the server has streamed of open transactions would be streamed again. A copy that goes on would be interrupted. */
  #isLeftBehind({ stream, reader, watch, mayCatchUp }: OpenStream): boolean {
    if (!mayCatchUp || reader.isCatchUp || watch.head === null || this.#copy.chunks.isActive) return false;
    return stream.streamed.transactions === 0 && this.#readers.isFar(stream.boundary, watch.head);
  }
}
