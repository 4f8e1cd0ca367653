import { WeirError, tableName, type SchemaChange, type Table } from '@weir/sdk';
import {
  extraColumns,
  foreignTable,
  isOptional,
  nameText,
  refuse,
  shapeFindings,
  sharedTarget,
  type Doing,
  type QualifiedName,
  type Registry,
  type ShapeChanges,
  type TableOptions,
} from '@weir/sql-sink';
import { addColumnSql, createSql, isAsCreated, keepColumnSql, keySql } from './alter-sql.ts';
import { dialect } from './dialect.ts';
import { inspectTarget, type TargetTable } from './inspect-target.ts';
import { identifier, literal, qualified } from './sql-text.ts';
import type { Transaction } from './transaction.ts';
import { columnType } from './types.ts';

/** Applies changes of shape to the tables at the sink, within the session's transaction. */
export class SchemaChanges implements ShapeChanges {
  readonly #transaction: Transaction;
  readonly #registry: Registry;
  readonly #options: TableOptions;

  constructor(transaction: Transaction, registry: Registry, options: TableOptions) {
    this.#transaction = transaction;
    this.#registry = registry;
    this.#options = options;
  }

  /**
   * What a table at the sink is like, if it was made for this table of the source.
   * @throws WeirError WEIR_PG_TABLE_EXISTS, WEIR_SINK_NAME_COLLISION, WEIR_PG_DIVERGED
   */
  async find(table: Table, target: QualifiedName): Promise<TargetTable> {
    const found = await this.#find(table, target);
    if (found !== null) return found;
    const message = `${nameText(target)}, where ${tableName(table)} is mirrored, is gone`;
    throw new WeirError('WEIR_PG_DIVERGED', message, { table: tableName(table) });
  }

  /**
   * Starts a table. A mirror starts empty; a history that is not the pipeline's first goes on.
   * @returns true when a history goes on, so that it has to be told
   */
  async create(change: SchemaChange & { readonly change: 'create' }, target: QualifiedName): Promise<boolean> {
    const { table } = change;
    refuse(table, shapeFindings(dialect, table, target, this.#options));
    const found = await this.#find(table, target);
    const goesOn = found !== null && this.#options.mode === 'append' && (change.reason ?? 'first') !== 'first';
    if (goesOn) await this.#complete(table, target, found);
    else await this.#make(table, target, found);
    await this.#registry.register(table, target);
    return goesOn;
  }

  /** Applies any other change. A history keeps what it has, and knows no key. */
  async alter(change: SchemaChange, target: QualifiedName): Promise<void> {
    const { table } = change;
    if (change.change === 'create') throw new WeirError('WEIR_SDK_USE', 'a table is not created by altering it');
    if (change.change === 'drop-table') return await this.#dropTable(table, target);
    refuse(table, shapeFindings(dialect, table, target, this.#options));
    const found = await this.find(table, target);
    const statements = this.#statements(change, target, found);
    if (statements.length > 0) await this.#transaction.run(statements.join('; '), altering(table));
  }

  #statements(change: SchemaChange, target: QualifiedName, found: TargetTable): string[] {
    switch (change.change) {
      case 'add':
        return this.#add(change, target, found);
      case 'drop':
        return keepColumnSql(target, found, change.column);
      case 'rename':
        return this.#rename(change, target, found);
      case 'widen':
        return widenSql(change.table, target, found, change.column);
      case 'key':
        return this.#options.mode === 'append' ? [] : keySql(change.table, target, found, this.#options);
      case 'create':
      case 'drop-table':
        return [];
    }
  }

  /** A column that was dropped and comes again is a new one: the kept one goes. */
  #add(change: SchemaChange & { readonly change: 'add' }, target: QualifiedName, found: TargetTable): string[] {
    const { table } = change;
    const column = columnOf(table, change.column);
    const value = this.#options.mode === 'append' ? null : change.value;
    return [...dropKept(target, found, change.column), addColumnSql(table, target, column, value)];
  }

  #rename(change: SchemaChange & { readonly change: 'rename' }, target: QualifiedName, found: TargetTable): string[] {
    const { table, column, from } = change;
    const has = (wanted: string): boolean => found.columns.some(({ name }) => name === wanted);
    // A sink that was ahead is told once more, where no row of the log says when the change was.
    if (!has(from) && has(column)) return [];
    if (!has(from)) {
      const missing = table.columns.find(({ name }) => name === column) ?? table.columns[0]!;
      // It was left out when it was added, and stays so.
      if (isOptional(table, missing, this.#options)) return [];
      const message = `${nameText(target)} has no column ${from}, which is now called ${column}`;
      throw new WeirError('WEIR_SINK_COLUMN_MISSING', message, { table: tableName(table) });
    }
    const rename = `ALTER TABLE ${qualified(target)} RENAME COLUMN ${identifier(from)} TO ${identifier(column)}`;
    return [...dropKept(target, found, column), rename];
  }

  async #dropTable(table: Table, target: QualifiedName): Promise<void> {
    if (this.#options.mode === 'append') return;
    const found = await this.#find(table, target);
    if (found !== null) await this.#transaction.run(`DROP TABLE ${qualified(target)}`, altering(table));
    await this.#registry.forget(table);
  }

  async #make(table: Table, target: QualifiedName, found: TargetTable | null): Promise<void> {
    const name = qualified(target);
    const at = making(table, target);
    if (found !== null && isAsCreated(table, found, this.#options)) {
      // What people made of it (grants, views, indexes) stays.
      await this.#transaction.run(`${found.referenced ? 'DELETE FROM' : 'TRUNCATE'} ${name}`, at);
      return;
    }
    await this.#makeSchema(target, at);
    const drop = found === null ? '' : `DROP TABLE ${name}; `;
    await this.#transaction.run(`${drop}${createSql(table, target, this.#options)}`, at);
  }

  /** CREATE SCHEMA asks for a privilege even where the schema is there. */
  async #makeSchema({ schema }: QualifiedName, at: Doing): Promise<void> {
    const { rows } = await this.#transaction.run(`SELECT 1 FROM pg_namespace WHERE nspname = ${literal(schema)}`, at);
    if (rows.length === 0) await this.#transaction.run(`CREATE SCHEMA ${identifier(schema)}`, at);
  }

  /** Adds to a history what it lacks of the table's columns. What has another type is for a person to rename. */
  async #complete(table: Table, target: QualifiedName, found: TargetTable): Promise<void> {
    const there = new Set(found.columns.map(({ name }) => name));
    const missing = [...table.columns, ...extraColumns(this.#options)].filter(({ name }) => !there.has(name));
    const statements = missing.map((column) => addColumnSql(table, target, column, null));
    if (statements.length > 0) await this.#transaction.run(statements.join('; '), altering(table));
  }

  /** What is under the target's name; null when there is nothing. */
  async #find(table: Table, target: QualifiedName): Promise<TargetTable | null> {
    const found = await inspectTarget((sql) => this.#transaction.run(sql, altering(table)), target);
    const owner = await this.#registry.owner(table, target);
    if (owner === 'own') return found;
    if (typeof owner === 'object') refuse(table, [sharedTarget(table, target, owner.source)]);
    if (found !== null) refuse(table, [foreignTable(dialect, table, target)]);
    return null;
  }
}

function columnOf(table: Table, name: string): Table['columns'][number] {
  const column = table.columns.find((other) => other.name === name);
  if (column !== undefined) return column;
  throw new WeirError('WEIR_SDK_USE', `a change adds ${name} to ${tableName(table)}, which does not have it`);
}

function dropKept(target: QualifiedName, found: TargetTable, name: string): string[] {
  const isThere = found.columns.some((column) => column.name === name);
  return isThere ? [`ALTER TABLE ${qualified(target)} DROP COLUMN ${identifier(name)}`] : [];
}

function widenSql(table: Table, target: QualifiedName, found: TargetTable, name: string): string[] {
  const column = found.columns.find((other) => other.name === name);
  // It was left out when it was added.
  if (column === undefined) return [];
  const { sql } = columnType(columnOf(table, name));
  if (column.type === sql) return [];
  const using = `${identifier(name)}::${sql}`;
  return [`ALTER TABLE ${qualified(target)} ALTER COLUMN ${identifier(name)} TYPE ${sql} USING ${using}`];
}

function altering(table: Table): Doing {
  return { doing: `altering the table of ${tableName(table)}`, table };
}

function making(table: Table, target: QualifiedName): Doing {
  return { doing: `making ${nameText(target)}`, table };
}
