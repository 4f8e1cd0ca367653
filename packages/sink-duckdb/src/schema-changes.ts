import { WeirError, tableName, type Batch, type Column, type SchemaChange, type Table } from '@weir/sdk';
import { columnEncoder } from './column-encoders.ts';
import { NotFinite } from './encode.ts';
import { HistoryWriter } from './history-writer.ts';
import { heldAs } from './layout.ts';
import { Loader } from './loader.ts';
import { expectNone, type Problem } from './problem.ts';
import { ownColumns } from './shape-check.ts';
import { ShapeEdit } from './shape-edit.ts';
import type { SinkRules } from './sink-rules.ts';
import type { TargetTables } from './target-tables.ts';
import type { Target } from './target.ts';
import type { Transaction } from './transaction.ts';
import { columnType, namedType, type ColumnType } from './types.ts';
import { convertSql } from './widen.ts';

/** Applies the schema changes of a batch, before its rows and in the transaction of its rows. */
export class SchemaChanges {
  readonly #transaction: Transaction;
  readonly #tables: TargetTables;
  readonly #rules: SinkRules;
  /** Changes of one table's columns that are gathered to be made at once. */
  #open: { target: Target; edit: ShapeEdit; values: string[] } | null = null;

  constructor(transaction: Transaction, tables: TargetTables, rules: SinkRules) {
    this.#transaction = transaction;
    this.#tables = tables;
    this.#rules = rules;
  }

  async apply(batch: Batch): Promise<void> {
    const changes = batch.schemaChanges;
    for (let i = 0; i < changes.length; i++) {
      const change = changes[i]!;
      const previous = changes[i - 1];
      if (previous !== undefined && tableName(previous.table) !== tableName(change.table)) await this.#close();
      if (change.change === 'create' || change.change === 'drop-table') {
        await this.#close();
        await this.#applyWhole(change, batch);
      } else {
        await this.#applyColumn(change, changes.slice(i + 1));
      }
    }
    await this.#close();
  }

  async #applyWhole(change: SchemaChange & { change: 'create' | 'drop-table' }, batch: Batch): Promise<void> {
    const { table } = change;
    await this.#tables.clearStop(table);
    const appends = this.#rules.mode === 'append';
    if (change.change === 'drop-table') {
      if (!appends) await this.#tables.drop(table);
    } else if (appends && (change.reason ?? 'first') !== 'first' && (await this.#tables.find(table)) !== null) {
      await this.#goOn(table, batch);
    } else {
      await this.#tables.make(table);
    }
  }

  /** Keeps a history, for a table that starts empty once more. */
  async #goOn(table: Table, batch: Batch): Promise<void> {
    const target = (await this.#tables.find(table))!;
    const edit = new ShapeEdit(target);
    for (const column of [...table.columns, ...ownColumns(this.#rules)]) {
      const found = edit.find(column.name);
      if (found === undefined) edit.add(column.name, this.#typeOf(table, column).sql, null);
      else if (heldAs(column.type, found.sql, this.#rules) === null) this.#retype(edit, table, column);
    }
    await this.#tables.edit(target, edit);
    const writer = await this.#tables.writer(table);
    const position = batch.commits[0]?.position ?? batch.checkpoint?.position ?? '';
    if (writer instanceof HistoryWriter) await writer.writeTruncate({ time: 0, position, ordinal: 0 });
  }

  async #applyColumn(change: SchemaChange, later: readonly SchemaChange[]): Promise<void> {
    const { table } = change;
    if (change.change === 'key') return await this.#tables.flatten(table);
    if (change.change === 'drop') return;
    if (this.#open === null) {
      const target = await this.#tables.find(table);
      if (target === null)
        throw new WeirError('WEIR_DUCKDB_DIVERGED', `the table of ${tableName(table)} is gone`, { table: tableName(table) });
      this.#open = { target, edit: new ShapeEdit(target), values: [] };
    }
    const { edit } = this.#open;
    if (change.change === 'rename') {
      edit.rename(change.from, change.column);
    } else if (change.change === 'add') {
      const column = columnAfter(table, change.column, later);
      // Added and dropped again before any row had it.
      if (column !== undefined) await this.#add(edit, change.column, table, column, change.value);
    } else if (change.change === 'widen') {
      const column = columnAfter(table, change.column, later);
      if (column !== undefined && edit.find(change.column) !== undefined)
        this.#retype(edit, table, { ...column, name: change.column });
    }
  }

  /** Makes the changes that were gathered. */
  async #close(): Promise<void> {
    const open = this.#open;
    this.#open = null;
    if (open === null) return;
    await this.#tables.edit(open.target, open.edit);
    for (const value of open.values) await this.#transaction.run(`DROP TABLE ${value}`, 'changing a table');
  }

  async #add(edit: ShapeEdit, name: string, table: Table, column: Column, value: string | Uint8Array | null): Promise<void> {
    const type = this.#typeOf(table, column);
    if (value === null || this.#rules.mode === 'append') return edit.add(name, type.sql, null);
    const bytes = typeof value === 'string' ? Buffer.from(value) : value;
    try {
      edit.add(name, type.sql, await this.#loadValue(table, name, type, bytes));
    } catch (error) {
      if (!(error instanceof NotFinite) || this.#rules.decimals !== 'varchar') throw error;
      const text = namedType('VARCHAR')!;
      edit.add(name, text.sql, await this.#loadValue(table, name, text, bytes));
    }
  }

  /** Puts a canonical cell where SQL can read it, through the encoder that its column's rows go through (invariant 9). */
  async #loadValue(table: Table, name: string, type: ColumnType, data: Uint8Array): Promise<string> {
    const { connection, slots, slab } = this.#transaction;
    const value = { database: 'temp', schema: 'main', table: `weir_value_${this.#transaction.nextNumber()}` };
    await this.#transaction.run(`CREATE TEMP TABLE ${value.table} (value ${type.sql})`, `changing ${tableName(table)}`);
    const encoder = columnEncoder({ index: 0, name, type, table: tableName(table) }, slots);
    const loader = await Loader.open(connection, value, [{ encoder, part: 0 }], slots);
    try {
      const cells = slab.cells({ data, start: Int32Array.of(0), length: Int32Array.of(data.length) }, false);
      loader.append({ count: 1, parts: [{ cells, images: Int32Array.of(0) }], extra: [] });
      loader.flush();
    } finally {
      loader.close();
      slab.clear();
    }
    this.#open?.values.push(`temp.main.${value.table}`);
    return `(SELECT value FROM temp.main.${value.table})`;
  }

  #retype(edit: ShapeEdit, table: Table, column: Column): void {
    const from = namedType(edit.find(column.name)!.sql);
    const to = this.#typeOf(table, column);
    if (from?.sql === to.sql || (from !== null && heldAs(column.type, from.sql, this.#rules) !== null)) return;
    const convert = from === null ? null : convertSql(from, to);
    if (convert === null) {
      const found = edit.find(column.name)!.sql;
      const message = `${tableName(table)}.${column.name} is ${found} in DuckDB and cannot become ${to.sql}`;
      const fix = 'Copy the table again.';
      expectNone(table, [{ code: 'WEIR_SINK_COLUMN_TYPE', message, fix }]);
    } else {
      edit.retype(column.name, to.sql, convert);
    }
  }

  #typeOf(table: Table, column: Column): ColumnType {
    const type = columnType(column.type, this.#rules.decimals);
    if (type !== null) return type;
    const problem: Problem = {
      code: 'WEIR_SINK_TYPE',
      message: `${tableName(table)}.${column.name} is ${column.sourceType}, for which DuckDB has no type as configured`,
      path: column.type.kind === 'decimal' ? 'decimals' : undefined,
    };
    throw new WeirError(problem.code, problem.message, { table: tableName(table), path: problem.path });
  }
}

/**
 * A column by the name that it had right after a change. `table` is the shape then, or a later one, after renames.
 * Undefined when it was dropped again.
 */
function columnAfter(table: Table, name: string, later: readonly SchemaChange[]): Column | undefined {
  const found = table.columns.find((column) => column.name === name);
  if (found !== undefined) return found;
  let current = name;
  for (const change of later) {
    if (tableName(change.table) !== tableName(table)) continue;
    if (change.change === 'rename' && change.from === current) current = change.column;
    if (change.change === 'drop' && change.column === current) return undefined;
  }
  return table.columns.find((column) => column.name === current);
}
