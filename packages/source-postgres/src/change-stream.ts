import { formatLsn, type DecoderHost, PgoutputDecoder } from '@weir/pgoutput';
import { Frames, parseErrorResponse, serverError, type Wire } from '@weir/postgres';
import {
  BATCH_BYTES,
  BATCH_ROWS,
  BatchWriter,
  WeirError,
  crashPoint,
  emptyBatch,
  type Batch,
  type Checkpoint,
  type Clock,
  type ErrorCode,
} from '@weir/sdk';

const COPY_DATA = 0x64;
const COPY_DONE = 0x63;
const ERROR_RESPONSE = 0x45;
const XLOG_DATA = 0x77;
const KEEPALIVE = 0x6b;
/** Type, start LSN, end LSN and time before the payload of an XLogData message. */
const XLOG_HEADER = 25;

/** Batches that are decoded and wait for the consumer, before the socket stops reading (invariant 8). */
const AHEAD_BYTES = 8 << 20;
/** An idle slot moves on this often at most, unless the server asks. */
const IDLE_MS = 10_000;
/** How often the server hears of us; well below the default wal_sender_timeout of 60 s. */
const STATUS_MS = 5_000;
/** A server that says nothing for so long although asked is gone. */
const SILENCE_MS = 60_000;
/** PostgreSQL's epoch, 2000-01-01, in ms since 1970. */
const POSTGRES_EPOCH_MS = 946_684_800_000;

export interface ChangeStreamOptions {
  readonly wire: Wire;
  readonly clock: Clock;
  readonly slot: string;
  readonly publication: string;
  /** Where to start: everything that committed below is delivered already. */
  readonly from: bigint;
  readonly host: Pick<DecoderHost, 'relation' | 'begin'>;
  readonly checkpoint: (endLsn: bigint) => Checkpoint;
}

/** A batch that is closed. */
interface ClosedBatch {
  readonly batch: Batch;
  /** What its checkpoint says; null in the middle of a transaction. */
  readonly boundary: bigint | null;
}

/**
 * The replication stream of a slot as batches. Bytes are decoded as they arrive and gather in one batch while the consumer
 * is busy; a consumer that waits gets what there is at the next boundary.
 *
 * Format: https://www.postgresql.org/docs/current/protocol-replication.html
 */
export class ChangeStream {
  readonly #options: ChangeStreamOptions;
  readonly #writer = new BatchWriter();
  readonly #frames = new Frames();
  readonly #decoder: PgoutputDecoder;
  readonly #ready: ClosedBatch[] = [];
  #readyBytes = 0;
  #paused = false;
  #consumer: (() => void) | null = null;
  #failure: WeirError | null = null;
  /** End of the last commit or keepalive that was handled; what a checkpoint may say. */
  #boundary: bigint;
  /** The boundary of the last batch that was closed with a checkpoint. */
  #closed: bigint;
  /** The last batch that was closed ended in the middle of a transaction. */
  #owesCheckpoint = false;
  /** The boundary of the last checkpoint that the consumer was given. */
  #delivered: bigint;
  #confirmed: bigint;
  #finishAt: bigint | null = null;
  #replyAsked = false;
  #idleAt = 0;
  #heardAt = 0;
  readonly #stopTicking = new AbortController();

  constructor(options: ChangeStreamOptions) {
    this.#options = options;
    this.#boundary = options.from;
    this.#closed = options.from;
    this.#delivered = options.from;
    this.#confirmed = options.from;
    this.#decoder = new PgoutputDecoder({
      relation: options.host.relation,
      begin: options.host.begin,
      commit: (end) => {
        if (end.endLsn > this.#boundary) this.#boundary = end.endLsn;
      },
    });
  }

  get confirmed(): bigint {
    return this.#confirmed;
  }

  /** Ends `batches` at the first boundary at or past this LSN. */
  finishAt(lsn: bigint): void {
    this.#finishAt = lsn;
    this.#wakeConsumer();
  }

  /** The server may forget everything below (invariant 1). */
  confirm(endLsn: bigint): void {
    if (endLsn <= this.#confirmed) return;
    this.#confirmed = endLsn;
    this.#sendStatus(false);
    crashPoint('source.confirm-sent');
  }

  /** Ends `batches` with an error, behind what is there already. */
  fail(error: WeirError): void {
    this.#failure ??= error;
    this.#stopTicking.abort();
    this.#wakeConsumer();
  }

  async *batches(signal: AbortSignal): AsyncGenerator<Batch> {
    const onAbort = (): void => this.#wakeConsumer();
    signal.addEventListener('abort', onAbort);
    this.#start();
    try {
      while (!signal.aborted) {
        if (this.#finishAt !== null && this.#delivered >= this.#finishAt) return;
        const batch = this.#next();
        if (batch !== null) yield batch;
        else if (this.#failure !== null) throw this.#failure;
        else await this.#arrival();
      }
    } finally {
      signal.removeEventListener('abort', onAbort);
      this.#stopTicking.abort();
    }
  }

  #start(): void {
    const { wire, slot, publication, from, clock } = this.#options;
    wire.onData = (chunk) => this.#take(chunk);
    wire.onFailure = (error) => this.fail(error);
    if (wire.failure !== null) this.fail(wire.failure);
    this.#idleAt = this.#heardAt = clock.now();
    const name = publication.replaceAll("'", "''").replaceAll('"', '""');
    wire.query(
      `START_REPLICATION SLOT "${slot}" LOGICAL ${formatLsn(from)} ` +
        `(proto_version '1', publication_names '"${name}"', messages 'true')`,
    );
    void this.#tick();
  }

  #take(chunk: Uint8Array): void {
    if (this.#failure !== null) return;
    this.#heardAt = this.#options.clock.now();
    try {
      this.#frames.feed(this.#writer, chunk, (type, start, end) => this.#message(type, start, end));
      if (this.#writer.rows === 0) this.#frames.compact(this.#writer);
      if (this.#consumer !== null && this.#closable()) this.#wakeConsumer();
    } catch (error) {
      this.fail(error instanceof WeirError ? error : serverError(error, 'reading the stream'));
    }
  }

  #message(type: number, start: number, end: number): void {
    if (type === COPY_DATA) this.#copyData(start, end);
    else if (type === ERROR_RESPONSE) throw streamError(parseErrorResponse(this.#writer.data, start, end));
    else if (type === COPY_DONE) throw new WeirError('WEIR_PG_CONNECTION_LOST', 'the server ended the stream');
  }

  #copyData(start: number, end: number): void {
    const kind = this.#writer.data[start];
    if (kind === XLOG_DATA && end - start > XLOG_HEADER) {
      this.#decoder.decode(this.#writer, start + XLOG_HEADER, end);
      if (this.#closeIsDue()) this.#enqueue();
    } else if (kind === KEEPALIVE && end - start === 18) {
      this.#keepalive(start);
    } else {
      throw new WeirError('WEIR_PGOUTPUT_DAMAGED', `a message of kind ${kind} with ${end - start} bytes is not known`);
    }
  }

  /** Outside a transaction all below the keepalive's LSN has been sent, so it is a boundary as good as a commit's end. */
  #keepalive(start: number): void {
    const { data } = this.#writer;
    const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
    const endLsn = view.getBigUint64(start + 1);
    if (data[start + 17] === 1) {
      this.#replyAsked = true;
      this.#sendStatus(false);
    }
    if (!this.#decoder.inTransaction && endLsn > this.#boundary) this.#boundary = endLsn;
  }

  /** The next batch, if there is one to give: a full one, what has gathered, or an idle slot's step. */
  #next(): Batch | null {
    const ready = this.#ready.shift();
    if (ready === undefined) return this.#closable() ? this.#give(this.#close()) : null;
    this.#readyBytes -= ready.batch.bytes;
    this.#flow();
    return this.#give(ready);
  }

  #give({ batch, boundary }: ClosedBatch): Batch {
    if (boundary !== null) this.#delivered = boundary;
    return batch;
  }

  #closable(): boolean {
    if (this.#decoder.inTransaction) return false;
    return this.#writer.pending || this.#idleStepIsDue();
  }

  #idleStepIsDue(): boolean {
    if (this.#boundary <= this.#closed || this.#decoder.inTransaction) return false;
    if (this.#finishAt !== null && this.#boundary >= this.#finishAt) return true;
    return this.#replyAsked || this.#options.clock.now() - this.#idleAt >= IDLE_MS;
  }

  /**
   * A batch closes when it is full. It closes early at the end of a transaction when the next one could fill it, or when the
   * batch before had no checkpoint: else a backlog whose batches all fill up inside transactions would never have one.
   */
  #closeIsDue(): boolean {
    const { rows, pending } = this.#writer;
    const { consumed } = this.#frames;
    if (pending && this.#writer.isFull(consumed)) return true;
    if (this.#decoder.inTransaction || this.#boundary <= this.#closed) return false;
    return this.#owesCheckpoint || (pending && (rows * 2 >= BATCH_ROWS || consumed * 2 >= BATCH_BYTES));
  }

  #close(): ClosedBatch {
    const boundary = this.#decoder.inTransaction ? null : this.#boundary;
    const checkpoint = boundary === null ? null : this.#options.checkpoint(boundary);
    this.#owesCheckpoint = boundary === null;
    if (boundary === null) crashPoint('source.mid-transaction');
    else this.#markClosed(boundary);
    if (!this.#writer.pending) return { batch: emptyBatch(checkpoint), boundary };
    const batch = this.#writer.close(checkpoint, { keepFrom: this.#frames.consumed });
    this.#frames.rebase();
    return { batch, boundary };
  }

  #markClosed(boundary: bigint): void {
    this.#replyAsked = false;
    this.#idleAt = this.#options.clock.now();
    this.#closed = boundary;
  }

  #enqueue(): void {
    const closed = this.#close();
    this.#ready.push(closed);
    this.#readyBytes += closed.batch.bytes;
    this.#flow();
    this.#wakeConsumer();
  }

  /** Stops and starts the socket so that at most `AHEAD_BYTES` wait. */
  #flow(): void {
    const full = this.#readyBytes >= AHEAD_BYTES;
    if (full === this.#paused) return;
    this.#paused = full;
    if (full) this.#options.wire.pause();
    else this.#options.wire.resume();
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

  /** Tells the server regularly where we are, asks it for its end when we wait for it, and notices when it is gone. */
  async #tick(): Promise<void> {
    const { clock } = this.#options;
    let sentAt = clock.now();
    while (!this.#stopTicking.signal.aborted) {
      await clock.sleep(100, this.#stopTicking.signal).catch(() => {});
      if (this.#stopTicking.signal.aborted) return;
      const now = clock.now();
      const waiting = this.#finishAt !== null && this.#boundary < this.#finishAt;
      if (waiting || now - sentAt >= STATUS_MS) {
        sentAt = now;
        this.#sendStatus(waiting || now - this.#heardAt >= STATUS_MS * 2);
      }
      if (this.#paused) this.#heardAt = now;
      if (now - this.#heardAt >= SILENCE_MS)
        this.fail(new WeirError('WEIR_PG_CONNECTION_LOST', 'the server has gone silent'));
      if (this.#idleStepIsDue()) this.#wakeConsumer();
    }
  }

  /** Standby status update: what is durable in every sink counts as written, flushed and applied. */
  #sendStatus(askReply: boolean): void {
    const message = Buffer.alloc(34);
    message[0] = 0x72; // r
    message.writeBigUInt64BE(this.#confirmed, 1);
    message.writeBigUInt64BE(this.#confirmed, 9);
    message.writeBigUInt64BE(this.#confirmed, 17);
    message.writeBigInt64BE(BigInt(this.#options.clock.now() - POSTGRES_EPOCH_MS) * 1000n, 25);
    message[33] = askReply ? 1 : 0;
    this.#options.wire.copyData(message);
  }
}

/** What the server says when it refuses or ends a stream. */
function streamError(response: { code: string; message: string }): WeirError {
  const codes: Record<string, ErrorCode> = { '42704': 'WEIR_PG_PUBLICATION_MISSING', '53300': 'WEIR_PG_SENDERS_FULL' };
  const known = codes[response.code];
  if (known !== undefined) return new WeirError(known, `the stream: ${response.message}`);
  return serverError(response, 'the stream');
}
