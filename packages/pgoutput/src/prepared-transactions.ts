import {
  BEGIN_PREPARE,
  COMMIT_PREPARED,
  PREPARE,
  ROLLBACK_PREPARED,
  STREAM_PREPARE,
} from './message-kind.ts';
import type { MessageReader } from './message-reader.ts';
import {
  readBeginPrepare,
  readCommitPrepared,
  readPrepare,
  readRollbackPrepared,
  type Prepare,
  type PreparedHost,
} from './prepared.ts';
import type { StreamedTransactions } from './streamed-transactions.ts';
import { OpenTransaction } from './transaction.ts';

/** The messages of prepared transactions, each at a place where it belongs. */
export class PreparedTransactions {
  readonly #reader: MessageReader;
  readonly #host: PreparedHost;
  readonly #streamed: StreamedTransactions | null;
  #begun: Prepare | null = null;
  /** The one whose rows follow, up to its PREPARE; left out. */
  #transaction: OpenTransaction | null = null;

  constructor(reader: MessageReader, host: PreparedHost, streamed: StreamedTransactions | null) {
    this.#reader = reader;
    this.#host = host;
    this.#streamed = streamed;
  }

  get transaction(): OpenTransaction | null {
    return this.#transaction;
  }

  /** Decodes a message that is opened in the reader, if it is one of a prepared transaction. */
  decode(kind: number, inTransaction: boolean): boolean {
    if (kind === PREPARE) {
      this.#prepare();
      return true;
    }
    if (![BEGIN_PREPARE, COMMIT_PREPARED, ROLLBACK_PREPARED, STREAM_PREPARE].includes(kind)) return false;
    if (inTransaction) throw this.#reader.damaged('inside a transaction');
    if (kind === BEGIN_PREPARE) this.#begin();
    else if (kind === COMMIT_PREPARED) this.#host.commit(readCommitPrepared(this.#reader));
    else if (kind === ROLLBACK_PREPARED) this.#host.rollback(readRollbackPrepared(this.#reader));
    else this.#streamPrepare();
    return true;
  }

  #begin(): void {
    const prepare = readBeginPrepare(this.#reader);
    const { prepareLsn, time, transactionId } = prepare;
    this.#begun = prepare;
    this.#transaction = new OpenTransaction({ commitLsn: prepareLsn, time, transactionId });
    this.#host.begin(prepare);
  }

  #prepare(): void {
    const begun = this.#begun;
    if (begun === null) throw this.#reader.damaged('no prepared transaction is open');
    const prepare = readPrepare(this.#reader);
    if (prepare.gid !== begun.gid || prepare.prepareLsn !== begun.prepareLsn) {
      throw this.#reader.damaged('the PREPARE of another transaction');
    }
    this.#begun = null;
    this.#transaction = null;
    this.#host.prepare(prepare);
  }

  #streamPrepare(): void {
    const prepare = readPrepare(this.#reader);
    if (this.#streamed === null) throw this.#reader.damaged('a transaction that was not streamed');
    this.#streamed.prepared(prepare.transactionId);
    this.#host.streamPrepare(prepare);
  }
}
