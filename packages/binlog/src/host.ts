import type { Commit } from '@weir/sdk';
import type { TableBinding } from './binding.ts';
import type { LogFormat } from './log-format.ts';
import type { LogPosition } from './log-position.ts';
import type { MariadbGtidPosition } from './mariadb-gtid.ts';
import type { AlterPhase } from './mariadb-gtid-event.ts';
import type { MysqlGtidSet } from './mysql-gtid-set.ts';
import type { Payload } from './payload.ts';
import type { Statement } from './query-event.ts';
import type { TableMap } from './table-map.ts';
import type { TransactionBegin, TransactionEnd } from './transaction.ts';

/**
 * Who uses the decoder. A batch may be closed in any of these calls; what they throw, `decode` throws.
 */
export interface BinlogHost {
  /**
   * A table was announced that is not bound yet, in a transaction that is not left out. Null: its rows are left out, uncounted. `later`: the host has to find out
   * first; it calls `bind` before the next event.
   */
  tableMap(map: TableMap): TableBinding | null | 'later';
  /**
   * A transaction starts, or a statement that is one. Null: it was delivered before; its rows are left out, uncounted, and of
   * its statements nothing is heard.
   */
  begin(begin: TransactionBegin): Commit | null;
  /**
   * A statement that is not the begin or end of a transaction: a definition, or one whose rows the log does not have. One that
   * stands alone is heard between `begin` and `commit`, and afterwards every table is bound anew.
   */
  statement(statement: HeardStatement): void;
  /** A transaction ended, also one that was left out: a boundary, where a checkpoint may stand (invariant 3). */
  commit(end: TransactionEnd): void;
  /** Inflate these events and decode them one by one with `decodeInner`, before the next event; see `payloadEvents`. */
  payload(payload: Payload): void;
  /** The log goes on there. Also heard when a connection starts. */
  rotate?(position: LogPosition): void;
  /** Heard in front of the events of each file. */
  format?(format: LogFormat): void;
  /** What was committed before this file. */
  previousGtids?(gtids: MysqlGtidSet | MariadbGtidPosition): void;
  /** The server has nothing to send, and is at this place. */
  heartbeat?(position: LogPosition): void;
}

/** A statement and what is known of it. */
export interface HeardStatement extends Statement {
  /** Of an ALTER of two phases on MariaDB: only `commit` changes the table; null for others. */
  readonly alter: AlterPhase | null;
  /** It is part of a transaction that goes on; otherwise it stands alone. */
  readonly inTransaction: boolean;
}
