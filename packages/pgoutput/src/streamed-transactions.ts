import { WeirError } from '@weir/sdk';
import {
  DELETE,
  INSERT,
  MESSAGE,
  ORIGIN,
  RELATION,
  STREAM_ABORT,
  STREAM_COMMIT,
  STREAM_START,
  STREAM_STOP,
  TRUNCATE,
  TYPE,
  UPDATE,
} from './message-kind.ts';
import type { MessageReader } from './message-reader.ts';
import { RelationMap } from './relation-map.ts';
import { readStreamAbort, readStreamCommit, readStreamStart, type StreamCommit, type StreamedHost } from './streamed.ts';

/** As many connections and prepared transactions as a server can have; more open transactions are damage. */
const MOST_OPEN = 1 << 18;

/** Announcements of one table in one transaction that are remembered; an older one is forgotten. */
const MOST_ANNOUNCEMENTS = 16;

interface Announcement {
  readonly subtransactionId: number;
  /** Its number among the announcements of all transactions. */
  readonly receipt: number;
}

/** By the oid of the table, those of one transaction, in their order; a subtransaction that is rolled back takes its own along. */
type Announced = Map<number, readonly Announcement[]>;

/** The streamed transactions that are open: what the decoder has to know of them, the messages apart, which the host keeps. */
export class StreamedTransactions {
  readonly #reader: MessageReader;
  readonly #host: StreamedHost;
  readonly #nextReceipt: () => number;
  readonly #open = new Map<number, Announced>();
  /** The transaction whose block is open, and what it has announced. */
  #block: { readonly transactionId: number; readonly announced: Announced } | null = null;
  #replay: { readonly commit: StreamCommit; readonly announced: Announced } | null = null;
  /** What the transaction announced that is being replayed, as far as its replay has come. */
  readonly relations: RelationMap = new RelationMap();

  /** @param nextReceipt numbers the announcements of all transactions in the order in which they are received */
  constructor(reader: MessageReader, host: StreamedHost, nextReceipt: () => number) {
    this.#reader = reader;
    this.#host = host;
    this.#nextReceipt = nextReceipt;
  }

  get inBlock(): boolean {
    return this.#block !== null;
  }

  /** When the table was announced last in the transaction that is being replayed. */
  receipt(oid: number): number {
    return this.#replay?.announced.get(oid)?.at(-1)?.receipt ?? 0;
  }

  /** Decodes a message between Stream Start and Stream Stop, opened in the reader. */
  decodeInBlock(kind: number): void {
    const reader = this.#reader;
    if (kind === STREAM_STOP) return this.#stop();
    if (kind === ORIGIN) return passOrigin(reader);
    this.#requireKept(kind);
    const subtransactionId = reader.transactionId();
    if (kind === RELATION) this.#announced(reader.uint32(), subtransactionId);
    this.#host.keep(subtransactionId, reader.start, reader.end);
  }

  /** Decodes a message outside a block, if it is one of a streamed transaction. */
  decode(kind: number, inTransaction: boolean): boolean {
    if (kind !== STREAM_START && kind !== STREAM_STOP && kind !== STREAM_COMMIT && kind !== STREAM_ABORT) return false;
    if (inTransaction) throw this.#reader.damaged('inside a transaction');
    if (kind === STREAM_START) this.#start();
    else if (kind === STREAM_COMMIT) this.#commit();
    else if (kind === STREAM_ABORT) this.#abort();
    else throw this.#reader.damaged('no block is open');
    return true;
  }

  /** Passes over the id behind the kind of a message that was kept. */
  passId(kind: number): void {
    this.#requireKept(kind);
    this.#reader.transactionId();
  }

  /** A transaction was prepared: it is open no more. */
  prepared(transactionId: number): void {
    if (!this.#open.delete(transactionId)) throw this.#reader.damaged('a transaction that was not streamed');
  }

  beginReplay(): StreamCommit {
    return this.#committed().commit;
  }

  endReplay(): StreamCommit {
    const { commit } = this.#committed();
    this.#replay = null;
    return commit;
  }

  #committed(): { readonly commit: StreamCommit; readonly announced: Announced } {
    if (this.#replay === null) throw new WeirError('WEIR_SDK_USE', 'no streamed transaction has committed');
    return this.#replay;
  }

  #announced(oid: number, subtransactionId: number): void {
    const { announced } = this.#block!;
    const others = (announced.get(oid) ?? []).filter((one) => one.subtransactionId !== subtransactionId);
    announced.set(oid, [...others.slice(1 - MOST_ANNOUNCEMENTS), { subtransactionId, receipt: this.#nextReceipt() }]);
  }

  #start(): void {
    const start = readStreamStart(this.#reader);
    const { transactionId, first } = start;
    const known = this.#open.get(transactionId);
    if (first && known !== undefined) throw this.#reader.damaged('the first block of a transaction that is open');
    if (!first && known === undefined) throw this.#reader.damaged('a later block of a transaction that is not open');
    if (first && this.#open.size >= MOST_OPEN) throw this.#reader.damaged('more transactions are open than can be');
    const announced: Announced = known ?? new Map();
    this.#open.set(transactionId, announced);
    this.#block = { transactionId, announced };
    this.#host.start(start);
  }

  #stop(): void {
    this.#reader.close();
    this.#block = null;
    this.#host.stop();
  }

  #commit(): void {
    const commit = readStreamCommit(this.#reader);
    const announced = this.#open.get(commit.transactionId);
    if (announced === undefined) throw this.#reader.damaged('a transaction that was not streamed');
    this.#open.delete(commit.transactionId);
    this.#replay = { commit, announced };
    this.#host.commit(commit);
  }

  #abort(): void {
    const abort = readStreamAbort(this.#reader);
    const { transactionId, subtransactionId } = abort;
    if (subtransactionId === transactionId) this.#open.delete(transactionId);
    else forget(this.#open.get(transactionId), subtransactionId);
    this.#host.abort(abort);
  }

  /** @throws WeirError when messages of this kind have no place in a streamed transaction */
  #requireKept(kind: number): void {
    switch (kind) {
      case INSERT:
      case UPDATE:
      case DELETE:
      case TRUNCATE:
      case RELATION:
      case TYPE:
      case MESSAGE:
        return;
      default:
        throw this.#reader.damaged('not a message of a streamed transaction');
    }
  }
}

function forget(announced: Announced | undefined, subtransactionId: number): void {
  for (const [oid, all] of announced ?? []) {
    const others = all.filter((one) => one.subtransactionId !== subtransactionId);
    if (others.length < all.length) announced!.set(oid, others);
  }
}

/** Of the transaction, so without an id of a subtransaction; not used. */
function passOrigin(reader: MessageReader): void {
  reader.lsn();
  reader.skipString();
  reader.close();
}
