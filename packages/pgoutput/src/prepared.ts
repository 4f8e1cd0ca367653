import type { MessageReader } from './message-reader.ts';

/** A transaction that was prepared: PREPARE TRANSACTION. */
export interface Prepare {
  readonly prepareLsn: bigint;
  /** Where the log goes on behind the PREPARE. */
  readonly endLsn: bigint;
  /** Of the PREPARE, in microseconds since 1970. */
  readonly time: number;
  readonly transactionId: number;
  /** The name that the application gave it. */
  readonly gid: string;
}

/** COMMIT PREPARED. */
export interface CommitPrepared {
  readonly commitLsn: bigint;
  readonly endLsn: bigint;
  /** Of the commit, in microseconds since 1970. */
  readonly time: number;
  readonly transactionId: number;
  readonly gid: string;
}

/** ROLLBACK PREPARED. */
export interface RollbackPrepared {
  /** Where the log goes on behind the PREPARE. */
  readonly prepareEndLsn: bigint;
  /** Where the log goes on behind the rollback. */
  readonly endLsn: bigint;
  /** Microseconds since 1970. */
  readonly prepareTime: number;
  /** Microseconds since 1970. */
  readonly time: number;
  readonly transactionId: number;
  readonly gid: string;
}

/**
 * Who wants to hear of prepared transactions, which a slot with `two_phase` sends at their PREPARE (from protocol version 3
 * on). The rows between `begin` and `prepare` are checked and left out, uncounted. Whoever passes them over loses them.
 */
export interface PreparedHost {
  begin(prepare: Prepare): void;
  prepare(prepare: Prepare): void;
  /** A streamed transaction was prepared; what is kept of it belongs to this name. */
  streamPrepare(prepare: Prepare): void;
  commit(commit: CommitPrepared): void;
  rollback(rollback: RollbackPrepared): void;
}

/** Reads the body of a b message. */
export function readBeginPrepare(reader: MessageReader): Prepare {
  const prepare = {
    prepareLsn: reader.lsn(),
    endLsn: reader.lsn(),
    time: reader.time(),
    transactionId: reader.transactionId(),
    gid: reader.string(),
  };
  reader.close();
  return prepare;
}

/** Reads the body of a P or a p message: that of a b behind flags. */
export function readPrepare(reader: MessageReader): Prepare {
  readFlags(reader);
  return readBeginPrepare(reader);
}

/** Reads the body of a K message. */
export function readCommitPrepared(reader: MessageReader): CommitPrepared {
  const { prepareLsn: commitLsn, ...rest } = readPrepare(reader);
  return { commitLsn, ...rest };
}

/** Reads the body of an r message. */
export function readRollbackPrepared(reader: MessageReader): RollbackPrepared {
  readFlags(reader);
  const rollback = {
    prepareEndLsn: reader.lsn(),
    endLsn: reader.lsn(),
    prepareTime: reader.time(),
    time: reader.time(),
    transactionId: reader.transactionId(),
    gid: reader.string(),
  };
  reader.close();
  return rollback;
}

function readFlags(reader: MessageReader): void {
  if (reader.uint8() !== 0) throw reader.damagedBefore(1, 'unknown flags');
}
