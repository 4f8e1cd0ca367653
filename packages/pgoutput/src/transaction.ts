import type { BatchWriter, Commit } from '@weir/sdk';
import type { MessageReader } from './message-reader.ts';

/** A transaction that starts. */
export interface Begin {
  /** Where its commit record stands; can equal the end of the transaction before. */
  readonly commitLsn: bigint;
  /** Commit time in microseconds since 1970. */
  readonly time: number;
  /** The top-level transaction id, 32 bits, without its epoch. */
  readonly transactionId: number;
}

/** A transaction that ended. */
export interface CommitEnd {
  readonly commitLsn: bigint;
  /** Where the log goes on behind it: what to resume from and to confirm. */
  readonly endLsn: bigint;
  /** Commit time in microseconds since 1970. */
  readonly time: number;
}

/** Reads the body of a B message. */
export function readBegin(reader: MessageReader): Begin {
  const begin = { commitLsn: reader.lsn(), time: reader.time(), transactionId: reader.uint32() };
  reader.close();
  return begin;
}

/** Reads the body of a C message. */
export function readCommit(reader: MessageReader): CommitEnd {
  if (reader.uint8() !== 0) throw reader.damagedBefore(1, 'a commit with unknown flags');
  const end = { commitLsn: reader.lsn(), endLsn: reader.lsn(), time: reader.time() };
  reader.close();
  return end;
}

/** The open transaction: what the host made of it and how far it is. */
export class OpenTransaction {
  readonly begin: Begin;
  /** Null: the transaction is left out. */
  commit: Commit | null = null;
  #ordinal = 0;
  /** `commit` has this index in the batch that `#writer` was writing at `#sequence`. */
  #index = 0;
  #sequence = -1;
  #writer: BatchWriter | null = null;

  constructor(begin: Begin) {
    this.begin = begin;
  }

  /** Something of it has been decoded, or is among the commits of a batch: what was before it ends no more here. */
  get begun(): boolean {
    return this.#ordinal > 0 || this.#writer !== null;
  }

  /** Numbers a row event, from 1; those left out too, so that a replay numbers the others alike (invariant 2). */
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
