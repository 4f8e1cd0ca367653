import { PgoutputDecoder, type Begin, type Prepare, type Relation, type StreamCommit } from '@weir/pgoutput';
import type { Frames } from '@weir/postgres';
import { WeirError, type BatchWriter, type Commit } from '@weir/sdk';
import type { StreamBatches } from './stream-batches.ts';
import type { StreamHost } from './stream-host.ts';
import type { StreamProtocol } from './stream-protocol.ts';
import type { StreamSpool } from './stream-spool.ts';

export interface StreamDecodingOptions {
  readonly protocol: StreamProtocol;
  readonly host: StreamHost;
  readonly writer: BatchWriter;
  readonly frames: Frames;
  readonly batches: StreamBatches;
  readonly spool: StreamSpool;
  /** Transactions that committed below were delivered. */
  readonly from: bigint;
}

/** What has to be done before the next message is decoded. `restart`: the stream is to be asked for again, without streaming. */
export type Interruption = (() => Promise<void>) | 'restart';

/**
 * Decodes the messages of one START_REPLICATION. Most are decoded at once; a message that needs time says with what: a table
 * that the host has to learn, kept messages that go to a file, a streamed transaction that is replayed.
 */
export class StreamDecoding {
  readonly #options: StreamDecodingOptions;
  readonly #decoder: PgoutputDecoder;
  readonly #handleKept = (_type: number, start: number, end: number): void => this.#decodeKept(start, end);
  /** Announced just now, and not known to the host. */
  #unknown: Relation | null = null;
  /** Committed just now, and to be replayed. */
  #committed: StreamCommit | null = null;
  /** Of the transaction that is being replayed. */
  #isAborted: (subtransactionId: number) => boolean = () => false;
  #stopped = false;

  constructor(options: StreamDecodingOptions) {
    this.#options = options;
    const { host, protocol, spool, writer, batches } = options;
    this.#decoder = new PgoutputDecoder(
      {
        relation: (relation) => {
          if (host.knows(relation)) return host.relation(relation);
          this.#unknown = relation;
          return 'later';
        },
        begin: (begin) => this.#begin(begin),
        commit: ({ endLsn }) => batches.reached(endLsn),
      },
      {
        version: protocol.version,
        streamed: {
          start: ({ transactionId }) => spool.start(transactionId),
          keep: (_subtransactionId, start, end) => spool.keep(writer.data, start, end),
          stop: () => {},
          commit: (commit) => {
            this.#committed = commit;
          },
          abort: (abort) => spool.abort(abort),
        },
        prepared: { begin: refuse, prepare: refuse, streamPrepare: refuse, commit: refuse, rollback: refuse },
      },
    );
  }

  get inTransaction(): boolean {
    return this.#decoder.inTransaction;
  }

  /** The same, from the transaction's first event on. */
  get midTransaction(): boolean {
    return this.#decoder.midTransaction;
  }

  /** Neither in a transaction nor among the messages of a streamed one: what comes next begins something. */
  get atRest(): boolean {
    return !this.#decoder.inTransaction && !this.#decoder.inStreamBlock;
  }

  /** Ends a replay at the next occasion; nothing is decoded any more. */
  stop(): void {
    this.#stopped = true;
  }

  /** Decodes a message of the slab. @returns what has to be done before the next one; null for nothing */
  decode(start: number, end: number): Interruption | null {
    this.#decoder.decode(this.#options.writer, start, end);
    if (this.#unknown !== null) return async () => await this.#learnUnknown();
    if (this.#committed !== null) return this.#commitStreamed(this.#committed);
    if (this.#options.spool.overflows) return async () => await this.#options.spool.spill();
    return null;
  }

  #begin(begin: Begin): Commit | null {
    return begin.commitLsn < this.#options.from ? null : this.#options.host.begin(begin);
  }

  /** The batch so far ends before the host learns: what it changes belongs to the rows that follow. */
  async #learnUnknown(): Promise<void> {
    const relation = this.#unknown!;
    this.#unknown = null;
    await this.#learn(relation);
  }

  async #learn(relation: Relation): Promise<void> {
    const { host, batches, writer } = this.#options;
    batches.enqueuePending();
    const changes = await host.learn(relation);
    this.#decoder.bind(relation, host.relation(relation));
    for (const change of changes) writer.addSchemaChange(change);
    if (changes.length > 0) this.#decoder.addCommit(writer);
  }

  #commitStreamed({ transactionId }: StreamCommit): Interruption {
    this.#committed = null;
    const { spooled, doubtful } = this.#options.spool.take(transactionId);
    if (doubtful) {
      spooled.close();
      return 'restart';
    }
    return async () => {
      try {
        await this.#replay(spooled);
      } finally {
        spooled.close();
      }
    };
  }

  /**
   * Decodes what was kept of a transaction that has committed, as if it came now. The slab holds only that meanwhile; bytes
   * behind the commit wait beside it.
   */
  async #replay(spooled: ReturnType<StreamSpool['take']>['spooled']): Promise<void> {
    const { writer, frames, batches, host } = this.#options;
    const behind = writer.data.slice(frames.consumed, writer.used);
    writer.truncate(frames.consumed);
    this.#isAborted = (id) => spooled.aborted.has(id);
    this.#decoder.beginReplay();
    for await (const piece of spooled.read()) {
      frames.feed(writer, piece, this.#handleKept);
      while (frames.held) {
        await this.#learnUnknown();
        frames.resume(writer, this.#handleKept);
      }
      if (writer.rows === 0) frames.compact(writer);
      await batches.room();
      if (this.#stopped) return;
    }
    if (frames.consumed !== writer.used) throw new WeirError('WEIR_INTERNAL', 'a kept message is cut off');
    for (const relation of this.#decoder.endReplay()) {
      if (host.knows(relation)) this.#decoder.bind(relation, host.relation(relation));
      else await this.#learn(relation);
    }
    this.#decoder.commitReplay();
    writer.append(behind);
  }

  #decodeKept(start: number, end: number): void {
    const { writer, frames, batches } = this.#options;
    if (!this.#isAborted(subtransactionOf(writer.data, start))) this.#decoder.decode(writer, start, end);
    if (this.#unknown !== null) frames.hold();
    else batches.closeIfDue();
  }
}

/** The id behind the kind of a message that was kept. */
function subtransactionOf(data: Uint8Array, start: number): number {
  return ((data[start + 1]! << 24) | (data[start + 2]! << 16) | (data[start + 3]! << 8) | data[start + 4]!) >>> 0;
}

/** The rows of a prepared transaction come at its PREPARE, and never again: that is no place of the commit order. */
function refuse(_what: Prepare | object): never {
  const fix = 'Drop the slot and let Weir make one, or make it without two_phase; then copy again from scratch.';
  throw new WeirError('WEIR_PGOUTPUT_UNSUPPORTED', 'the slot has two_phase on, so prepared transactions come early', { fix });
}
