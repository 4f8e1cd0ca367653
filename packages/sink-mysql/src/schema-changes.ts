import { WeirError, tableName, type Column, type SchemaChange, type Table } from '@weir/sdk';
import {
  MARK,
  extraColumns,
  foreignTable,
  isOptional,
  keyNames,
  nameText,
  refuse,
  shapeFindings,
  sharedTarget,
  type Dialect,
  type Doing,
  type QualifiedName,
  type Registry,
  type ShapeChanges,
  type TableOptions,
} from '@weir/sql-sink';
import { addColumnSql, createSql, hasOtherKey, isAsCreated, keyActions, modifyColumnSql } from './alter-sql.ts';
import { cellLiteral, columnEncoder } from './column-encoders.ts';
import { columnType, type TypeRules } from './column-type.ts';
import type { TargetTable } from './inspect-target.ts';
import { identifier, qualified } from './sql-text.ts';
import type { TableCopies } from './table-copies.ts';
import type { TargetShapes } from './target-shapes.ts';
import type { Transaction } from './transaction.ts';

/** A table of more rows is not emptied row by row, but another takes its place. */
const EMPTIED_ROWS = 100_000;

export interface ShapeTools {
  readonly dialect: Dialect;
  readonly transaction: Transaction;
  readonly registry: Registry;
  readonly shapes: TargetShapes;
  readonly copies: TableCopies;
  /** Whether the open transaction has read or written a target's rows: then it waits for no DDL on the table. */
  readonly isTouched: (target: QualifiedName) => boolean;
}

/**
 * Applies changes of shape. DDL of MySQL commits by itself, so that a table of the target is only added to before the
 * checkpoint; what else a change takes is done to a table that takes the target's place, or behind the commit: see
 * `ShapeSteps`. Until then `TargetShapes` tells what the table will be.
 */
export class SchemaChanges implements ShapeChanges {
  readonly #tools: ShapeTools;
  readonly #options: TableOptions;
  readonly #rules: TypeRules;

  constructor(tools: ShapeTools, options: TableOptions, rules: TypeRules) {
    this.#tools = tools;
    this.#options = options;
    this.#rules = rules;
  }

  /**
   * What a table at the sink is like, if it was made for this table of the source.
   * @throws WeirError WEIR_MYSQL_TABLE_EXISTS, WEIR_SINK_NAME_COLLISION, WEIR_MYSQL_DIVERGED
   */
  async find(table: Table, target: QualifiedName): Promise<TargetTable> {
    const found = await this.#find(table, target);
    if (found !== null) return found;
    const message = `${nameText(target)}, where ${tableName(table)} is mirrored, is gone`;
    throw new WeirError('WEIR_MYSQL_DIVERGED', message, { table: tableName(table) });
  }

  /**
   * Starts a table. A mirror starts empty; a history that is not the pipeline's first goes on.
   * @returns true when a history goes on, so that it has to be told
   */
  async create(change: SchemaChange & { readonly change: 'create' }, target: QualifiedName): Promise<boolean> {
    const { table } = change;
    refuse(table, shapeFindings(this.#tools.dialect, table, target, this.#options));
    const found = await this.#find(table, target);
    const goesOn = found !== null && this.#options.mode === 'append' && (change.reason ?? 'first') !== 'first';
    if (goesOn) await this.#complete(table, target, found);
    else await this.#make(table, target, found);
    await this.#tools.registry.register(table, target);
    return goesOn;
  }

  /** Applies any other change. A history keeps what it has, and knows no key. */
  async alter(change: SchemaChange, target: QualifiedName): Promise<void> {
    const { table } = change;
    if (change.change === 'create') throw new WeirError('WEIR_SDK_USE', 'a table is not created by altering it');
    if (change.change === 'drop-table') return await this.#dropTable(table, target);
    refuse(table, shapeFindings(this.#tools.dialect, table, target, this.#options));
    const found = await this.find(table, target);
    switch (change.change) {
      case 'add':
        return await this.#add(table, target, found, columnOf(table, change.column), this.#isHistory ? null : change.value);
      case 'drop':
        return await this.#keep(table, target, found, change.column);
      case 'rename':
        return this.#rename(change, target, found);
      case 'widen':
        return await this.#widen(table, target, found, change.column);
      case 'key':
        if (!this.#isHistory && hasOtherKey(table, found, this.#options)) await this.#rekey(table, target, found);
    }
  }

  get #isHistory(): boolean {
    return this.#options.mode === 'append';
  }

  /** A column that was dropped and comes again is a new one: the kept one goes. */
  async #add(table: Table, target: QualifiedName, found: TargetTable, column: Column, value: Uint8Array | string | null): Promise<void> {
    const { copies } = this.#tools;
    const kept = found.columns.find(({ name }) => name === column.name);
    const add = addColumnSql(table, column, this.#options, this.#rules);
    const cell = value === null ? null : this.#literal(table, column, value);
    const at = altering(table);
    if (kept === undefined && !this.#tools.shapes.has(target) && !this.#tools.isTouched(target)) {
      const modify = modifyColumnSql(table, column, this.#options, this.#rules);
      return await copies.addInPlace(target, add, cell, modify, at);
    }
    const actions = kept === undefined ? [add] : [`DROP COLUMN ${identifier(column.name)}`, add];
    const values = new Map([[column.name, cell ?? Buffer.from('NULL')]]);
    await copies.reshape(target, found, actions, at, { values });
  }

  /** The column stays, and may be NULL already unless it was in the key. */
  async #keep(table: Table, target: QualifiedName, found: TargetTable, name: string): Promise<void> {
    const isKey = found.indexes.some(({ primary, columns }) => primary && columns?.includes(name) === true);
    const column = found.columns.find((other) => other.name === name);
    if (isKey && !this.#isHistory) return await this.#rekey(table, target, found);
    if (column?.notNull !== true) return;
    const nullable = `MODIFY COLUMN ${identifier(name)} ${column.type} NULL`;
    await this.#tools.copies.reshape(target, found, [nullable], altering(table), {});
  }

  #rename(change: SchemaChange & { readonly change: 'rename' }, target: QualifiedName, found: TargetTable): void {
    const { table, column, from } = change;
    const has = (wanted: string): boolean => found.columns.some(({ name }) => name === wanted);
    // A sink that was ahead is told once more, where no row of the log says when the change was.
    if (!has(from) && has(column)) return;
    if (!has(from)) {
      const missing = table.columns.find(({ name }) => name === column) ?? table.columns[0]!;
      // It was left out when it was added, and stays so.
      if (isOptional(table, missing, this.#options)) return;
      const message = `${nameText(target)} has no column ${from}, which is now called ${column}`;
      throw new WeirError('WEIR_SINK_COLUMN_MISSING', message, { table: tableName(table) });
    }
    if (has(column)) this.#tools.shapes.dropColumn(target, column);
    this.#tools.shapes.renameColumn(target, from, column);
  }

  async #widen(table: Table, target: QualifiedName, found: TargetTable, name: string): Promise<void> {
    const there = found.columns.find((other) => other.name === name);
    // It was left out when it was added.
    if (there === undefined) return;
    const column = columnOf(table, name);
    const { sql } = columnType(table, column, keyNames(table, this.#options), this.#rules);
    if (there.type === sql) return;
    const modify = modifyColumnSql(table, column, this.#options, this.#rules);
    await this.#tools.copies.reshape(target, found, [modify], altering(table), {});
  }

  /**
   * Gives the table another key, or none. Marked rows are in the way when the new key cannot tell them from others: of those
   * the one that was deleted last stays, or none beside a row that is there.
   */
  async #rekey(table: Table, target: QualifiedName, found: TargetTable): Promise<void> {
    const key = keyNames(table, this.#options);
    const actions = keyActions(table, found, this.#options, this.#rules);
    const isSoft = this.#options.deletes === 'soft' && key.length > 0;
    await this.#tools.copies.reshape(target, found, actions, altering(table), isSoft ? { distinct: { key, mark: MARK } } : {});
  }

  async #dropTable(table: Table, target: QualifiedName): Promise<void> {
    if (this.#isHistory) return;
    const found = await this.#find(table, target);
    if (found !== null) this.#tools.shapes.drop(target);
    await this.#tools.registry.forget(table);
  }

  async #make(table: Table, target: QualifiedName, found: TargetTable | null): Promise<void> {
    const { shapes, copies, transaction } = this.#tools;
    const at = making(table, target);
    if (found === null || !isAsCreated(table, found, this.#options, this.#rules)) {
      await copies.makeDatabase(target.schema, at);
      return await copies.make(target, (place) => createSql(table, place, this.#options, this.#rules), at);
    }
    // What people made of it (indexes, grants) stays.
    if (found.rows > EMPTIED_ROWS && !shapes.has(target)) {
      return await copies.make(target, (place) => `CREATE TABLE ${qualified(place)} LIKE ${qualified(target)}`, at);
    }
    await transaction.run(`DELETE FROM ${qualified(found.place)}`, at);
  }

  /** Adds to a history what it lacks of the table's columns. What has another type is for a person to rename. */
  async #complete(table: Table, target: QualifiedName, found: TargetTable): Promise<void> {
    const there = new Set(found.columns.map(({ name }) => name));
    for (const column of [...table.columns, ...extraColumns(this.#options)]) {
      if (there.has(column.name)) continue;
      await this.#add(table, target, await this.find(table, target), column, null);
    }
  }

  /** What is under the target's name; null when there is nothing. */
  async #find(table: Table, target: QualifiedName): Promise<TargetTable | null> {
    const { shapes, registry, transaction } = this.#tools;
    const found = await shapes.inspect((sql) => transaction.run(sql, altering(table)), target);
    const owner = await registry.owner(table, target);
    if (owner === 'own') return found;
    if (typeof owner === 'object') refuse(table, [sharedTarget(table, target, owner.source)]);
    if (found !== null) refuse(table, [foreignTable(this.#tools.dialect, table, target)]);
    return null;
  }

  #literal(table: Table, column: Column, value: Uint8Array | string): Buffer {
    const { encoding } = columnType(table, column, keyNames(table, this.#options), this.#rules);
    // In a statement that the server keeps, bytes are digits.
    if (encoding.kind === 'bytes') return Buffer.from(`x'${Buffer.from(value).toString('hex')}'`);
    return cellLiteral(columnEncoder(encoding, table, column.name), value);
  }
}

function columnOf(table: Table, name: string): Column {
  const column = table.columns.find((other) => other.name === name);
  if (column !== undefined) return column;
  throw new WeirError('WEIR_SDK_USE', `a change adds ${name} to ${tableName(table)}, which does not have it`);
}

function altering(table: Table): Doing {
  return { doing: `altering the table of ${tableName(table)}`, table };
}

function making(table: Table, target: QualifiedName): Doing {
  return { doing: `making ${nameText(target)}`, table };
}
