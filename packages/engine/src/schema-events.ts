import { tableName, type SchemaChange, type SchemaChangeKind, type SchemaPolicy } from '@weir/sdk';

/** How many a sink's status shows. */
const KEPT = 50;

/** What became of a schema change: its policy, or `stop_table` where `stop` ended only the table. */
export type SchemaAction = SchemaPolicy | 'stop_table';

/** One schema change and what became of it at a sink. */
export interface SchemaEvent {
  /** When, in ms since 1970: of the commit that made it durable, or of the stop. */
  readonly at: number;
  /** `namespace.name` */
  readonly table: string;
  readonly change: SchemaChangeKind;
  /** The column's name behind the change; null for a change of the whole table. */
  readonly column: string | null;
  readonly action: SchemaAction;
}

/** How often each kind of change had each outcome. */
export type SchemaTotals = Partial<Record<SchemaChangeKind, Partial<Record<SchemaAction, number>>>>;

interface Noted {
  readonly change: SchemaChange;
  readonly action: SchemaAction;
}

/** The schema changes of one sink, counted when they are durable: one that an attempt did not commit comes again. */
export class SchemaEvents {
  readonly #totals: SchemaTotals = {};
  readonly #recent: SchemaEvent[] = [];
  readonly #waiting: Noted[] = [];

  get totals(): SchemaTotals {
    return this.#totals;
  }

  /** The last ones, oldest first. */
  get recent(): readonly SchemaEvent[] {
    return this.#recent;
  }

  /** Counts with the next commit. */
  noted(change: SchemaChange, action: SchemaAction): void {
    this.#waiting.push({ change, action });
  }

  /** Counts at once: what ends an attempt is in no commit. */
  happened(change: SchemaChange, action: SchemaAction, at: number): void {
    const event = { at, table: tableName(change.table), change: change.change, column: columnOf(change), action };
    const totals = (this.#totals[event.change] ??= {});
    totals[action] = (totals[action] ?? 0) + 1;
    this.#recent.push(event);
    if (this.#recent.length > KEPT) this.#recent.shift();
  }

  /** Counts what the commit made durable, and returns it. @param at ms since 1970 */
  committed(at: number): Noted[] {
    const durable = this.#waiting.splice(0);
    for (const { change, action } of durable) this.happened(change, action, at);
    return durable;
  }

  abandoned(): void {
    this.#waiting.length = 0;
  }
}

/** The column that a change is about; null when it is about the whole table. */
export function columnOf(change: SchemaChange): string | null {
  return 'column' in change ? change.column : null;
}

/** A change in words: `column note was added`. */
export function describeChange(change: SchemaChange): string {
  switch (change.change) {
    case 'create':
      return change.reason === 'new' ? 'the table is new' : 'the table is copied again';
    case 'add':
      return `column ${change.column} was added`;
    case 'drop':
      return `column ${change.column} was dropped`;
    case 'rename':
      return `column ${change.from} was renamed to ${change.column}`;
    case 'widen':
      return `column ${change.column} has another type`;
    case 'key':
      return 'the key is another';
    case 'drop-table':
      return 'the table was dropped';
  }
}
