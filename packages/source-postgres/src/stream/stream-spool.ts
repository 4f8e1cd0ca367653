import { tmpdir } from 'node:os';
import type { StreamAbort } from '@weir/pgoutput';
import { WeirError } from '@weir/sdk';
import { SpooledTransaction } from './spooled-transaction.ts';

/** Memory for all open streamed transactions; beyond it the largest go to temporary files. */
export const SPOOL_BYTES: number = 16 << 20;
/** A message from this size on goes to the file from where it lies. */
const LARGE_MESSAGE = 1 << 20;
/** `M`: what pg_logical_emit_message wrote. */
const LOGICAL_MESSAGE = 0x4d;

export interface StreamSpoolOptions {
  /** For temporary files; `os.tmpdir()` by default. */
  readonly directory?: string | undefined;
  /** Bytes of memory. */
  readonly limit?: number;
}

interface Open {
  readonly spooled: SpooledTransaction;
  /** A logical message was kept: the server sends it under the id of the transaction, also one of a subtransaction. */
  hasMessage: boolean;
  /** A logical message was kept that may be of a subtransaction that was rolled back. */
  doubtful: boolean;
}

/**
 * Keeps the messages of transactions that are streamed before they have ended, by transaction, in memory up to a limit and
 * beyond that in files (invariant 8). Nothing of it survives the process: the server keeps the log of an open transaction,
 * whatever is confirmed, and streams it once more.
 */
export class StreamSpool {
  readonly #directory: string;
  readonly #limit: number;
  readonly #open = new Map<number, Open>();
  #current: Open | null = null;
  #memory = 0;
  /** A large message that has to go to the file before the next is handled. */
  #large: { readonly spooled: SpooledTransaction; readonly message: Uint8Array } | null = null;

  constructor({ directory = tmpdir(), limit = SPOOL_BYTES }: StreamSpoolOptions = {}) {
    this.#directory = directory;
    this.#limit = limit;
  }

  /** How many transactions are open. */
  get size(): number {
    return this.#open.size;
  }

  /** Bytes of memory in use. */
  get memory(): number {
    return this.#memory;
  }

  /** Bytes of disk in use: as much as the open transactions are large, less what is in memory. */
  get disk(): number {
    let sum = 0;
    for (const { spooled } of this.#open.values()) sum += spooled.disk;
    return sum;
  }

  /** `spill` must be called before the next message. */
  get overflows(): boolean {
    return this.#memory > this.#limit || this.#large !== null;
  }

  /** Messages of this transaction follow. */
  start(transactionId: number): void {
    let open = this.#open.get(transactionId);
    if (open === undefined) {
      open = { spooled: new SpooledTransaction(), hasMessage: false, doubtful: false };
      this.#open.set(transactionId, open);
    }
    this.#current = open;
  }

  /** Keeps the message that lies in `data[start, end)`; these bytes may be used until `spill` if this overflows. */
  keep(data: Uint8Array, start: number, end: number): void {
    const open = this.#current!;
    if (data[start] === LOGICAL_MESSAGE) open.hasMessage = true;
    if (end - start >= LARGE_MESSAGE) {
      this.#large = { spooled: open.spooled, message: data.subarray(start, end) };
    } else {
      const before = open.spooled.memory;
      open.spooled.keep(data, start, end);
      this.#memory += open.spooled.memory - before;
    }
  }

  /** A transaction is forgotten, or those of its messages that are of a subtransaction. */
  abort({ transactionId, subtransactionId }: StreamAbort): void {
    const open = this.#open.get(transactionId);
    if (open === undefined) return;
    if (subtransactionId === transactionId) this.#remove(transactionId).spooled.close();
    else {
      open.spooled.aborted.add(subtransactionId);
      open.doubtful ||= open.hasMessage;
    }
  }

  /**
   * A transaction has committed: it is the caller's from now on, who closes it. `doubtful`: it has logical messages of which
   * nobody can say whether they are of a subtransaction that was rolled back.
   */
  take(transactionId: number): { readonly spooled: SpooledTransaction; readonly doubtful: boolean } {
    return this.#remove(transactionId);
  }

  /** Moves the largest transactions to files, until the rest has room in memory. @throws WeirError WEIR_PG_SPOOL */
  async spill(): Promise<void> {
    if (this.#large !== null) {
      const { spooled, message } = this.#large;
      this.#memory -= spooled.memory;
      await spooled.spillMessage(this.#directory, message);
      this.#large = null;
    }
    while (this.#memory > this.#limit) {
      const [largest] = [...this.#open.values()].sort((a, b) => b.spooled.memory - a.spooled.memory);
      this.#memory -= largest!.spooled.memory;
      await largest!.spooled.spill(this.#directory);
    }
  }

  /** Forgets everything. */
  clear(): void {
    for (const { spooled } of this.#open.values()) spooled.close();
    this.#open.clear();
    this.#memory = 0;
    this.#large = null;
  }

  #remove(transactionId: number): Open {
    const open = this.#open.get(transactionId);
    if (open === undefined) throw new WeirError('WEIR_INTERNAL', 'a transaction that was not kept');
    this.#open.delete(transactionId);
    this.#memory -= open.spooled.memory;
    return open;
  }
}
