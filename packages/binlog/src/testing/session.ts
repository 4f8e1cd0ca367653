import { BatchWriter, type Batch } from '@weir/sdk';
import { BinlogDecoder } from '../decoder.ts';
import { EventEncoder, type EncoderOptions } from '../event-encoder.ts';
import { payloadEvents } from '../payload-events.ts';
import { KeptXa } from './kept-xa.ts';
import { readRows, type ReadRow } from './read-rows.ts';
import { RecordingHost } from './recording-host.ts';

export interface SessionOptions extends EncoderOptions {
  readonly writer?: BatchWriter;
  /** Keeps XA transactions and replays them; it does by default. */
  readonly xa?: boolean;
  /** Whether file and format come first; they do by default. */
  readonly opened?: boolean;
}

const FILE = 'binlog.000007';

/** One decoder with its host and writer, fed event by event, and an encoder of the same log. */
export class Session {
  readonly host: RecordingHost = new RecordingHost();
  readonly writer: BatchWriter;
  readonly xa: KeptXa;
  readonly decoder: BinlogDecoder;
  readonly log: EventEncoder;

  constructor(options: SessionOptions = {}) {
    const { writer = new BatchWriter(), xa = true, opened = true } = options;
    this.writer = writer;
    this.xa = new KeptXa(writer);
    this.decoder = new BinlogDecoder(this.host, xa ? { xa: this.xa } : {});
    this.log = new EventEncoder(options);
    if (opened) this.decode(this.log.rotate(FILE, options.position ?? 4, { artificial: true })).decode(this.log.format());
  }

  /** Decodes each event, what was compressed in it, and what it commits of XA transactions. */
  async feed(...events: readonly Uint8Array[]): Promise<this> {
    for (const event of events) {
      this.decode(event);
      await this.#follow();
    }
    return this;
  }

  async #follow(): Promise<void> {
    while (this.host.payloads.length > 0) {
      const payload = this.host.payloads.shift()!;
      const bytes = this.writer.data.slice(payload.start, payload.end);
      for await (const event of payloadEvents(payload, bytes)) {
        this.decodeInner(event);
        await this.#follow();
      }
    }
    if (this.xa.committed !== null) {
      const kept = this.xa.committed;
      this.xa.committed = null;
      this.decoder.beginReplay();
      for (const event of kept) {
        this.decodeInner(event);
        await this.#follow();
      }
      this.decoder.commitReplay();
    }
  }

  /** The same for one event, without what follows of it. */
  decode(event: Uint8Array): this {
    this.#lay(event, (start, end) => this.decoder.decode(this.writer, start, end));
    return this;
  }

  decodeInner(event: Uint8Array): void {
    this.#lay(event, (start, end) => this.decoder.decodeInner(this.writer, start, end));
  }

  /** Appends the event to the slab, among bytes that belong to none. */
  #lay(event: Uint8Array, decode: (start: number, end: number) => void): void {
    this.writer.append(Uint8Array.of(0xee, 0xee));
    const start = this.writer.append(event);
    const end = this.writer.used;
    this.writer.append(Uint8Array.of(0xee, 0xee));
    decode(start, end);
  }

  close(): Batch {
    return this.writer.close(null);
  }

  /** Closes the batch and copies its rows out. */
  rows(): ReadRow[] {
    return readRows(this.close());
  }
}
