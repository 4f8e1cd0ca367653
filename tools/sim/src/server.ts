import { WeirError, type Batch } from '@weir/sdk';
import type { Database } from './database.ts';
import type { SimProcess } from './sim-process.ts';
import { SmallBatchWriter } from './small-batch-writer.ts';
import type { StreamsAfter } from './walsender.ts';

/** What a batch counts for beside its bytes: see `heldBytes` of the engine. */
const BATCH_OBJECT_BYTES = 4096;
/** Slabs are large, and making one takes longer than a history. */
const idleWriters: SmallBatchWriter[] = [];

export type CatchesUp = 'never' | 'always' | 'by turns';

/** A connection that reads the log, as the server has it. */
export interface Client {
  readonly process: SimProcess;
  /** It was cut, or has been silent for too long. */
  readonly isGone: boolean;
  /** It reads by a copy of the slot. */
  readonly hasCopy: boolean;
  cut(): void;
  ask(what: 'position' | 'reply'): void;
  orphan(arrives: boolean): void;
}

export interface ServerOptions {
  readonly streamsAfter: StreamsAfter;
  /** Rows of a batch of the stream, and of a chunk of a copy. */
  readonly batchRows: number;
  readonly chunkRows: number;
  /** Chunks of a round. */
  readonly roundChunks: number;
  /** Whether a stream that begins is read past the WAL sender: never, always, or by turns. */
  readonly catchesUp: CatchesUp;
  /** Bytes of log of the smallest piece past the WAL sender, and of the largest. */
  readonly pieces: readonly [least: bigint, largest: bigint];
}

/** The database with its connections and its one slot. */
export class Server {
  readonly database: Database;
  readonly options: ServerOptions;
  /** Called when a start from nothing moves the slot to the present. */
  onSlotMoved: (by: SimProcess) => void = () => {};
  /** Called with each LSN that a client calls durable, before the slot takes it. */
  onConfirmed: (lsn: number, by: SimProcess) => void = () => {};
  /** A stream is there to be told of what is durable: between two it waits for the next, or for the next runner. */
  hears = true;
  /** What the largest batch that came from it counts for in a budget, in bytes. */
  largestBatch = 0;
  /** Bytes of the batches that were handed out and not given back, by session. */
  readonly #held = new Map<object, number>();
  readonly #connections = new Set<Client>();
  #reader: Client | null = null;
  readonly #writers: SmallBatchWriter[] = [];

  constructor(options: ServerOptions, database: Database) {
    this.options = options;
    this.database = database;
  }

  get streamsAfter(): StreamsAfter {
    return this.options.streamsAfter;
  }

  /** Has something happen that a process has asked for; not if it dies before, unless that is on its way. */
  later(process: SimProcess, name: string, work: () => void): void {
    void process.scheduler.turn(process, name).then(work);
  }

  connected(connection: Client): void {
    this.#connections.add(connection);
  }

  /** What is held of the batches of one session, the largest such sum, in bytes. */
  get heldBytes(): number {
    let most = 0;
    for (const bytes of this.#held.values()) most = Math.max(most, bytes);
    return most;
  }

  /** A batch is handed out, and counted until it is given back. */
  handOut(batch: Batch, by: object): Batch {
    const bytes = batch.bytes + BATCH_OBJECT_BYTES;
    this.largestBatch = Math.max(this.largestBatch, bytes);
    this.#count(by, bytes);
    let isReleased = false;
    const release = (): void => {
      if (!isReleased) this.#count(by, -bytes);
      isReleased = true;
      batch.release();
    };
    return { ...batch, release };
  }

  /** The session is over: what of its batches is not given back is collected. */
  forget(session: object): void {
    this.#held.delete(session);
  }

  #count(session: object, bytes: number): void {
    this.#held.set(session, (this.#held.get(session) ?? 0) + bytes);
  }

  /** For a stream, until the history ends. */
  takeWriter(): SmallBatchWriter {
    const writer = idleWriters.pop() ?? new SmallBatchWriter();
    writer.mostRows = this.options.batchRows;
    this.#writers.push(writer);
    return writer;
  }

  /** The history has ended: nobody touches a batch any more. */
  close(): void {
    for (const writer of this.#writers.splice(0)) {
      writer.close(null);
      idleWriters.push(writer);
    }
  }

  /** Takes the slot, which one connection has at a time. */
  attach(connection: Client): boolean {
    if (this.#reader?.isGone === true) this.#reader.cut();
    if (this.#reader !== null && this.#reader !== connection) return false;
    this.#reader = connection;
    return true;
  }

  detach(connection: Client): void {
    if (this.#reader === connection) this.#reader = null;
    this.#connections.delete(connection);
  }

  /** Somebody has a copy of the slot. */
  get isCopied(): boolean {
    return [...this.#connections].some((connection) => connection.hasCopy && !connection.isGone);
  }

  get isRead(): boolean {
    return this.#reader !== null && !this.#reader.isGone;
  }

  confirmed(by: Client, lsn: number): void {
    if (this.#reader === by) this.#confirm(by.process, lsn);
  }

  /**
   * Moves the slot, which nobody reads; one that is gone, or past it, stays as it is.
   * @throws WeirError WEIR_PG_SLOT_IN_USE
   */
  advance(by: SimProcess, lsn: number): void {
    if (this.isRead) throw new WeirError('WEIR_PG_SLOT_IN_USE', 'the slot is read by somebody else');
    if (this.database.confirmed !== null && this.database.confirmed <= lsn) this.#confirm(by, lsn);
  }

  #confirm(by: SimProcess, lsn: number): void {
    this.onConfirmed(lsn, by);
    if (lsn > this.database.confirmed!) this.database.confirmed = lsn;
  }

  /** Every connection breaks. */
  cut(): void {
    for (const connection of this.#connections) connection.cut();
  }

  /** A keepalive goes to who reads. */
  ask(what: 'position' | 'reply'): void {
    this.#reader?.ask(what);
  }

  /** The connections of a process that died. */
  orphan(process: SimProcess): void {
    for (const connection of this.#connections) {
      if (connection.process === process) connection.orphan(process.scheduler.dice.chance(0.5));
    }
  }
}
