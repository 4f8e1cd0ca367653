import { BatchWriter } from '@weir/sdk';
import { PgoutputDecoder } from '../decoder.ts';
import type { Feeding, GivenTable } from './given-stream.ts';
import { KeptTransactions } from './kept-transactions.ts';
import { readRows, type ReadRow } from './read-rows.ts';
import { RecordingHost } from './recording-host.ts';
import type { StreamModel } from './stream-model.ts';

/** Length of the message, then bytes that belong to no message. */
const HEADER = 7;
function frameHeader(length: number): Buffer {
  const header = Buffer.alloc(HEADER, 0x74);
  header.writeUInt32BE(length);
  return header;
}

/** Reads the stream as a source does: chunks into the slab, whole messages out of it, batches closed where `how` says. */
export class StreamReader {
  readonly rows: ReadRow[] = [];
  skipped = 0;
  /** Commits that stand twice in one batch. */
  repeatedCommits = 0;
  readonly host: RecordingHost = new RecordingHost();
  readonly #writer = new BatchWriter();
  readonly #kept = new KeptTransactions(this.#writer);
  readonly #decoder = new PgoutputDecoder(this.host, { version: 4, streamed: this.#kept });
  readonly #model: StreamModel;
  readonly #how: Feeding;
  #next = 0;
  #messages = 0;
  #batches = 0;

  constructor(tables: readonly GivenTable[], model: StreamModel, how: Feeding) {
    this.#model = model;
    this.#how = how;
    for (const { relation, treatment } of tables) this.host.treatments.set(relation.oid, treatment);
    for (const lsn of model.delivered) this.host.delivered.add(lsn);
    if (how.closeAtCommit) this.host.onCommit = () => this.#close(this.#next);
  }

  read(): this {
    const stream = Buffer.concat(this.#model.messages.flatMap((message) => [frameHeader(message.length), message]));
    for (let offset = 0, chunk = 0; offset < stream.length; chunk++) {
      const size = this.#how.chunks[chunk % this.#how.chunks.length]!;
      this.#writer.append(stream.subarray(offset, offset + size));
      offset += size;
      this.#decodeWhole();
    }
    this.#close(this.#next);
    return this;
  }

  #decodeWhole(): void {
    const writer = this.#writer;
    while (writer.used - this.#next >= HEADER) {
      const start = this.#next + HEADER;
      const end = start + Buffer.from(writer.data.buffer, writer.data.byteOffset).readUInt32BE(this.#next);
      if (end > writer.used) return;
      this.#toggleSkip(this.#messages++);
      this.#decode(start, end);
      if (this.#kept.hasCommitted) this.#replay();
    }
  }

  #decode(start: number, end: number): void {
    this.#next = end;
    this.#decoder.decode(this.#writer, start, end);
    if (this.#writer.rows >= this.#how.rowLimits[this.#batches % this.#how.rowLimits.length]!) this.#close(this.#next);
  }

  /** What was kept goes into the slab in front of what has arrived behind the commit. */
  #replay(): void {
    const writer = this.#writer;
    const behind = writer.data.slice(this.#next, writer.used);
    writer.truncate(this.#next);
    this.#kept.replayCommitted(this.#decoder, this.host, (message) => {
      const start = writer.append(message);
      this.#decode(start, writer.used);
    });
    writer.append(behind);
  }

  #toggleSkip(message: number): void {
    const oid = this.#model.toggles.get(message);
    const binding = oid === undefined ? undefined : this.host.bindings.get(oid);
    if (binding !== undefined) binding.skip = !binding.skip;
  }

  /** The memory goes back at once, so a cell that points into another batch shows. */
  #close(keepFrom: number): void {
    const batch = this.#writer.close(null, { keepFrom });
    this.#batches++;
    this.#next = 0;
    this.rows.push(...readRows(batch));
    this.skipped += batch.skipped;
    this.repeatedCommits += batch.commits.length - new Set(batch.commits).size;
    batch.release();
  }
}
