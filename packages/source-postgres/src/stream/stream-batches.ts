import type { Frames } from '@weir/postgres';
import {
  BATCH_BYTES,
  BATCH_ROWS,
  crashPoint,
  emptyBatch,
  type Batch,
  type BatchWriter,
  type Checkpoint,
  type Clock,
} from '@weir/sdk';

/** Batches that are decoded and wait for the consumer, before decoding stops (invariant 8). */
const AHEAD_BYTES = 8 << 20;
/** An idle slot moves on this often at most, unless the server asks. */
const IDLE_MS = 10_000;

/** A batch that is closed. */
export interface ClosedBatch {
  readonly batch: Batch;
  /** What its checkpoint says; null in the middle of a transaction. */
  readonly boundary: bigint | null;
}

export interface StreamBatchesOptions {
  readonly clock: Clock;
  readonly writer: BatchWriter;
  readonly frames: Frames;
  /** The boundary to start from. */
  readonly from: bigint;
  /** Evaluated when a batch closes, so in the order of the stream. */
  readonly checkpoint: (endLsn: bigint) => Checkpoint;
  /** Whether the transaction that is being decoded has not ended yet. */
  readonly inTransaction: () => boolean;
  /** The same, when it has had an event already: before that a batch still ends at the boundary. */
  readonly midTransaction: () => boolean;
  /** Called when a batch begins to wait for the consumer. */
  readonly ready: () => void;
}

/** Decides where the batches of a stream end, and holds those that wait for the consumer. */
export class StreamBatches {
  readonly #options: StreamBatchesOptions;
  readonly #ready: ClosedBatch[] = [];
  #readyBytes = 0;
  /** End of the last commit or keepalive that was handled; what a checkpoint may say. */
  #boundary: bigint;
  /** The boundary of the last batch that was closed with a checkpoint. */
  #closed: bigint;
  /** The last batch that was closed ended in the middle of a transaction. */
  #owesCheckpoint = false;
  #replyAsked = false;
  #idleAt: number;
  #stopped = false;
  #awaitsRoom: (() => void) | null = null;

  constructor(options: StreamBatchesOptions) {
    this.#options = options;
    this.#boundary = options.from;
    this.#closed = options.from;
    this.#idleAt = options.clock.now();
  }

  get boundary(): bigint {
    return this.#boundary;
  }

  /** A transaction ended here, or the server said that it has nothing below; a boundary does not move back. */
  reached(lsn: bigint): void {
    if (lsn > this.#boundary) this.#boundary = lsn;
  }

  /** The server waits for an answer: an idle slot moves on at once. */
  askedForReply(): void {
    this.#replyAsked = true;
  }

  /** As much waits as may: decoding stops until the consumer has taken some. */
  get full(): boolean {
    return this.#readyBytes >= AHEAD_BYTES;
  }

  get waiting(): boolean {
    return this.#ready.length > 0;
  }

  /** What the checkpoint of the batch says that has waited longest; null without one. */
  get nextBoundary(): bigint | null {
    return this.#ready[0]?.boundary ?? null;
  }

  /** The closed batch that has waited longest. */
  shift(): ClosedBatch | null {
    const ready = this.#ready.shift();
    if (ready === undefined) return null;
    this.#readyBytes -= ready.batch.bytes;
    if (!this.full) this.#giveRoom();
    return ready;
  }

  /** Resolves when the consumer has taken so much that decoding may go on, or when it never will. */
  async room(): Promise<void> {
    while (this.full && !this.#stopped) {
      await new Promise<void>((resolve) => {
        this.#awaitsRoom = resolve;
      });
    }
  }

  /** Nobody waits for room any more. */
  stop(): void {
    this.#stopped = true;
    this.#giveRoom();
  }

  #giveRoom(): void {
    this.#awaitsRoom?.();
    this.#awaitsRoom = null;
  }

  /** Outside a transaction there is something to give to a consumer that waits. */
  closable(finishAt: bigint | null): boolean {
    if (this.#options.inTransaction()) return false;
    return this.#options.writer.pending || this.idleStepIsDue(finishAt);
  }

  idleStepIsDue(finishAt: bigint | null): boolean {
    if (this.#boundary <= this.#closed || this.#options.inTransaction()) return false;
    if (finishAt !== null && this.#boundary >= finishAt) return true;
    return this.#replyAsked || this.#options.clock.now() - this.#idleAt >= IDLE_MS;
  }

  /**
   * A batch closes when it is full. It closes early at the end of a transaction when the next one could fill it, or when the
   * batch before had no checkpoint: else a backlog whose batches all fill up inside transactions would never have one.
   */
  closeIfDue(): void {
    const { rows, pending } = this.#options.writer;
    const { consumed } = this.#options.frames;
    if (pending && this.#options.writer.isFull(consumed)) return this.enqueue();
    if (this.#options.inTransaction() || this.#boundary <= this.#closed) return;
    if (this.#owesCheckpoint || (pending && (rows * 2 >= BATCH_ROWS || consumed * 2 >= BATCH_BYTES))) this.enqueue();
  }

  /** Closes the batch and lets it wait for the consumer. */
  enqueue(closed: ClosedBatch = this.close()): void {
    this.#ready.push(closed);
    this.#readyBytes += closed.batch.bytes;
    this.#options.ready();
  }

  /** Closes what there is so far, if it says anything. */
  enqueuePending(): void {
    if (this.#options.writer.pending) this.enqueue();
  }

  /** Closes what there is so far, if it says anything, without a checkpoint: the batch that follows has it. */
  enqueuePart(): void {
    if (this.#options.writer.pending) this.enqueue(this.#closeAt(null));
  }

  /** Outside a transaction: what there is so far, and a checkpoint for where the stream has got. */
  enqueueRest(): void {
    if (this.#options.writer.pending || this.#owesCheckpoint || this.#boundary > this.#closed) this.enqueue();
  }

  close(): ClosedBatch {
    const mid = this.#options.midTransaction();
    if (mid) crashPoint('source.mid-transaction');
    return this.#closeAt(mid ? null : this.#boundary);
  }

  #closeAt(boundary: bigint | null): ClosedBatch {
    const { writer, frames } = this.#options;
    const checkpoint = boundary === null ? null : this.#options.checkpoint(boundary);
    this.#owesCheckpoint = boundary === null;
    if (boundary !== null) this.#markClosed(boundary);
    if (!writer.pending) return { batch: emptyBatch(checkpoint), boundary };
    const batch = writer.close(checkpoint, { keepFrom: frames.consumed });
    frames.rebase();
    return { batch, boundary };
  }

  #markClosed(boundary: bigint): void {
    this.#replyAsked = false;
    this.#idleAt = this.#options.clock.now();
    this.#closed = boundary;
  }
}
