import { setImmediate } from 'node:timers/promises';
import { systemClock, type RowValues, type Source, type Table } from '@weir/sdk';
import { PrunedLog, type LoggedChange } from './pruned-log.ts';
import { PruningSource } from './pruning-source.ts';
import { nullable, withColumn, withRenamed, withoutColumn } from './sink-contract-tables.ts';
import { valueCases, valuesTable } from './sink-contract-values.ts';
import type { Change, ShapeStatement, SourceEnvironment, TypeCase } from './source-driver.ts';

const firstItems: Table = {
  namespace: 'public',
  name: 'items',
  version: 1,
  key: [0],
  columns: [
    nullable('id', { kind: 'int', bits: 32 }),
    nullable('label', { kind: 'string' }),
    nullable('large', { kind: 'string' }),
  ],
};
const types: Table = { ...valuesTable(valueCases), name: 'types' };

/** Every value that the sinks' contract knows. */
export const typeCases: readonly TypeCase[] = valueCases.map(({ name, type, cells }) => ({ column: name, type, cells }));

/** The items as of some statement, and what the log says of the statements so far. */
class Draft {
  table: Table;
  readonly items: Map<number, RowValues>;
  readonly defaults: Map<string, string | null>;
  readonly changes: LoggedChange[] = [];

  constructor(table: Table, items: ReadonlyMap<number, RowValues>, defaults: ReadonlyMap<string, string | null>) {
    this.table = table;
    this.items = new Map(items);
    this.defaults = new Map(defaults);
  }

  apply(change: Change | ShapeStatement): void {
    switch (change.op) {
      case 'insert':
        this.#insert(change.id, { label: change.label, large: change.large ?? null });
        break;
      case 'insertRow':
        this.#insert(change.id, change.values);
        break;
      case 'update': {
        const { op: _, id, ...values } = change;
        this.#update(id, values);
        break;
      }
      case 'updateRow':
        this.#update(change.id, change.values);
        break;
      case 'changeKey':
        this.#move(change.id, change.to);
        break;
      case 'delete':
        this.changes.push({ op: 'delete', table: this.table, before: this.items.get(change.id)! });
        this.items.delete(change.id);
        break;
      case 'truncate':
        this.changes.push({ op: 'truncate', table: this.table });
        this.items.clear();
        break;
      default:
        this.#reshape(change);
    }
  }

  #insert(id: number, values: RowValues): void {
    const after = { id, ...Object.fromEntries(this.defaults), ...values };
    this.items.set(id, after);
    this.changes.push({ op: 'insert', table: this.table, after });
  }

  #update(id: number, values: RowValues): void {
    const after = { ...this.items.get(id)!, ...values };
    this.items.set(id, after);
    this.changes.push({ op: 'update', table: this.table, after });
  }

  #move(id: number, to: number): void {
    const after = { ...this.items.get(id)!, id: to };
    this.items.delete(id);
    this.items.set(to, after);
    this.changes.push({ op: 'update', table: this.table, after, before: { id } });
  }

  #reshape(statement: Exclude<ShapeStatement, { op: 'insertRow' | 'updateRow' }>): void {
    const { column } = statement;
    if (statement.op === 'addColumn') {
      const { value } = statement;
      this.table = withColumn(this.table, nullable(column, { kind: 'string' }));
      this.defaults.set(column, value);
      this.#eachItem((item) => ({ ...item, [column]: value }));
      this.changes.push({ op: 'schema', change: { table: this.table, change: 'add', column, value } });
    } else if (statement.op === 'dropColumn') {
      this.table = withoutColumn(this.table, column);
      this.defaults.delete(column);
      this.changes.push({ op: 'schema', change: { table: this.table, change: 'drop', column } });
    } else {
      const { from } = statement;
      this.table = withRenamed(this.table, from, column);
      this.#eachItem(({ [from]: value, ...item }) => ({ ...item, [column]: value! }));
      this.changes.push({ op: 'schema', change: { table: this.table, change: 'rename', column, from } });
    }
  }

  #eachItem(change: (item: RowValues) => RowValues): void {
    for (const [id, item] of this.items) this.items.set(id, change(item));
  }
}

/** A database in memory for the contract of sources, read by a {@link PruningSource}. */
export class PruningEnvironment implements SourceEnvironment {
  readonly log: PrunedLog = new PrunedLog([firstItems], systemClock);
  #draft = new Draft(firstItems, new Map(), new Map());
  /** Bytes that each transaction takes in the log, the first at 1. */
  readonly #bytes: number[] = [0];

  source(): Source {
    return new PruningSource({
      log: this.log,
      clock: systemClock,
      copies: true,
      rowsPerBatch: 8000,
      transactionsPerBatch: 100,
    });
  }

  async apply(changes: readonly (Change | ShapeStatement)[], end: 'commit' | 'rollback' = 'commit'): Promise<void> {
    // Others come to their turn, as when a server answers.
    await setImmediate();
    const draft = new Draft(this.#draft.table, this.#draft.items, this.#draft.defaults);
    for (const change of changes) draft.apply(change);
    if (end === 'rollback') return;
    this.#draft = draft;
    this.#commit(draft.changes, 100 * changes.length);
  }

  async fill(first: number, count: number, label: string): Promise<void> {
    await this.apply(Array.from({ length: count }, (_, i) => ({ op: 'insert', id: first + i, label })));
  }

  async createTypes(): Promise<void> {
    this.#commit([{ op: 'schema', change: { table: types, change: 'create', reason: 'new' } }], 100);
    await this.insertTypes();
  }

  async insertTypes(): Promise<void> {
    const rows = Math.max(...valueCases.map(({ cells }) => cells.length));
    const changes: LoggedChange[] = [{ op: 'truncate', table: types }];
    for (let row = 0; row < rows; row++) {
      const values = valueCases.map(({ name, cells }) => [name, cells[row] ?? null] as const);
      changes.push({ op: 'insert', table: types, after: { id: row + 1, ...Object.fromEntries(values) } });
    }
    this.#commit(changes, 100 * rows);
    await setImmediate();
  }

  async otherActivity(): Promise<void> {
    this.#commit([], 8 << 20);
    await setImmediate();
  }

  async retainedBytes(): Promise<number> {
    return this.#bytes.slice(this.log.forgotten + 1).reduce((sum, bytes) => sum + bytes, 0);
  }

  async disconnect(): Promise<void> {
    this.log.disconnect();
    await setImmediate();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.disconnect();
  }

  #commit(changes: readonly LoggedChange[], bytes: number): void {
    this.log.commit(changes);
    this.#bytes.push(bytes);
  }
}
