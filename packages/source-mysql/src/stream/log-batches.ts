import { crashPoint, emptyBatch, type Batch, type BatchWriter, type Checkpoint, type Clock, type SchemaChange } from '@weir/sdk';
import type { EventStream } from './event-stream.ts';
import type { LogProgress } from './log-progress.ts';

/** A stream of which nothing is captured moves on this often at most, in ms. */
const IDLE_MS = 10_000;

export interface LogBatchesOptions {
  readonly events: EventStream;
  readonly writer: BatchWriter;
  readonly progress: LogProgress;
  readonly clock: Clock;
  /** Evaluated when a batch closes, so in the order of the stream. */
  readonly checkpoint: () => Checkpoint;
  /** Of the transaction that is being decoded something is among the rows or commits of a batch. */
  readonly midTransaction: () => boolean;
  /** Puts the open transaction among the commits of the batch. */
  readonly addCommit: () => void;
}

/** Decides where the batches of a stream end, and holds those that were closed while an event was decoded. */
export class LogBatches {
  readonly #options: LogBatchesOptions;
  readonly #ready: Batch[] = [];
  /** The position of the last checkpoint that was given. */
  #closed: string;
  /** The last batch ended in the middle of a transaction. */
  #owesCheckpoint = false;
  #idleAt: number;

  /** @param given the position of the checkpoint that the stream goes on from */
  constructor(options: LogBatchesOptions, given: string) {
    this.#options = options;
    this.#closed = given;
    this.#idleAt = options.clock.now();
  }

  /** The oldest batch that is closed and was not taken. */
  shift(): Batch | null {
    return this.#ready.shift() ?? null;
  }

  get isWaiting(): boolean {
    return this.#ready.length > 0;
  }

  /** The position of the last checkpoint, given or about to be. */
  get closed(): string {
    return this.#closed;
  }

  /** Somebody else gave a batch with this checkpoint. */
  given(checkpoint: Checkpoint): void {
    this.#mark(checkpoint);
  }

  /** After an event: what is full is closed. @param end behind the event in the slab */
  closeFull(end: number = this.#options.events.end): void {
    const { writer } = this.#options;
    if (writer.rows > 0 && writer.isFull(end)) this.#close();
  }

  /** A transaction has ended. @param isDue the batch has to end here */
  atBoundary(isDue: boolean): void {
    if (this.#owesCheckpoint || isDue) this.closePending();
    else this.closeFull();
  }

  /** Outside a transaction: what there is so far. */
  closePending(): void {
    if (this.#options.midTransaction()) return;
    if (this.#options.writer.pending || this.#owesCheckpoint) this.#close();
  }

  /** Outside a transaction: what there is so far, and a checkpoint for where the stream is, unless it was given. */
  closeRest(): void {
    if (this.#options.midTransaction()) return;
    if (this.#options.writer.pending || this.#owesCheckpoint || this.#options.progress.position > this.#closed) this.#close();
  }

  /** What there is while nothing more is here; outside a transaction only. */
  closeArrived(): void {
    const { clock, progress, midTransaction } = this.#options;
    if (midTransaction()) return;
    this.closePending();
    if (progress.position > this.#closed && clock.now() - this.#idleAt >= IDLE_MS) this.#close();
  }

  /**
   * Tells changes of tables in front of the rows that follow, and behind those of before.
   * @param apply what makes the state of checkpoints that of behind the changes
   */
  tell<Result>(changes: readonly SchemaChange[], apply: () => Result): Result {
    const { writer, addCommit } = this.#options;
    if (changes.length > 0 && writer.pending) this.#close();
    const result = apply();
    if (changes.length === 0) return result;
    for (const change of changes) writer.addSchemaChange(change);
    addCommit();
    return result;
  }

  #close(): void {
    const { events, writer, midTransaction } = this.#options;
    const isMid = midTransaction();
    if (isMid) crashPoint('source.mid-transaction');
    const checkpoint = isMid ? null : this.#options.checkpoint();
    this.#owesCheckpoint = isMid;
    this.#ready.push(writer.pending ? events.close(checkpoint) : emptyBatch(checkpoint));
    if (checkpoint !== null) this.#mark(checkpoint);
  }

  #mark({ position }: Checkpoint): void {
    this.#closed = position;
    this.#idleAt = this.#options.clock.now();
  }
}
