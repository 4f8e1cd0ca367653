import type { Position, StopReason } from '@weir/sdk';

/** A table as `SinkSession.stopTable` takes it. */
export interface StoppedTable {
  readonly namespace: string;
  readonly name: string;
}

/** Why and where a table failed. */
interface FailurePlace {
  /** What was thrown. */
  readonly error: unknown;
  readonly reason: StopReason;
  /** The end of the batch that failed. */
  readonly at: Position;
  /** It is in a copy of the table, which is made again until it is done. */
  isCopied: boolean;
}

/** A table that failed in this process. */
interface Failure extends FailurePlace {
  readonly table: StoppedTable;
  /** How often it failed in this process. */
  readonly times: number;
  /** The sink has committed the mark. */
  isDurable: boolean;
  /** What leads to the failure may be read again: a `create` is then no new start. */
  isOpen: boolean;
  /** The copy's last chunk went by, and is not committed yet. */
  isCopyEnding: boolean;
}

/**
 * The tables that are stopped at one sink; outlives the attempts of its pipeline.
 *
 * The sink's marks are the truth (invariant 4): they are read when it is opened. A failure of this process comes before
 * its mark is durable, and is remembered here until the stretch of the log that leads to it is committed. Until then a
 * `create` in that stretch is the one that led to the failure, and not a new start: taking the mark away for it would
 * begin the same failure again, without an end where two tables fail.
 */
export class TableStops {
  readonly #stopped = new Map<string, StopReason>();
  readonly #failures = new Map<string, Failure>();

  get all(): ReadonlyMap<string, StopReason> {
    return this.#stopped;
  }

  /** Failures whose mark the sink does not have for sure: the next session is given it before any batch. */
  get unmarked(): readonly { readonly table: StoppedTable; readonly reason: StopReason }[] {
    return Array.from(this.#failures.values()).filter(({ isDurable }) => !isDurable);
  }

  /** A session is open, and these are its marks. Returns those that are news. */
  opened(marks: ReadonlyMap<string, StopReason>): [string, StopReason][] {
    const news = Array.from(marks).filter(([name]) => !this.#stopped.has(name));
    this.#stopped.clear();
    for (const [name, reason] of marks) this.#stopped.set(name, reason);
    return news;
  }

  /** The session has been given a mark. */
  marked(name: string, reason: StopReason): void {
    this.#stopped.set(name, reason);
  }

  /** A table failed: it is to be stopped with the next attempt. */
  failed(name: string, table: StoppedTable, place: FailurePlace): void {
    const times = (this.#failures.get(name)?.times ?? 0) + 1;
    this.#failures.set(name, { ...place, table, times, isDurable: false, isOpen: true, isCopyEnding: false });
  }

  /** The table that this error stops, and how often it failed in this process; null when the error is about all. */
  stoppedBy(error: unknown): { readonly name: string; readonly times: number } | null {
    for (const [name, failure] of this.#failures) if (failure.error === error) return { name, times: failure.times };
    return null;
  }

  /**
   * Whether a `create` at a position is one that led to a failure, so that the table stays stopped.
   * @param isCopied a copy of the table follows
   */
  holdsBack(name: string, position: Position, isCopied: boolean): boolean {
    const failure = this.#failures.get(name);
    if (failure === undefined || !failure.isOpen) return false;
    if (!failure.isCopied && !isCopied && position > failure.at) return false;
    failure.isCopied ||= isCopied;
    return true;
  }

  /** A `create` starts the table again. */
  started(name: string): void {
    this.#stopped.delete(name);
  }

  /** A chunk of a stopped table goes by. */
  passed(name: string, isLast: boolean): void {
    const failure = this.#failures.get(name);
    if (failure === undefined) return;
    failure.isOpen = true;
    failure.isCopied = true;
    failure.isCopyEnding = isLast;
  }

  committed(position: Position): void {
    for (const [name, failure] of this.#failures) {
      failure.isDurable = true;
      const isCopying = failure.isCopied && !failure.isCopyEnding;
      failure.isOpen = this.#stopped.has(name) && (isCopying || (!failure.isCopied && position < failure.at));
      failure.isCopied &&= failure.isOpen;
    }
  }

  abandoned(): void {
    for (const failure of this.#failures.values()) failure.isCopyEnding = false;
  }
}
