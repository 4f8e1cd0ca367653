import type { BatchWriter, Commit } from '@weir/sdk';
import type { MysqlGtid } from './gtid.ts';
import type { LogPosition } from './log-position.ts';
import type { AlterPhase } from './mariadb-gtid-event.ts';
import type { MariadbGtid } from './mariadb-gtid.ts';

/** How a server names a transaction. */
export type Gtid = MysqlGtid | MariadbGtid;

/** A transaction that starts, or a statement that is one. */
export interface TransactionBegin {
  /** Null where the server numbers no transactions. */
  readonly gtid: Gtid | null;
  /** Of its first event: from here on all of it can be read again. */
  readonly start: LogPosition;
  /**
   * When it was committed at the server that sends this log, in microseconds since 1970. Exact to the microsecond on MySQL from
   * 8.0.1 on, otherwise to the second.
   */
  readonly time: number;
  /** When it was committed first, on whatever server; the same unit. */
  readonly originalTime: number;
  /** The XA transaction that it commits; null for others. */
  readonly xid: string | null;
}

/** What a transaction ended by. */
export type TransactionEndKind =
  /** XID or COMMIT. */
  | 'commit'
  /** The statement that it is. */
  | 'statement'
  /**
   * ROLLBACK: what it did to tables without transactions remains, all else does not, and the log does not say which is which.
   */
  | 'rollback';

/** A transaction that ended, also one that was left out: a boundary. */
export interface TransactionEnd {
  readonly kind: TransactionEndKind;
  readonly gtid: Gtid | null;
  /** Where the log goes on behind it. */
  readonly end: LogPosition;
  /** How many rows of whatever tables it had. */
  readonly rows: number;
  /** Microseconds since 1970, as in `TransactionBegin`. */
  readonly time: number;
}

/** What a GTID event said of the transaction that comes. */
export interface Announcement extends Omit<TransactionBegin, 'xid'> {
  /** MariaDB: of the one statement that comes. */
  readonly alter: AlterPhase | null;
}

/** The open transaction: what the host made of it and how far it is. */
export class OpenTransaction {
  readonly begin: TransactionBegin;
  /** Null: the transaction is left out. */
  readonly commit: Commit | null;
  #ordinal = 0;
  /** `commit` has this index in the batch that `#writer` was writing at `#sequence`. */
  #index = 0;
  #sequence = -1;
  #writer: BatchWriter | null = null;

  constructor(begin: TransactionBegin, commit: Commit | null) {
    this.begin = begin;
    this.commit = commit;
  }

  /** Something of it has been decoded, or is among the commits of a batch: what was before it ends no more here. */
  get begun(): boolean {
    return this.#ordinal > 0 || this.#writer !== null;
  }

  get rows(): number {
    return this.#ordinal;
  }

  /** Numbers a row, from 1; those left out too, so that a replay numbers the others alike (invariant 2). */
  nextOrdinal(): number {
    return ++this.#ordinal;
  }

  /** The index of `commit` in the batch being written; a batch that was started since does not have it yet. */
  indexIn(writer: BatchWriter, commit: Commit): number {
    if (this.#sequence !== writer.sequence || this.#writer !== writer) {
      this.#index = writer.addCommit(commit);
      this.#sequence = writer.sequence;
      this.#writer = writer;
    }
    return this.#index;
  }
}
