import type { ZeroDates } from '@weir/binlog';
import { isChosen, parsePattern, type TableName, type TablePattern } from '@weir/sdk';
import { shapeOfState, type TableShape } from '../capture/table-shape.ts';
import type { TableState } from '../checkpoint-state.ts';

/** A table that is captured, at the place of the log where the stream is. */
export interface CapturedTable {
  readonly state: TableState;
  /** Null before its copy has begun: then its rows in the log are left out, whatever they look like. */
  readonly shape: TableShape | null;
}

/** What nobody means by a wildcard. */
const SYSTEM_SCHEMAS = new Set(['information_schema', 'mysql', 'performance_schema', 'sys']);

/** The captured tables, by name. */
export class CapturedTables {
  readonly zeroDates: ZeroDates;
  readonly #patterns: readonly TablePattern[];
  readonly #tables = new Map<string, CapturedTable>();
  #states: readonly TableState[] | null = null;

  constructor(states: readonly TableState[], patterns: readonly string[], zeroDates: ZeroDates) {
    this.zeroDates = zeroDates;
    this.#patterns = patterns.map(parsePattern);
    for (const state of states) this.put(state);
  }

  get all(): readonly CapturedTable[] {
    return [...this.#tables.values()];
  }

  /** For a checkpoint: the same array while nothing changed. */
  get states(): readonly TableState[] {
    this.#states ??= this.all.map(({ state }) => state);
    return this.#states;
  }

  get(table: TableName): CapturedTable | null {
    return this.#tables.get(idOf(table)) ?? null;
  }

  /** Whether the patterns choose a table. */
  chooses(table: TableName): boolean {
    return !SYSTEM_SCHEMAS.has(table.namespace) && isChosen(table, this.#patterns);
  }

  /** @param shape of the state, where it is there already */
  put(state: TableState, shape?: TableShape): CapturedTable {
    const isUnread = state.columns.length === 0;
    const table: CapturedTable = {
      state,
      shape: isUnread ? null : (shape ?? shapeOfState(state, this.zeroDates)),
    };
    this.#tables.set(idOf(state), table);
    this.#states = null;
    return table;
  }

  /** The state of a table goes on, and rows that are bound stay so. */
  update(table: CapturedTable, state: TableState): CapturedTable {
    const next = { ...table, state };
    this.#tables.set(idOf(state), next);
    this.#states = null;
    return next;
  }

  /** A table is to be copied, from nothing. */
  copyFromNothing({ namespace, name }: TableName, reason: TableState['reason']): CapturedTable {
    const version = (this.get({ namespace, name })?.state.version ?? 0) + 1;
    this.delete({ namespace, name });
    return this.put({ namespace, name, reason, version, columns: [], key: [], copy: { upTo: null, rows: 0 } });
  }

  delete(table: TableName): void {
    this.#tables.delete(idOf(table));
    this.#states = null;
  }
}

function idOf({ namespace, name }: TableName): string {
  return `${namespace}\0${name}`;
}
