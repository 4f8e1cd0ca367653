import { BatchWriter, type Batch } from '@weir/sdk';
import { PgoutputDecoder } from '../decoder.ts';
import { readRows, type ReadRow } from './read-rows.ts';
import { RecordingHost } from './recording-host.ts';

/** One decoder with its host and writer, fed message by message. */
export class Session {
  readonly host: RecordingHost = new RecordingHost();
  readonly writer: BatchWriter;
  readonly decoder: PgoutputDecoder = new PgoutputDecoder(this.host);

  constructor(writer: BatchWriter = new BatchWriter()) {
    this.writer = writer;
  }

  /** Appends each message to the slab, among bytes that belong to none, and decodes it. */
  feed(...messages: readonly Uint8Array[]): this {
    for (const message of messages) {
      this.writer.append(Uint8Array.of(0xee, 0xee));
      const start = this.writer.append(message);
      const end = this.writer.used;
      this.writer.append(Uint8Array.of(0xee, 0xee));
      this.decoder.decode(this.writer, start, end);
    }
    return this;
  }

  close(): Batch {
    return this.writer.close(null);
  }

  /** Closes the batch and copies its rows out. */
  rows(): ReadRow[] {
    return readRows(this.close());
  }
}
