import type { TableBinding } from '@weir/pgoutput';
import { BatchWriter, Op, type Batch } from '@weir/sdk';
import { BatchChannel } from './batch-channel.ts';
import { serverError } from './connection/server-error.ts';
import { decodeCopyRow } from './copy-text.ts';
import { Frames } from './frames.ts';
import { parseErrorResponse, type Wire } from './wire.ts';

const COPY_DATA = 0x64;
const ERROR_RESPONSE = 0x45;
const READY_FOR_QUERY = 0x5a;

/** Decoded batches that wait for the consumer, before the socket stops reading. */
const AHEAD_BYTES = 4 << 20;

export interface CopyReadOptions {
  /** Bytes of decoded batches that wait for the consumer, before the socket stops reading; one batch more may be held. */
  readonly aheadBytes?: number;
  /** Called when the server has sent everything: another copy may be read, though batches of this one still wait. */
  readonly ended?: () => void;
}

/** Runs COPY … TO STDOUT in text format on a connection: its rows as batches of `read` rows. One copy at a time. */
export class CopyReader {
  readonly #wire: Wire;
  readonly #writer = new BatchWriter();
  readonly #frames = new Frames();

  constructor(wire: Wire) {
    this.#wire = wire;
  }

  /**
   * The rows of one COPY. Batches have no checkpoint and one commit that says nothing; who sends them on sets both.
   * Who stops in the middle loses the connection.
   * @throws WeirError what the server answered, or WEIR_PG_CONNECTION_LOST
   */
  async *read(
    sql: string,
    binding: TableBinding,
    { aheadBytes = AHEAD_BYTES, ended = () => {} }: CopyReadOptions = {},
  ): AsyncGenerator<Batch> {
    const ready = new BatchChannel<Batch>(aheadBytes);
    this.#wire.onFailure = (error) => ready.fail(error);
    if (this.#wire.failure !== null) throw this.#wire.failure;
    this.#wire.onData = (chunk) => this.#take(chunk, { binding, ready, ended });
    this.#wire.query(sql);
    let whole = false;
    try {
      for (let batch = await ready.next(); batch !== null; batch = await ready.next()) yield batch;
      whole = true;
    } finally {
      if (!whole) this.#wire.abandon();
    }
  }

  #take(chunk: Uint8Array, copy: Copy): void {
    try {
      this.#frames.feed(this.#writer, chunk, (type, start, end) => this.#message(type, start, end, copy));
      if (this.#writer.rows === 0) this.#frames.compact(this.#writer);
    } catch (error) {
      copy.ready.fail(error);
    }
  }

  #message(type: number, start: number, end: number, { binding, ready, ended }: Copy): void {
    if (type === COPY_DATA) {
      this.#row(start, end, binding);
      if (this.#writer.isFull(this.#frames.consumed)) this.#close(ready);
    } else if (type === ERROR_RESPONSE) {
      throw serverError(parseErrorResponse(this.#writer.data, start, end), `copying ${binding.table.name}`);
    } else if (type === READY_FOR_QUERY) {
      if (this.#writer.rows > 0) this.#close(ready);
      ready.end();
      ended();
    }
  }

  #row(start: number, end: number, binding: TableBinding): void {
    const writer = this.#writer;
    if (writer.rows === 0) writer.addCommit(unknownCommit);
    writer.beginRow(Op.read, writer.tableIndex(binding.table), 0, writer.rows + 1);
    writer.beginAfter();
    decodeCopyRow(writer, binding, start, end);
  }

  #close(ready: BatchChannel<Batch>): void {
    const batch = this.#writer.close(null, { keepFrom: this.#frames.consumed });
    this.#frames.rebase();
    this.#wire.pause();
    ready.push(batch).then(
      () => this.#wire.resume(),
      (error: unknown) => ready.fail(error),
    );
  }
}

/** What the bytes that arrive become. */
interface Copy {
  readonly binding: TableBinding;
  readonly ready: BatchChannel<Batch>;
  readonly ended: () => void;
}

const unknownCommit = { position: '', version: 0n, time: 0, transactionId: '' };
