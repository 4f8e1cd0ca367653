import { BatchWriter, WeirError, crashPoint, type Batch, type SchemaChange } from '@weir/sdk';
import { BoundaryTasks } from './boundary-tasks.ts';
import type { ChangeStreamOptions } from './change-stream-options.ts';
import { Heartbeat } from './heartbeat.ts';
import { StreamBatches, type ClosedBatch } from './stream-batches.ts';
import { StreamDecoding, type Interruption } from './stream-decoding.ts';
import { StreamMessages } from './stream-messages.ts';
import { StreamPause, type PauseWork } from './stream-pause.ts';
import { StreamSpool } from './stream-spool.ts';

/**
 * The replication stream of a slot as batches. Bytes are decoded as they arrive and gather in one batch while the consumer
 * is busy; a consumer that waits gets what there is at the next boundary.
 */
export class ChangeStream {
  readonly #options: ChangeStreamOptions;
  readonly #writer: BatchWriter;
  readonly #messages: StreamMessages;
  readonly #batches: StreamBatches;
  readonly #spool: StreamSpool;
  readonly #tasks = new BoundaryTasks();
  #decoding: StreamDecoding;
  #ending = false;
  #ended = false;
  #paused = false;
  #consumer: (() => void) | null = null;
  #failure: WeirError | null = null;
  /** The boundary of the last checkpoint that the consumer was given. */
  #delivered: bigint;
  #confirmed: bigint;
  #finishAt: bigint | null = null;
  readonly #pause = new StreamPause();
  readonly #heartbeat: Heartbeat;

  constructor(options: ChangeStreamOptions) {
    const { reader, from, clock, checkpoint, spoolDirectory: directory, spoolBytes: limit, writer = new BatchWriter() } = options;
    this.#options = options;
    this.#writer = writer;
    this.#delivered = from;
    this.#confirmed = options.confirmed ?? from;
    this.#spool = new StreamSpool({ directory, ...(limit === undefined ? {} : { limit }) });
    this.#messages = new StreamMessages(this.#writer, {
      message: (type, start, end) => reader.message(type, this.#writer.data, start, end),
      rested: () => this.#rested(),
      failed: (error) => this.fail(error),
    });
    this.#batches = new StreamBatches({
      clock,
      writer: this.#writer,
      frames: this.#messages.frames,
      from,
      checkpoint,
      inTransaction: () => this.#decoding.inTransaction,
      midTransaction: () => this.#decoding.midTransaction,
      ready: () => this.#wakeConsumer(),
    });
    this.#decoding = this.#decodingFrom(from);
    this.#heartbeat = new Heartbeat({
      clock,
      send: (asksReply) => this.#sendStatus(asksReply),
      waits: () => [this.#finishAt, this.#tasks.next].some((lsn) => lsn !== null && this.boundary < lsn),
      isPaused: () => this.#paused || reader.isCatchUp,
      silent: () => this.fail(new WeirError('WEIR_PG_CONNECTION_LOST', 'the server has gone silent')),
      ticked: () => {
        if (this.#batches.idleStepIsDue(this.#finishAt)) this.#wakeConsumer();
      },
    });
  }

  get confirmed(): bigint {
    return this.#confirmed;
  }

  /** Everything that committed below has been decoded. */
  get boundary(): bigint {
    return this.#batches.boundary;
  }

  /** The transactions that are open and of which the server has sent something already: how many, and bytes of each kind. */
  get streamed(): { readonly transactions: number; readonly memory: number; readonly disk: number } {
    const { size: transactions, memory, disk } = this.#spool;
    return { transactions, memory, disk };
  }

  /** Ends `batches` at the first boundary at or past this LSN. */
  finishAt(lsn: bigint): void {
    this.#finishAt = lsn;
    this.#heartbeat.hurry();
    this.#wakeConsumer();
  }

  /**
   * Ends `batches` at the next boundary: behind the transaction that is being decoded, or at once outside one; its last batch
   * has the checkpoint. `boundary` then says where.
   */
  endAtBoundary(): void {
    this.#ending = true;
    this.#messages.rest();
  }

  /**
   * When everything below `lsn` has been decoded and no transaction is open: calls `apply`, closes the batch so far, and
   * gives the changes in a batch of their own, without rows, with the checkpoint of both (none when there are no changes).
   * Asks the server for its position while waiting, so that an idle server gets there. Several may wait; they fire in order
   * of LSN.
   *
   * @param lsn above `boundary`: at one that was closed already there can be no other checkpoint
   */
  atBoundary(lsn: bigint, apply: () => readonly SchemaChange[]): void {
    this.#tasks.add(lsn, apply);
    this.#heartbeat.hurry();
    this.#messages.rest();
    if (this.boundary < lsn) this.#sendStatus(true);
  }

  /**
   * At the next boundary: closes the batch so far, and decodes nothing before `work` is done. The batches that it gives come
   * in front of everything behind the boundary, `give` waiting for room (invariant 8). One pause at a time.
   * @returns false when the stream ended before; throws nothing: a failure of `work` ends the stream
   */
  async pause(work: PauseWork): Promise<boolean> {
    if (this.#ended || this.#failure !== null || this.#heartbeat.isStopped) return false;
    const done = this.#pause.want(work);
    this.#messages.rest();
    return await done;
  }

  /** The server may forget everything below (invariant 1). */
  confirm(endLsn: bigint): void {
    if (endLsn <= this.#confirmed) return;
    this.#confirmed = endLsn;
    this.#sendStatus(false);
    crashPoint('source.confirm-sent');
  }

  /** Ends `batches` with an error, behind what is there already. A server that is stopping does not wait for us then. */
  fail(error: WeirError): void {
    this.#failure ??= error;
    this.#stop();
    if (this.#options.reader.failure === null) this.#options.reader.abandon();
    this.#wakeConsumer();
  }

  async *batches(signal: AbortSignal): AsyncGenerator<Batch> {
    const onAbort = (): void => this.#wakeConsumer();
    signal.addEventListener('abort', onAbort);
    this.#start();
    try {
      while (!signal.aborted) {
        if (this.#finished()) return;
        const batch = this.#next();
        if (batch !== null) yield batch;
        else if (this.#ended) return;
        else if (this.#failure !== null) throw this.#failure;
        else await this.#arrival();
      }
    } finally {
      signal.removeEventListener('abort', onAbort);
      this.#stop();
    }
  }

  /** The boundary that was asked for is delivered, with all that happened at it. */
  #finished(): boolean {
    if (this.#finishAt === null || this.#delivered < this.#finishAt) return false;
    return this.#batches.nextBoundary !== this.#delivered;
  }

  #stop(): void {
    this.#messages.stop();
    this.#decoding.stop();
    this.#batches.stop();
    this.#spool.clear();
    this.#heartbeat.stop();
    this.#pause.cancel();
  }

  #start(): void {
    this.#heartbeat.start();
    this.#ask();
    // What became durable while nothing was read.
    this.#sendStatus(false);
  }

  /** Asks for the log from the boundary on. */
  #ask(): void {
    this.#options.reader.start(this.boundary, {
      arrived: (chunk) => this.#take(chunk),
      failed: (error) => this.fail(error),
      change: (start, end) => this.#change(start, end),
      keepalive: (endLsn, asksReply) => this.#keepalive(endLsn, asksReply),
    });
  }

  #decodingFrom(from: bigint): StreamDecoding {
    const { frames } = this.#messages;
    const { host, reader } = this.#options;
    const parts = { writer: this.#writer, frames, batches: this.#batches, spool: this.#spool };
    return new StreamDecoding({ ...parts, protocol: reader.protocol, host, from });
  }

  #take(chunk: Uint8Array): void {
    if (this.#failure !== null || this.#ended) return;
    this.#heartbeat.heard();
    this.#messages.take(chunk);
  }

  #change(start: number, end: number): void {
    const interruption = this.#decoding.decode(start, end);
    if (interruption === null) this.#afterMessage();
    else this.#interrupt(interruption);
  }

  #interrupt(interruption: Interruption): void {
    this.#messages.suspend(async () => {
      if (interruption === 'restart') await this.#restart();
      else await interruption();
      this.#afterMessage();
    });
  }

  /** What waits for this boundary comes first: a batch that is closed at it has the last checkpoint that it can have. */
  #afterMessage(): void {
    this.#atEveryBoundary();
    if (!this.#ended) this.#batches.closeIfDue();
  }

  /**
   * Asks for the stream once more from the boundary on, with every transaction at its end. Then the server leaves out what
   * was rolled back; in what it has streamed there is a logical message of which nobody can tell.
   */
  async #restart(): Promise<void> {
    await this.#options.reader.withoutStreaming();
    this.#paused = false;
    this.#spool.clear();
    this.#messages.startOver();
    this.#decoding = this.#decodingFrom(this.boundary);
    if (!this.#heartbeat.isStopped) this.#ask();
  }

  /** Outside a transaction all below the keepalive's LSN has been sent, so it is a boundary as good as a commit's end. */
  #keepalive(endLsn: bigint, asksReply: boolean): void {
    if (asksReply) {
      this.#batches.askedForReply();
      this.#sendStatus(false);
    }
    // A streamed transaction that is open commits behind it, and the server keeps it whatever is confirmed.
    if (this.#decoding.atRest) this.#batches.reached(endLsn);
    this.#atEveryBoundary();
  }

  /** What waits for a boundary is done when this is one that is late enough. */
  #atEveryBoundary(): void {
    if (this.#ended || this.#decoding.inTransaction) return;
    const changes: SchemaChange[] = [];
    for (let apply = this.#tasks.due(this.boundary); apply !== null; apply = this.#tasks.due(this.boundary)) {
      changes.push(...apply());
    }
    if (changes.length > 0) {
      // Two batches at one boundary, and one checkpoint: the state that it has is that behind the changes.
      this.#batches.enqueuePart();
      for (const change of changes) this.#writer.addSchemaChange(change);
      this.#batches.enqueuePending();
    }
    if (this.#ending) this.#end();
    else if (this.#pause.isWanted && !this.#messages.suspended) this.#pauseHere();
  }

  #end(): void {
    this.#batches.enqueueRest();
    this.#ended = true;
    this.#messages.stop();
    this.#pause.cancel();
  }

  #pauseHere(): void {
    this.#batches.enqueueRest();
    this.#messages.suspend(async () => await this.#pause.work(async (batch) => await this.#insert(batch)));
  }

  async #insert(batch: Batch): Promise<boolean> {
    await this.#batches.room();
    if (this.#heartbeat.isStopped) return false;
    this.#batches.enqueue({ batch, boundary: this.boundary });
    return true;
  }

  /** What has arrived is handled, or something new waits for a boundary. */
  #rested(): void {
    if (!this.#messages.suspended) this.#atEveryBoundary();
    this.#flow();
    if (this.#ended || this.#closable()) this.#wakeConsumer();
  }

  /** The next batch, if there is one to give: a full one, what has gathered, or an idle slot's step. */
  #next(): Batch | null {
    const ready = this.#batches.shift();
    if (ready === null) return this.#closable() ? this.#give(this.#batches.close()) : null;
    this.#flow();
    return this.#give(ready);
  }

  #closable(): boolean {
    return !this.#messages.suspended && this.#batches.closable(this.#finishAt);
  }

  #give({ batch, boundary }: ClosedBatch): Batch {
    if (boundary !== null) this.#delivered = boundary;
    return batch;
  }

  /** Stops and starts the socket, so that what waits is bounded (invariant 8). */
  #flow(): void {
    const pause = this.#batches.full || this.#messages.suspended;
    if (pause === this.#paused) return;
    this.#paused = pause;
    if (pause) this.#options.reader.pause();
    else this.#options.reader.resume();
  }

  async #arrival(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#consumer = resolve;
    });
  }

  #wakeConsumer(): void {
    this.#consumer?.();
    this.#consumer = null;
  }

  #sendStatus(askReply: boolean): void {
    this.#options.reader.status(this.#confirmed, askReply);
  }
}
