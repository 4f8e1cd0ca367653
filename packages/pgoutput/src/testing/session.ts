import { BatchWriter, type Batch } from '@weir/sdk';
import { PgoutputDecoder } from '../decoder.ts';
import type { ProtocolVersion } from '../message-kind.ts';
import type { PreparedHost } from '../prepared.ts';
import { KeptTransactions } from './kept-transactions.ts';
import { readRows, type ReadRow } from './read-rows.ts';
import { RecordingHost } from './recording-host.ts';

export interface SessionOptions {
  readonly writer?: BatchWriter;
  readonly version?: ProtocolVersion;
  /** Keeps streamed transactions and replays them; otherwise they are not asked for. */
  readonly streaming?: boolean;
  readonly prepared?: PreparedHost;
}

/** One decoder with its host and writer, fed message by message. */
export class Session {
  readonly host: RecordingHost = new RecordingHost();
  readonly writer: BatchWriter;
  readonly kept: KeptTransactions;
  readonly decoder: PgoutputDecoder;

  constructor({ writer = new BatchWriter(), version = 1, streaming = false, prepared }: SessionOptions = {}) {
    this.writer = writer;
    this.kept = new KeptTransactions(writer);
    const streamed = streaming ? { streamed: this.kept } : {};
    this.decoder = new PgoutputDecoder(this.host, { version, ...streamed, ...(prepared === undefined ? {} : { prepared }) });
  }

  /** Appends each message to the slab, among bytes that belong to none, and decodes it; replays what has committed by it. */
  feed(...messages: readonly Uint8Array[]): this {
    for (const message of messages) {
      this.decode(message);
      this.kept.replayCommitted(this.decoder, this.host, (kept) => this.decode(kept));
    }
    return this;
  }

  /** The same for one message, without a replay. */
  decode(message: Uint8Array): void {
    this.writer.append(Uint8Array.of(0xee, 0xee));
    const start = this.writer.append(message);
    const end = this.writer.used;
    this.writer.append(Uint8Array.of(0xee, 0xee));
    this.decoder.decode(this.writer, start, end);
  }

  close(): Batch {
    return this.writer.close(null);
  }

  /** Closes the batch and copies its rows out. */
  rows(): ReadRow[] {
    return readRows(this.close());
  }
}
