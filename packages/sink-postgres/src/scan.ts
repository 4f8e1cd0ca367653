import { mapType, readTypes, type PgType, type TypeMapping } from '@weir/postgres';
import { nameText, type QualifiedName } from '@weir/sql-sink';
import { WeirError, softDeleteColumn, tableName, type Table } from '@weir/sdk';
import type pg from 'pg';
import { inspectTarget, type TargetColumn } from './inspect-target.ts';
import { identifier, qualified } from './sql-text.ts';
import { askOf } from './transaction.ts';
import { columnType } from './types.ts';

/** How all rows of a table at the sink are read with canonical cells. */
export interface Scan {
  /** COPY … TO STDOUT. The server streams its answer, so memory is bounded whatever the table's size. */
  readonly sql: string;
  /** Of each column. */
  readonly rewrites: readonly TypeMapping['rewrite'][];
}

/** Finds out how tables are scanned; the types of the server are read once. */
export class ScannedTables {
  readonly #client: pg.Client;
  #types: ReadonlyMap<number, PgType> | null = null;

  constructor(client: pg.Client) {
    this.#client = client;
  }

  /**
   * The columns that the given table names. Marked rows are left out, unless it names the mark.
   * @throws WeirError WEIR_PG_DIVERGED when there is no such table, WEIR_SINK_COLUMN_MISSING, WEIR_SINK_COLUMN_TYPE
   */
  async scan(table: Table, target: QualifiedName): Promise<Scan> {
    const found = await inspectTarget(askOf(this.#client), target);
    if (found === null) {
      throw new WeirError('WEIR_PG_DIVERGED', `there is no ${nameText(target)}`, { table: tableName(table) });
    }
    const columns = table.columns.map((column) => {
      const there = found.columns.find(({ name }) => name === column.name);
      expectType(table, target, column.name, columnType(column).sql, there);
      return there!;
    });
    const types = (this.#types ??= await readTypes(this.#client));
    const isMarked = found.columns.some(({ name }) => name === softDeleteColumn.name);
    const showsMarked = columns.some(({ name }) => name === softDeleteColumn.name);
    const where = isMarked && !showsMarked ? ` WHERE ${identifier(softDeleteColumn.name)} IS NULL` : '';
    const list = columns.map(({ name }) => identifier(name)).join(', ');
    return {
      sql: `COPY (SELECT ${list} FROM ${qualified(target)}${where}) TO STDOUT`,
      rewrites: columns.map(({ typeOid, modifier }) => mapType(types, typeOid, modifier).rewrite),
    };
  }
}

function expectType(table: Table, target: QualifiedName, name: string, type: string, there?: TargetColumn): void {
  if (there?.type === type) return;
  const where = `${nameText(target)}.${name}`;
  throw there === undefined
    ? new WeirError('WEIR_SINK_COLUMN_MISSING', `${where} is missing`, { table: tableName(table) })
    : new WeirError('WEIR_SINK_COLUMN_TYPE', `${where} is ${there.type}, ${type} was expected`, { table: tableName(table) });
}
