import { schemaPolicies, tableName, type Column, type SchemaChange, type SchemaPolicies, type Table } from '@weir/sdk';
import { commitOf, type LoggedChange, type PrunedLog } from '@weir/testkit';
import type { Dice } from './random-changes.fake.ts';
import { customers, orders } from './world.fake.ts';

const MOST_KEY = 8;
const MOST_COLUMNS = 5;

/** A table that comes and goes. */
const visits: Table = { ...orders, name: 'visits' };

/** A row with this label is one that a sink may refuse. */
export const POISON = 'poison';

/** One event of a table, as a sink is to have it. */
export interface TableEvent {
  /** The number of its transaction. */
  readonly transaction: number;
  /** The change's kind, or `row`. */
  readonly kind: SchemaChange['change'] | 'row';
  /** All that a sink sees of it. */
  readonly text: string;
}

/** How a sink sees a change of shape: its transaction, what it is, and the columns behind it. */
export function shapeText(position: string, change: SchemaChange): string {
  const column = 'column' in change ? change.column : '';
  return `${position} ${change.change} ${column} of ${columnsOf(change.table)}`;
}

/** How a sink sees a row: its place, the columns of its table, and its label. */
export function rowText(position: string, ordinal: number, table: Table, key: string): string {
  return `${position} ${ordinal} ${key} of ${columnsOf(table)}`;
}

function columnsOf({ columns }: Table): string {
  return columns.map(({ name }) => name).join();
}

/** Commits random transactions of rows and of changes of shape between them, and knows what each table saw. */
export class RandomShapes {
  readonly #dice: Dice;
  readonly #log: PrunedLog;
  readonly #tables = new Map<string, { table: Table; readonly keys: Set<number> }>();
  readonly #events = new Map<string, TableEvent[]>();
  #left: number;
  #names = 0;
  #ordinal = 0;

  constructor(dice: Dice, log: PrunedLog, left: number) {
    this.#dice = dice;
    this.#log = log;
    this.#left = left;
    for (const table of [orders, customers]) this.#tables.set(tableName(table), { table, keys: new Set() });
  }

  /** Everything that happened to each table, in order. */
  get events(): ReadonlyMap<string, readonly TableEvent[]> {
    return this.#events;
  }

  commit(transactions: number): void {
    const dice = this.#dice;
    for (let i = Math.min(transactions, this.#left); i > 0; i--, this.#left--) {
      this.#ordinal = 0;
      this.#log.commit(dice.times(dice.chance(0.2) ? dice.between(6, 14) : dice.upTo(4), () => this.#change()));
    }
  }

  commitRest(): void {
    this.commit(this.#left);
  }

  #change(): LoggedChange {
    const dice = this.#dice;
    const name = dice.oneOf([...this.#tables.keys()]);
    if (dice.chance(0.25)) {
      const change = dice.chance(0.3) ? this.#comeOrGo() : this.#reshape(this.#tables.get(name)!.table);
      if (change !== null) return this.#logged(change);
    }
    return this.#row(name);
  }

  #comeOrGo(): SchemaChange {
    return this.#tables.has(tableName(visits))
      ? { table: this.#tables.get(tableName(visits))!.table, change: 'drop-table' }
      : { table: visits, change: 'create', reason: 'new' };
  }

  #reshape(before: Table): SchemaChange | null {
    const dice = this.#dice;
    const own = before.columns.slice(2);
    const after = (columns: readonly Column[]): Table => ({ ...before, version: before.version + 1, columns });
    const added: Column = { ...before.columns[1]!, name: `c${++this.#names}` };
    const kind = dice.oneOf(['add', 'add', 'drop', 'rename', 'widen'] as const);
    if (kind === 'widen') return { table: after(before.columns), change: 'widen', column: 'label' };
    if (kind === 'add') {
      if (before.columns.length >= MOST_COLUMNS) return null;
      const value = dice.chance(0.5) ? 'default' : null;
      return { table: after([...before.columns, added]), change: 'add', column: added.name, value };
    }
    if (own.length === 0) return null;
    const { name } = dice.oneOf(own);
    const others = before.columns.filter((column) => column.name !== name);
    if (kind === 'drop') return { table: after(others), change: 'drop', column: name };
    const renamed = before.columns.map((column) => (column.name === name ? added : column));
    return { table: after(renamed), change: 'rename', column: added.name, from: name };
  }

  #logged(change: SchemaChange): LoggedChange {
    const name = tableName(change.table);
    if (change.change === 'drop-table') this.#tables.delete(name);
    else this.#tables.set(name, { table: change.table, keys: this.#tables.get(name)?.keys ?? new Set() });
    const text = shapeText(this.#position, change);
    this.#saw(name, { transaction: this.#number, kind: change.change, text });
    return { op: 'schema', change };
  }

  #row(name: string): LoggedChange {
    const dice = this.#dice;
    const { table, keys } = this.#tables.get(name)!;
    const id = dice.upTo(MOST_KEY);
    const label = dice.chance(0.04) ? POISON : `label ${dice.upTo(9)}`;
    const text = rowText(this.#position, ++this.#ordinal, table, String(id));
    this.#saw(name, { transaction: this.#number, kind: 'row', text });
    if (!keys.has(id)) {
      keys.add(id);
      return { op: 'insert', table, after: { id, label } };
    }
    if (dice.chance(0.3)) {
      keys.delete(id);
      return { op: 'delete', table, before: { id } };
    }
    return { op: 'update', table, after: { id, label } };
  }

  get #number(): number {
    return this.#log.head + 1;
  }

  get #position(): string {
    return commitOf(this.#number);
  }

  #saw(name: string, event: TableEvent): void {
    const events = this.#events.get(name) ?? [];
    this.#events.set(name, events);
    events.push(event);
  }
}

/** Mostly `apply`. */
export function randomPolicies(dice: Dice): SchemaPolicies {
  const kinds = ['create', 'add', 'drop', 'rename', 'widen', 'drop-table'] as const;
  const chosen = kinds.map((kind) => [kind, dice.oneOf(['apply', 'apply', 'ignore', 'stop'] as const)] as const);
  return { ...schemaPolicies('apply'), ...(dice.chance(0.6) ? Object.fromEntries(chosen) : {}) };
}
