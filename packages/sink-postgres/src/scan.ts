import { closeClient, connect, CopyReader, mapType, readTypes, Wire, type ConnectionConfig } from '@weir/postgres';
import { WeirError, softDeleteColumn, tableName, type Batch, type Table } from '@weir/sdk';
import type pg from 'pg';
import { inspectTarget, type TargetColumn } from './inspect-target.ts';
import { sinkError } from './postgres-error.ts';
import { identifier, nameText, qualified, type QualifiedName } from './sql-text.ts';
import { askOf } from './transaction.ts';
import { columnType } from './types.ts';

/**
 * All rows of a table at the sink as `read` rows with canonical cells, those columns that the given table names. Marked rows
 * are left out, unless it names the mark. The server streams its answer, so memory is bounded whatever the table's size.
 * @throws WeirError WEIR_PG_DIVERGED when there is no such table or column, WEIR_SINK_COLUMN_TYPE
 */
export async function* scanTable(
  config: ConnectionConfig,
  table: Table,
  target: QualifiedName,
  signal: AbortSignal,
): AsyncGenerator<Batch> {
  const client = await connect(config, signal);
  let prepared;
  try {
    prepared = await prepare(client, table, target);
  } catch (error) {
    await closeClient(client);
    throw sinkError(error, { doing: `reading ${nameText(target)}`, table });
  }
  await using wire = new Wire(client);
  using _ = cutWireOnAbort(wire, signal);
  try {
    yield* new CopyReader(wire).read(prepared.sql, { table, rewrites: prepared.rewrites, skip: false });
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  }
}

async function prepare(client: pg.Client, table: Table, target: QualifiedName) {
  const found = await inspectTarget(askOf(client), target);
  if (found === null) {
    throw new WeirError('WEIR_PG_DIVERGED', `there is no ${nameText(target)}`, { table: tableName(table) });
  }
  const columns = table.columns.map((column) => {
    const there = found.columns.find(({ name }) => name === column.name);
    expectType(table, target, column.name, columnType(column).sql, there);
    return there!;
  });
  const types = await readTypes(client);
  const isMarked = found.columns.some(({ name }) => name === softDeleteColumn.name);
  const showsMarked = columns.some(({ name }) => name === softDeleteColumn.name);
  const where = isMarked && !showsMarked ? ` WHERE ${identifier(softDeleteColumn.name)} IS NULL` : '';
  const list = columns.map(({ name }) => identifier(name)).join(', ');
  return {
    sql: `COPY (SELECT ${list} FROM ${qualified(target)}${where}) TO STDOUT`,
    rewrites: columns.map(({ typeOid, modifier }) => mapType(types, typeOid, modifier).rewrite),
  };
}

function expectType(table: Table, target: QualifiedName, name: string, type: string, there?: TargetColumn): void {
  if (there?.type === type) return;
  const where = `${nameText(target)}.${name}`;
  throw there === undefined
    ? new WeirError('WEIR_SINK_COLUMN_MISSING', `${where} is missing`, { table: tableName(table) })
    : new WeirError('WEIR_SINK_COLUMN_TYPE', `${where} is ${there.type}, ${type} was expected`, { table: tableName(table) });
}

function cutWireOnAbort(wire: Wire, signal: AbortSignal): Disposable {
  const cut = (): void => wire.abandon();
  signal.addEventListener('abort', cut);
  return { [Symbol.dispose]: () => signal.removeEventListener('abort', cut) };
}
