import type { BatchWriter } from '@weir/sdk';
import type { PgoutputDecoder } from '../decoder.ts';
import type { StreamAbort, StreamCommit, StreamStart, StreamedHost } from '../streamed.ts';
import type { RecordingHost } from './recording-host.ts';

interface Kept {
  readonly subtransactionId: number;
  readonly message: Uint8Array;
}

/** Keeps streamed transactions in memory, as a source keeps them. */
export class KeptTransactions implements StreamedHost {
  readonly aborts: StreamAbort[] = [];
  /** Blocks that have ended. */
  stops = 0;
  readonly #writer: BatchWriter;
  readonly #open = new Map<number, Kept[]>();
  #current: Kept[] = [];
  #committed: Kept[] | null = null;

  constructor(writer: BatchWriter) {
    this.#writer = writer;
  }

  /** How many messages are kept of each open transaction. */
  get sizes(): Record<number, number> {
    return Object.fromEntries([...this.#open].map(([id, kept]) => [id, kept.length]));
  }

  /** A transaction has committed and is to be replayed. */
  get hasCommitted(): boolean {
    return this.#committed !== null;
  }

  start({ transactionId }: StreamStart): void {
    this.#current = this.#open.get(transactionId) ?? [];
    this.#open.set(transactionId, this.#current);
  }

  keep(subtransactionId: number, start: number, end: number): void {
    this.#current.push({ subtransactionId, message: this.#writer.data.slice(start, end) });
  }

  stop(): void {
    this.stops++;
  }

  commit({ transactionId }: StreamCommit): void {
    this.#committed = this.#open.get(transactionId)!;
    this.#open.delete(transactionId);
  }

  abort(abort: StreamAbort): void {
    this.aborts.push(abort);
    const { transactionId, subtransactionId } = abort;
    const kept = this.#open.get(transactionId);
    if (subtransactionId === transactionId) this.#open.delete(transactionId);
    else if (kept !== undefined) {
      const rest = kept.filter((message) => message.subtransactionId !== subtransactionId);
      this.#open.set(transactionId, rest);
    }
  }

  /** Replays the transaction that committed just now, if one did. */
  replayCommitted(decoder: PgoutputDecoder, host: RecordingHost, decode: (message: Uint8Array) => void): void {
    const committed = this.#committed;
    if (committed === null) return;
    this.#committed = null;
    decoder.beginReplay();
    for (const { message } of committed) decode(message);
    for (const relation of decoder.endReplay()) decoder.bind(relation, host.relation(relation));
    decoder.commitReplay();
  }
}
