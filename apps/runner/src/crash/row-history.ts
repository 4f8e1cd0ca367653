/** A row of a history as `mode: append` keeps it. */
export interface HistoryEvent {
  readonly op: string;
  readonly position: string;
  readonly ordinal: number;
  /** Of the row after the event, or of the one that is gone; empty for a truncate. */
  readonly key: string;
  /** Of the row before, where the source sent it. */
  readonly oldKey: string | null;
  /** Life and version, such as `12.3`. */
  readonly version: string;
  /** Digest of the body; null when it was not sent because it did not change. */
  readonly body: string | null;
}

/** What happened to a key at the source, in order. */
export interface KeyEvent {
  /** Life, version and digest of the body, such as `12.3 d41d…`, or `gone`. */
  readonly event: string;
  /** The row came from another key, with a body that the log leaves out. */
  readonly isMovedWhole: boolean;
}

/** How far a key is in what happened to it. */
interface Place {
  /** Events that the history has, or left out with a reason. */
  count: number;
  /** What comes next may leave events out: no copy has come by the key yet, or the log lacked the body of its row. */
  isOpen: boolean;
  /** The row, as `KeyEvent.event`; null when there is none. */
  row: string | null;
}

/**
 * Follows a table's history event by event, next to what happened at the source, and finds each event that is missing, there
 * twice, out of order, or not what the source wrote.
 *
 * Events may be left out where a copy stands for them: what happened to a key before the copy came by it, which then has the
 * row of that moment; and from where a row was moved to a key that was copied from one that was not, without its body, until
 * it was read once more.
 */
export class RowHistory {
  readonly #happened: ReadonlyMap<string, readonly KeyEvent[]>;
  readonly #places = new Map<string, Place>();

  constructor(happened: ReadonlyMap<string, readonly KeyEvent[]>) {
    this.#happened = happened;
  }

  /**
   * @param events in any order: position and ordinal order them
   * @returns the rows at the end, by key
   * @throws Error about the first event that does not fit
   */
  follow(events: readonly HistoryEvent[]): Map<string, string> {
    const ordered = events.toSorted(inOrder);
    for (const [i, event] of ordered.entries()) {
      const at = `${event.op} of ${event.key} at ${event.position}, ordinal ${event.ordinal}`;
      if (i > 0 && inOrder(ordered[i - 1]!, event) === 0) throw new Error(`${at}: there twice`);
      try {
        this.#take(event);
      } catch (error) {
        throw new Error(`${at}: ${(error as Error).message}\n${this.#around(event, ordered)}`, { cause: error });
      }
    }
    for (const key of this.#happened.keys()) this.#end(key);
    return new Map([...this.#places].flatMap(([key, { row }]) => (row === null ? [] : [[key, row]])));
  }

  #take(event: HistoryEvent): void {
    if (event.op === 'truncate') {
      for (const place of this.#places.values()) Object.assign(place, { isOpen: true, row: null });
      return;
    }
    const isNew = event.op === 'insert' || event.op === 'read';
    const oldKey = event.oldKey ?? event.key;
    const old = isNew ? null : this.#place(oldKey).row;
    if (!isNew && old === null) throw new Error('the row is not there');
    if (event.op === 'delete' || (!isNew && oldKey !== event.key)) {
      this.#next(oldKey, 'gone');
      this.#place(oldKey).row = null;
    }
    if (event.op === 'delete') return;
    const place = this.#place(event.key);
    if (place.row !== null && (isNew || oldKey !== event.key)) throw new Error(`there is a row: ${place.row}`);
    if (isNew && event.body === null) throw new Error('a row that begins lacks its body');
    const row = `${event.version} ${event.body ?? old!.split(' ')[1]!}`;
    if (place.row === null) this.#begin(event.key, row, event.op === 'read');
    else this.#next(event.key, row);
    place.row = row;
  }

  /** A row comes to be. One that is read stands for what happened before; any other follows on what the history has. */
  #begin(key: string, row: string, isRead: boolean): void {
    const place = this.#place(key);
    const happened = this.#happened.get(key) ?? [];
    const isOpen = place.isOpen || happened[place.count]?.isMovedWhole === true;
    if (!isOpen && isRead) throw new Error('nobody had to read it');
    if (!isOpen) return this.#next(key, row);
    const from = isRead ? Math.max(place.count - 1, 0) : place.count;
    const found = happened.findIndex(({ event }, index) => index >= from && event === row);
    if (found === -1) throw new Error(`${row} was never next`);
    const isFirst = found === 0 || happened[found - 1]!.event === 'gone';
    if (!isRead && !isFirst) throw new Error(`what came before ${row} is missing`);
    place.count = found + 1;
    place.isOpen = false;
  }

  #next(key: string, event: string): void {
    const place = this.#place(key);
    const next = this.#happened.get(key)?.[place.count]?.event ?? 'nothing';
    if (next !== event) throw new Error(`${event} of ${key} where ${next} was next`);
    place.count++;
  }

  #end(key: string): void {
    const { count, isOpen, row } = this.#place(key);
    const happened = this.#happened.get(key)!;
    const isLeftOut = row === null && happened.at(-1)!.event === 'gone' && (isOpen || happened[count]?.isMovedWhole === true);
    if (count === happened.length || isLeftOut) return;
    throw new Error(`of ${key} the last ${happened.length - count} events are missing: ${happened[count]!.event} was next`);
  }

  #place(key: string): Place {
    const place = this.#places.get(key) ?? { count: 0, isOpen: true, row: null };
    this.#places.set(key, place);
    return place;
  }

  /** What there is about the keys of an event, for whoever looks for the reason. */
  #around({ key, oldKey, position }: HistoryEvent, ordered: readonly HistoryEvent[]): string {
    const keys = new Set([key, oldKey ?? key]);
    const isAbout = (event: HistoryEvent): boolean => event.op === 'truncate' || keys.has(event.key) || keys.has(event.oldKey ?? '');
    const until = ordered.filter((event) => isAbout(event) && event.position <= position).slice(-12);
    const lines = until.map((event) => `  ${event.position} ${event.ordinal} ${event.op} ${event.oldKey ?? ''} → ${event.key} ${event.version}`);
    const happened = [...keys].map((each) => {
      const { count, isOpen } = this.#place(each);
      const events = (this.#happened.get(each) ?? []).map(({ event, isMovedWhole }) => event.slice(0, 14) + (isMovedWhole ? ' (moved)' : ''));
      return `  ${each}, ${count} of them${isOpen ? ', open' : ''}: ${events.slice(Math.max(0, count - 5), count + 10).join(', ')}`;
    });
    return ['the history', ...lines, 'the source', ...happened].join('\n');
  }
}

function inOrder(a: HistoryEvent, b: HistoryEvent): number {
  if (a.position !== b.position) return a.position < b.position ? -1 : 1;
  return a.ordinal - b.ordinal;
}
