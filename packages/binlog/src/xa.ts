import type { LogPosition } from './log-position.ts';
import type { Gtid } from './transaction.ts';

/** A step of an XA transaction. */
export interface XaStep {
  /** `X'…',X'…',format`, lower-case hexadecimal. */
  readonly xid: string;
  /** Of the step itself: PREPARE and COMMIT have one each. */
  readonly gtid: Gtid | null;
  /** Where the log goes on behind it: a boundary, of a PREPARE or a ROLLBACK. */
  readonly end: LogPosition;
}

/**
 * Who keeps the rows of XA transactions: the log has them at their PREPARE, and whether they count at a COMMIT or ROLLBACK that
 * may come much later, under another GTID. What was prepared is to be kept durably, since it is not sent again.
 */
export interface XaHost {
  /** Events of this one follow, up to `prepare`, `commit` or `rollback`. */
  start(step: XaStep): void;
  /** An event of it, `writer.data[start, end)`: copy it. It goes back into `decodeInner` in a replay as it is. */
  keep(start: number, end: number): void;
  /** It is complete, and open still. */
  prepare(step: XaStep): void;
  /** Replay what is kept, before the next event: `beginReplay`, `decodeInner` for each, `commitReplay`. */
  commit(step: XaStep): void;
  /** Forget what is kept of it. */
  rollback(step: XaStep): void;
}
