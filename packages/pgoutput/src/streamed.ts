import type { MessageReader } from './message-reader.ts';

/** A block of changes of a transaction that has not ended yet. */
export interface StreamStart {
  /** The top-level transaction id. */
  readonly transactionId: number;
  /** The transaction's first block. */
  readonly first: boolean;
}

/** A streamed transaction committed: what was kept of it is one transaction at this place of the commit order. */
export interface StreamCommit {
  readonly transactionId: number;
  readonly commitLsn: bigint;
  /** Where the log goes on behind it: what to resume from and to confirm. */
  readonly endLsn: bigint;
  /** Commit time in microseconds since 1970. */
  readonly time: number;
}

/** A streamed transaction, or one of its subtransactions with all that is inside it, was rolled back. */
export interface StreamAbort {
  readonly transactionId: number;
  /** The same as `transactionId` when the whole transaction is rolled back. */
  readonly subtransactionId: number;
  /** Where the record of it stands; null unless the stream was asked for as parallel (version 4). */
  readonly lsn: bigint | null;
  /** Microseconds since 1970; null as `lsn`. */
  readonly time: number | null;
}

/** Who keeps the messages of transactions that are streamed before they have ended (from protocol version 2 on). */
export interface StreamedHost {
  /** Messages of this transaction follow, up to `stop`. */
  start(start: StreamStart): void;
  /**
   * A message of the open block, as it lies in the slab between `start` and `end`: copy it. It goes back into `decode` in a
   * replay as it is. Called once per row, so it should allocate nothing.
   */
  keep(subtransactionId: number, start: number, end: number): void;
  stop(): void;
  /** Replay what is kept now, before the next message: `beginReplay`, `decode` for each, `endReplay`, `commitReplay`. */
  commit(end: StreamCommit): void;
  /** Forget what is kept of it. A transaction of which nothing is kept may be named too. */
  abort(abort: StreamAbort): void;
}

/** Reads the body of an S message. */
export function readStreamStart(reader: MessageReader): StreamStart {
  const transactionId = reader.transactionId();
  const first = reader.uint8();
  if (first > 1) throw reader.damagedBefore(1, 'neither a first block nor a later one');
  reader.close();
  return { transactionId, first: first === 1 };
}

/** Reads the body of a c message. */
export function readStreamCommit(reader: MessageReader): StreamCommit {
  const transactionId = reader.transactionId();
  if (reader.uint8() !== 0) throw reader.damagedBefore(1, 'a commit with unknown flags');
  const commit = { transactionId, commitLsn: reader.lsn(), endLsn: reader.lsn(), time: reader.time() };
  reader.close();
  return commit;
}

/** Reads the body of an A message, which has LSN and time only in a parallel stream: told by its length. */
export function readStreamAbort(reader: MessageReader): StreamAbort {
  const transactionId = reader.transactionId();
  const subtransactionId = reader.transactionId();
  const place = reader.left === 0 ? { lsn: null, time: null } : { lsn: reader.lsn(), time: reader.time() };
  reader.close();
  return { transactionId, subtransactionId, ...place };
}
