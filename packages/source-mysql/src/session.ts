import { MysqlGtidSet, type LogPosition } from '@weir/binlog';
import type { MysqlClient } from '@weir/mysql';
import {
  BatchWriter,
  crashPoint,
  emptyBatch,
  patternOf,
  tableName,
  toWeirError,
  WeirError,
  type Batch,
  type Checkpoint,
  type ConnectorContext,
  type CopyAgain,
  type Position,
  type SourceSession,
  type SourceStatus,
  type TableName,
} from '@weir/sdk';
import { readCatalog } from './capture/catalog.ts';
import type { MysqlConfig } from './config.ts';
import { TableCopies } from './copies.ts';
import { LogWatch } from './log-watch.ts';
import type { Opening } from './opening.ts';
import { chunkPosition, commitVersion, parsePosition } from './position.ts';
import { CapturedTables, type CapturedTable } from './schema/captured-tables.ts';
import { LogTables } from './schema/log-tables.ts';
import { BinlogConnection } from './stream/binlog-connection.ts';
import { EventStream } from './stream/event-stream.ts';
import { LogProgress, type ChangingState } from './stream/log-progress.ts';
import { LogStream } from './stream/log-stream.ts';
import { replicaIdentity } from './stream/replica-identity.ts';
import type { PreparedTransactions } from './xa/prepared-transactions.ts';

/** How often the server says that it has nothing to say, in ms: after four that are missing the stream is lost. */
const HEARTBEAT_MS = 5_000;

export interface SessionOptions {
  readonly config: MysqlConfig;
  readonly context: ConnectorContext;
  /** Connected, for questions; the session closes it. */
  readonly control: MysqlClient;
  readonly opening: Opening;
  /** Those of the opening's state. */
  readonly prepared: PreparedTransactions;
}

interface CopyRequest {
  readonly names: readonly string[];
  readonly how: CopyAgain;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** One run of the source: the log from the checkpoint on, and copies of tables beside it. */
export class MysqlSession implements SourceSession {
  readonly #options: SessionOptions;
  readonly #tables: CapturedTables;
  readonly #logTables: LogTables;
  readonly #progress: LogProgress;
  readonly #watch: LogWatch;
  readonly #closed = new AbortController();
  readonly #copies: TableCopies;
  /** How often a copy was begun, or gone on with; and how many batches of this session are of one. */
  #copyCount: number;
  #sequence = 0;
  /** A batch of a copy is being given. */
  #isGiving = false;
  /** Copies that were asked for, until they have a place in the stream. */
  #requests: CopyRequest[] = [];
  #stream: LogStream | null = null;
  #finishAt: LogPosition | null = null;

  constructor(options: SessionOptions) {
    this.#options = options;
    const { config, context, control, opening } = options;
    const { state } = opening;
    this.#tables = new CapturedTables(state.tables, config.tables, config.zero_dates);
    this.#copyCount = state.copies;
    this.#progress = new LogProgress(state);
    this.#logTables = new LogTables({
      tables: this.#tables,
      flavour: state.flavour,
      catalog: async (table) => (await readCatalog(control, [patternOf(table)]))[0] ?? null,
      copyAgain: (table, why) => this.#copyFromNothing(table, why),
      redefined: (table) => this.#copies.redefined(table),
      shaped: (table) => this.#copies.shaped(table),
      judge: (table) => this.#copies.judge(table),
    });
    this.#copies = new TableCopies({
      config,
      control,
      flavour: state.flavour,
      server: state.server,
      hasGtids: state.gtids !== null,
      chunkRows: config.snapshot.chunk_rows ?? null,
      clock: context.clock,
      tables: this.#tables,
      counts: () => this.#countCopy(),
      rebind: () => this.#stream?.rebind(),
      wake: () => this.#stream?.interrupt(),
      again: (table, why) => this.#copyFromNothing(table, why),
    });
    this.#watch = new LogWatch(control, context, this.#progress.place);
    this.#watch.onFailure = () => this.#stream?.interrupt();
  }

  async *batches(pulling: AbortSignal): AsyncGenerator<Batch> {
    const signal = AbortSignal.any([pulling, this.#closed.signal]);
    if (signal.aborted) return;
    try {
      if (this.#options.opening.isAnew) yield emptyBatch(this.#checkpoint());
      yield* this.#read(await this.#open(signal), signal);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  /** Nothing at the server depends on it: what was read stays in its log until it removes it by itself. */
  async confirm(checkpoint: Checkpoint): Promise<void> {
    const { epoch, file, offset } = parsePosition(checkpoint.position);
    if (epoch === this.#progress.epoch) this.#watch.confirmed(file, offset);
    try {
      await this.#options.prepared.confirmed(checkpoint);
    } catch (error) {
      const { log, pipeline } = this.#options.context;
      log.warn({ pipeline }, `the file of an XA transaction that has ended was not removed: ${toWeirError(error).message}`);
    }
  }

  finishAt(position: Position): void {
    const { file, offset } = parsePosition(position);
    this.#finishAt = { file: `.${file}`, offset };
    this.#aim();
  }

  async copyAgain(names: readonly string[], how: CopyAgain): Promise<void> {
    const { promise: done, resolve, reject } = Promise.withResolvers<void>();
    this.#requests.push({ names, how, resolve, reject });
    if (this.#closed.signal.aborted) this.#refuseRequests();
    this.#stream?.interrupt();
    await done;
  }

  status(): SourceStatus {
    const isCopying = this.#isGiving || this.#copies.isActive;
    const phase = this.#stream === null ? 'connecting' : isCopying ? 'snapshot' : 'stream';
    return { phase, snapshot: this.#copies.progress, lagBytes: this.#watch.lagBytes };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed.abort();
    this.#refuseRequests();
    await this.#stream?.[Symbol.asyncDispose]();
    await this.#copies[Symbol.asyncDispose]();
    await this.#options.control.close();
  }

  async *#read(stream: LogStream, signal: AbortSignal): AsyncGenerator<Batch> {
    const isOnlyCopied = this.#options.config.snapshot.mode === 'only';
    while (!signal.aborted) {
      if (this.#watch.failure !== null) throw this.#watch.failure;
      if (stream.isAtRest) this.#carryOut();
      if (this.#copies.isActive && stream.isAtRest) yield* this.#copy(stream, signal);
      // Also where a checkpoint says that all is copied already.
      if (!this.#copies.isActive && isOnlyCopied) this.#finishAt ??= this.#progress.place;
      this.#aim();
      if (!this.#copies.isActive && stream.isThere && stream.isAtRest && stream.isGiven) return;
      const batch = await stream.next(signal, this.#copies.isActive);
      if (batch !== null) yield batch;
    }
  }

  /** At a boundary: copies that were asked for begin. */
  #carryOut(): void {
    for (const { names, how, resolve, reject } of this.#requests.splice(0)) {
      try {
        const tables = names.map((name) => this.#tableNamed(name));
        for (const table of tables) this.#copies.again(table, how);
        resolve();
      } catch (error) {
        reject(error);
      }
    }
  }

  #tableNamed(name: string): CapturedTable {
    const table = this.#tables.all.find(({ state }) => tableName(state) === name);
    if (table === undefined) throw new WeirError('WEIR_TABLE_UNKNOWN', `${name} is no table that this pipeline captures`);
    return table;
  }

  #refuseRequests(): void {
    for (const { reject } of this.#requests.splice(0)) reject(new WeirError('WEIR_NOT_RUNNING', 'the source is closed; ask again when it runs'));
  }

  /** Gives what there is of copies at a boundary. */
  async *#copy(stream: LogStream, signal: AbortSignal): AsyncGenerator<Batch> {
    const { end, place: reached, gtids } = this.#progress;
    const place = { end, reached, gtids: gtids instanceof MysqlGtidSet ? gtids.clone() : null, committedXa: stream.committedXa };
    for await (const batch of this.#copies.atBoundary(place, signal)) {
      stream.given(batch.checkpoint!);
      if (batch.chunk !== null) crashPoint('source.chunk-read');
      this.#isGiving = true;
      yield batch;
      this.#isGiving = false;
    }
    if (this.#copies.isActive) void this.#copies.changed().then(() => stream.interrupt());
  }

  /** Where the stream is to stop next: behind every copy, since only there do its rows and those of other tables belong together. */
  #aim(): void {
    if (this.#stream !== null) this.#stream.until = this.#copies.isActive ? this.#copies.until : this.#finishAt;
  }

  async #open(signal: AbortSignal): Promise<LogStream> {
    const { config, context, opening } = this.#options;
    const { flavour } = opening.state;
    const progress = this.#progress;
    const start = progress.gtids ?? progress.place;
    const identity = replicaIdentity(context.pipeline, config.server_id);
    const connection = await BinlogConnection.open(config, { flavour, identity, start, heartbeatMs: HEARTBEAT_MS }, signal);
    const writer = new BatchWriter();
    const stream = new LogStream({
      events: new EventStream(connection, writer),
      writer,
      tables: this.#logTables,
      progress,
      prepared: this.#options.prepared,
      missed: () => this.#missed(),
      clock: context.clock,
      checkpoint: () => this.#checkpoint(),
      given: opening.isAnew ? progress.position : (opening.given ?? ''),
    });
    if (this.#closed.signal.aborted) await stream[Symbol.asyncDispose]();
    this.#stream = stream;
    void this.#watch.run(this.#closed.signal);
    return stream;
  }

  #checkpoint(): Checkpoint {
    return this.#progress.checkpoint(this.#changing);
  }

  get #changing(): ChangingState {
    return { copies: this.#copyCount, tables: this.#tables.states, prepared: this.#options.prepared.state };
  }

  /** A batch of a copy lies beyond the boundary, and beyond every one of another session. */
  #countCopy(): { checkpoint: Checkpoint; version: bigint } {
    if (this.#sequence === 0) this.#copyCount++;
    const { epoch, place } = this.#progress;
    const position = chunkPosition(epoch, place, this.#copyCount, ++this.#sequence);
    // Behind what was streamed, and before what starts at this very place.
    const version = commitVersion(epoch, place) - 1n;
    return { checkpoint: this.#progress.checkpoint(this.#changing, position), version };
  }

  /** An XA transaction commits whose rows are in a log that was not read. */
  #missed(): void {
    for (const { state } of this.#tables.all) this.#copyFromNothing(state, 'an XA transaction commits that was prepared before the log was read');
    this.#stream?.interrupt();
  }

  #copyFromNothing(table: TableName, why: string): void {
    const { log, pipeline } = this.#options.context;
    log.warn({ pipeline, table: tableName(table) }, `${tableName(table)} is copied again: ${why}`);
    this.#copies.redefined(table);
    const reason = this.#tables.get(table)?.shape === null ? this.#tables.get(table)!.state.reason : 'again';
    this.#tables.copyFromNothing(table, reason);
  }
}
