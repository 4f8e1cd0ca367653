import { Op, tableName, unchanged, type SchemaChange, type Table } from '@weir/sdk';
import { latin1, type SeenBatch, type SeenCell, type SeenRow } from './seen-batch.ts';

const opNames = new Map<Op, string>(Object.entries(Op).map(([name, op]) => [op, name]));

/**
 * Everything that batches say, in order, as short text: `public.items add city = Bonn`, `public.items insert {"id":"1"}`. A
 * row shows its cells by the names of its table's columns, bytes as Latin-1: the image after it, or before it for a delete.
 */
export function eventsOf(batches: readonly SeenBatch[]): string[] {
  return batches.flatMap((batch) => [
    ...batch.schemaChanges.map(changeEvent),
    ...batch.rows.map((row) => rowEvent(batch, row)),
  ]);
}

/** Of the changes of shape alone. */
export function changesOf(batches: readonly SeenBatch[]): string[] {
  return batches.flatMap(({ schemaChanges }) => schemaChanges.map(changeEvent));
}

/** A row's cells by the names of the columns; a batch has one version of each table. */
export function cellsByName(batch: SeenBatch, row: SeenRow): Record<string, SeenCell> {
  return named(tableOf(batch, row), row.after ?? row.before ?? []);
}

function tableOf(batch: SeenBatch, row: SeenRow): Table {
  const versions = batch.tables.filter((table) => tableName(table) === row.table);
  if (versions.length !== 1) throw new Error(`a batch has ${versions.length} versions of ${row.table}`);
  return versions[0]!;
}

function named(table: Table, image: readonly SeenCell[]): Record<string, SeenCell> {
  return Object.fromEntries(table.columns.slice(0, image.length).map(({ name }, column) => [name, image[column]!]));
}

function rowEvent(batch: SeenBatch, row: SeenRow): string {
  if (row.op === Op.message) return 'message';
  const event = `${row.table} ${opNames.get(row.op)}`;
  if (row.op === Op.truncate) return event;
  const shown = (_: string, cell: unknown): unknown => (cell === unchanged ? '(unchanged)' : cell);
  return `${event} ${JSON.stringify(cellsByName(batch, row), shown)}`;
}

function changeEvent(change: SchemaChange): string {
  const event = `${tableName(change.table)} ${change.change}`;
  switch (change.change) {
    case 'create':
      return `${event} ${change.reason ?? 'first'}`;
    case 'add':
      return `${event} ${change.column} = ${change.value === null ? 'null' : latin1(change.value)}`;
    case 'rename':
      return `${event} ${change.column} from ${change.from}`;
    case 'drop':
    case 'widen':
      return `${event} ${change.column}`;
    case 'key':
    case 'drop-table':
      return event;
  }
}
