import {
  BinlogDecoder,
  payloadEvents,
  type BinlogHost,
  type Gtid,
  type HeardStatement,
  type LogPosition,
  type Payload,
  type TableMap,
  type TransactionBegin,
  type TransactionEnd,
} from '@weir/binlog';
import { WeirError, type Batch, type BatchWriter, type Checkpoint, type Clock, type Commit } from '@weir/sdk';
import type { CommittedXa } from '../copy/chunk-snapshot.ts';
import { boundaryPosition, comparePlaces, commitPosition, commitVersion } from '../position.ts';
import type { LogTables } from '../schema/log-tables.ts';
import type { PreparedTransactions } from '../xa/prepared-transactions.ts';
import type { EventStream } from './event-stream.ts';
import { LogBatches } from './log-batches.ts';
import { transactionName, type LogProgress } from './log-progress.ts';
import { XaTransactions } from './xa-transactions.ts';

export interface LogStreamOptions {
  readonly events: EventStream;
  /** The writer of `events`. */
  readonly writer: BatchWriter;
  readonly tables: LogTables;
  readonly progress: LogProgress;
  readonly prepared: PreparedTransactions;
  /** An XA transaction commits that was prepared before the log was read: any captured table may have other rows. */
  readonly missed: () => void;
  readonly clock: Clock;
  readonly checkpoint: () => Checkpoint;
  /** The position of the checkpoint that was given last. */
  readonly given: string;
}

/**
 * The log of a server as batches. It is pulled: nothing is decoded while nobody asks, and what arrives meanwhile waits in the
 * slab and then at the server (invariant 8).
 */
export class LogStream implements AsyncDisposable {
  readonly #options: LogStreamOptions;
  readonly #decoder: BinlogDecoder;
  readonly #batches: LogBatches;
  readonly #xa: XaTransactions;
  #unbound: TableMap | null = null;
  /** What is left of the events of an XA transaction that has committed; null when there is no replay. */
  #replayed: AsyncGenerator<Uint8Array> | null = null;
  #payload: { readonly payload: Payload; readonly bytes: Uint8Array } | null = null;
  /** Behind a boundary at or past it `next` gives what there is, and then null. */
  #until: LogPosition | null = null;
  #isInterrupted = false;
  /** Where it was at rest last. */
  #rested: LogPosition | null = null;

  constructor(options: LogStreamOptions) {
    this.#options = options;
    const { events, writer, progress, prepared, missed, tables, clock, checkpoint, given } = options;
    this.#xa = new XaTransactions({
      writer,
      prepared,
      missed,
      isCaptured: (table) => tables.isCaptured(table),
      isPast: (gtid, end) => progress.isPast(gtid, end),
      positionOf: (end) => boundaryPosition(progress.epoch, end),
      ended: (gtid, end) => this.#ended(gtid, end),
    });
    this.#decoder = new BinlogDecoder(this.#host(), { xa: this.#xa });
    const midTransaction = (): boolean => this.#decoder.midTransaction;
    const addCommit = (): void => this.#decoder.addCommit(writer);
    this.#batches = new LogBatches({ events, writer, progress, clock, checkpoint, midTransaction, addCommit }, given);
  }

  /** Ends the waiting of {@link next} at the first boundary at or past a place; null: nowhere. */
  set until(place: LogPosition | null) {
    this.#until = place;
    this.#options.events.wake();
  }

  get until(): LogPosition | null {
    return this.#until;
  }

  /** A boundary at or past `until` was given, with all before it. */
  get isThere(): boolean {
    return this.#until !== null && comparePlaces(this.#options.progress.place, this.#until) >= 0 && !this.#decoder.inTransaction;
  }

  /** A checkpoint for where it is was given. */
  get isGiven(): boolean {
    return this.#batches.closed >= this.#options.progress.position;
  }

  /** Between two transactions, with nothing that was decoded and not given: others can give a batch here, and tables be bound anew. */
  get isAtRest(): boolean {
    return !this.#decoder.inTransaction && !this.#options.writer.pending && !this.#batches.isWaiting;
  }

  /** Rows of tables are bound anew. */
  rebind(): void {
    this.#decoder.forgetTables();
  }

  /** Others gave a batch with this checkpoint while it was at rest. */
  given(checkpoint: Checkpoint): void {
    this.#batches.given(checkpoint);
  }

  /** Has `next` return null when it is at rest, at the next boundary at the latest. */
  interrupt(): void {
    this.#isInterrupted = true;
    this.#options.events.wake();
  }

  /**
   * The next batch; null when it is at rest: at `until`, where it was interrupted, and where it has come up to the end of the log.
   * @param rests whether the end of the log counts
   * @throws WeirError why nothing comes any more; the signal's reason
   */
  async next(signal: AbortSignal, rests: boolean): Promise<Batch | null> {
    const { events } = this.#options;
    for (;;) {
      if (this.isThere) this.#batches.closeRest();
      else if (this.#isInterrupted) this.#batches.closePending();
      const batch = this.#batches.shift();
      if (batch !== null) return batch;
      if (this.isThere || (this.#isInterrupted && this.isAtRest)) return this.#rest();
      signal.throwIfAborted();
      if (this.#replayed !== null) {
        await this.#replay(this.#replayed);
      } else if (events.next()) {
        await this.#event();
      } else {
        this.#batches.closeArrived();
        if (this.#batches.isWaiting) continue;
        if (rests && this.isAtRest && this.#rested !== this.#options.progress.place) return this.#rest();
        await events.more(signal);
      }
    }
  }

  #rest(): null {
    this.#isInterrupted = false;
    this.#rested = this.#options.progress.place;
    return null;
  }

  /** See {@link XaTransactions.committed}. */
  get committedXa(): CommittedXa[] {
    return this.#xa.committed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#replayed?.return(undefined);
    await this.#xa[Symbol.asyncDispose]();
    await this.#options.events[Symbol.asyncDispose]();
  }

  /** Decodes events until some batch is closed, or none is here. */
  async #event(): Promise<void> {
    const { events, writer, progress } = this.#options;
    const decoder = this.#decoder;
    do {
      decoder.decode(writer, events.start, events.end);
      if (this.#unbound !== null) await this.#learn();
      if (this.#payload !== null) await this.#inflate();
      if (this.#xa.isDue) await this.#xa.carryOut();
      if (this.#xa.replay !== null) return this.#beginReplay(this.#xa.replay);
      if (decoder.inTransaction) this.#batches.closeFull();
      else progress.reached(decoder.position);
      if (this.#batches.isWaiting || this.isThere || this.#isInterrupted) return;
    } while (events.next());
  }

  /** Compressed events, one after the other. */
  async #inflate(): Promise<void> {
    const { events } = this.#options;
    const { payload, bytes } = this.#payload!;
    this.#payload = null;
    events.hold();
    for await (const event of payloadEvents(payload, bytes)) await this.#inner(event);
    events.release();
  }

  /** An XA transaction has committed. What came behind it waits until its events are decoded. */
  #beginReplay(events: AsyncGenerator<Uint8Array>): void {
    this.#xa.replay = null;
    this.#replayed = events;
    this.#options.events.hold();
    this.#decoder.beginReplay();
  }

  /** Decodes its events until some batch is closed: however large it is, little of it is in memory (invariant 8). */
  async #replay(events: AsyncGenerator<Uint8Array>): Promise<void> {
    do {
      const next = await events.next();
      if (next.done === true) return await this.#endReplay();
      await this.#inner(next.value);
    } while (!this.#batches.isWaiting);
  }

  async #endReplay(): Promise<void> {
    this.#replayed = null;
    this.#options.events.release();
    this.#xa.replayed();
    this.#decoder.commitReplay();
    if (this.#xa.isDue) await this.#xa.carryOut();
  }

  /** An event that is not in the stream itself. */
  async #inner(event: Uint8Array): Promise<void> {
    const { writer } = this.#options;
    const { sequence } = writer;
    const start = writer.append(event);
    this.#decoder.decodeInner(writer, start, writer.used);
    if (this.#unbound !== null) await this.#learn();
    if (this.#payload !== null) await this.#inflateInner();
    if (this.#xa.isDue) await this.#xa.carryOut();
    // What is behind it is held, so that an event of which nothing is in the batch takes no room (invariant 8).
    if (writer.pending) this.#batches.closeFull(writer.used);
    else if (writer.sequence === sequence) writer.truncate(start);
  }

  /** A compressed event among those of an XA transaction. */
  async #inflateInner(): Promise<void> {
    const { writer } = this.#options;
    const { payload, bytes } = this.#payload!;
    this.#payload = null;
    for await (const event of payloadEvents(payload, bytes)) {
      const start = writer.append(event);
      this.#decoder.decodeInner(writer, start, writer.used);
      if (this.#unbound !== null) await this.#learn();
    }
  }

  async #learn(): Promise<void> {
    const map = this.#unbound!;
    this.#unbound = null;
    const { changes, apply } = await this.#options.tables.learn(map);
    this.#decoder.bind(map, this.#batches.tell(changes, apply));
  }

  #host(): BinlogHost {
    const { tables, progress, writer } = this.#options;
    return {
      tableMap: (map) => {
        const binding = tables.tableMap(map);
        if (binding === 'later') this.#unbound = map;
        return binding;
      },
      begin: (begin) => this.#begin(begin),
      statement: (statement) => this.#statement(statement),
      commit: (end) => this.#commit(end),
      payload: (payload) => {
        this.#payload = { payload, bytes: writer.data.slice(payload.start, payload.end) };
      },
      rotate: (place) => progress.reached(place),
      format: ({ begun }) => progress.begun(this.#decoder.position.file, begun),
      heartbeat: (place) => progress.reached(place),
    };
  }

  #begin({ gtid, start, time }: TransactionBegin): Commit | null {
    const { progress } = this.#options;
    if (progress.has(gtid, start)) return null;
    const { epoch } = progress;
    return { position: commitPosition(epoch, start), version: commitVersion(epoch, start), time, transactionId: transactionName(gtid, start) };
  }

  #statement(statement: HeardStatement): void {
    const { tables, writer } = this.#options;
    if (statement.kind === 'data') throw notRows(statement);
    const effects = tables.effects(statement);
    const truncated = this.#batches.tell(effects.changes, effects.apply);
    for (const binding of truncated) this.#decoder.truncate(writer, binding);
  }

  #commit({ gtid, end, kind, rows }: TransactionEnd): void {
    if (kind === 'rollback' && rows > 0) throw undone(end);
    this.#ended(gtid, end);
  }

  #ended(gtid: Gtid | null, end: LogPosition): void {
    this.#options.progress.complete(gtid, end);
    this.#batches.atBoundary(this.isThere || this.#isInterrupted);
  }
}

function notRows({ database }: HeardStatement): WeirError {
  const where = database === '' ? '' : ` in ${database}`;
  return new WeirError('WEIR_MYSQL_LOG_SETTINGS', `the log has a statement${where} in the place of the rows that it changed`, {
    fix: 'SET GLOBAL binlog_format = ROW; end the sessions that are open, and copy all tables again.',
  });
}

/** What it did to tables without transactions remains, and the log does not say which of the rows those are. */
function undone({ file, offset }: LogPosition): WeirError {
  return new WeirError('WEIR_MYSQL_ENGINE', `the transaction that ends at ${file}:${offset} was undone in some tables and not in others`);
}
