import { historyTable, type Table } from '@weir/sdk';
import { latin1, type SeenCell } from './seen-batch.ts';
import { keyOf, type Cells } from './table-content.ts';

/** A row of a history: its place, what happened, and the images. */
interface Event {
  readonly op: string;
  readonly position: string;
  readonly ordinal: number;
  readonly own: Cells;
  /** What the source sent of the row before, by column; null without an image. */
  readonly before: ReadonlyMap<string, SeenCell> | null;
  readonly unchanged: ReadonlySet<string>;
}

/**
 * The rows that a table has after its history, as a mirror would hold them, in any order. Strict: a row that is inserted
 * twice, or changed while it is not there, is an error.
 * @param rows of `historyTable(table)`, in any order: position and ordinal order them
 */
export function foldHistory(table: Table, rows: readonly Cells[]): Cells[] {
  const events = rows.map((row) => eventOf(table, row)).toSorted(inOrder);
  for (const [i, event] of events.entries()) {
    const last = events[i - 1];
    const isTwice = last !== undefined && inOrder(last, event) === 0;
    if (isTwice) throw new Error(`two events at ${event.position}, ordinal ${event.ordinal}`);
  }
  return table.key.length === 0 ? foldKeyless(table, events) : foldKeyed(table, events);
}

function foldKeyed(table: Table, events: readonly Event[]): Cells[] {
  const rows = new Map<string, Cells>();
  for (const event of events) {
    if (event.op === 'truncate') {
      rows.clear();
      continue;
    }
    const oldKey = keyOf(table, oldKeyCells(table, event));
    const old = rows.get(oldKey) ?? null;
    expectPresence(event, old);
    rows.delete(oldKey);
    if (event.op === 'delete') continue;
    const cells = filled(table, event, old);
    if (rows.has(keyOf(table, cells))) throw new Error(`${event.op} at ${event.position} makes a key that is there`);
    rows.set(keyOf(table, cells), cells);
  }
  return [...rows.values()];
}

function foldKeyless(table: Table, events: readonly Event[]): Cells[] {
  let rows: Cells[] = [];
  for (const event of events) {
    if (event.op === 'truncate') {
      rows = [];
      continue;
    }
    const isNew = event.op === 'insert' || event.op === 'read';
    const image = table.columns.map(({ name }) => event.before?.get(name) ?? null);
    const place = isNew ? -1 : rows.findIndex((row) => row.every((cell, column) => cell === image[column]));
    const old = rows[place] ?? null;
    expectPresence(event, old);
    if (old !== null) rows = rows.toSpliced(place, 1);
    if (event.op !== 'delete') rows.push(filled(table, event, old));
  }
  return rows;
}

function expectPresence(event: Event, old: Cells | null): void {
  const isNew = event.op === 'insert' || event.op === 'read';
  if (isNew && old !== null) throw new Error(`${event.op} at ${event.position} of a row that is there`);
  if (!isNew && old === null) throw new Error(`${event.op} at ${event.position} of a row that is not there`);
}

/** The old key: of the image, or the row's own where the key did not change. */
function oldKeyCells(table: Table, { own, before }: Event): Cells {
  return table.columns.map(({ name }, column) => before?.get(name) ?? own[column]!);
}

function filled(table: Table, { own, unchanged }: Event, old: Cells | null): Cells {
  return own.map((cell, column) => (unchanged.has(table.columns[column]!.name) ? old![column]! : cell));
}

function eventOf(table: Table, row: Cells): Event {
  const cell = new Map<string, SeenCell>(historyTable(table).columns.map(({ name }, column) => [name, row[column]!]));
  return {
    op: String(cell.get('_weir_op')),
    position: String(cell.get('_weir_position')),
    ordinal: Number(cell.get('_weir_ordinal')),
    own: row.slice(0, table.columns.length),
    before: beforeOf(table, cell.get('_weir_before')!),
    unchanged: new Set(cell.get('_weir_unchanged') === null ? [] : (jsonOf(cell.get('_weir_unchanged')!) as string[])),
  };
}

function beforeOf(table: Table, cell: SeenCell): Map<string, SeenCell> | null {
  if (cell === null) return null;
  const types = new Map<string, string>(table.columns.map(({ name, type }) => [name, type.kind]));
  return new Map(
    Object.entries(jsonOf(cell) as Record<string, string | null>).map(([name, text]) => {
      if (text === null) return [name, null];
      return [name, latin1(types.get(name) === 'bytes' ? Buffer.from(text.slice(2), 'hex') : text)];
    }),
  );
}

/** A cell that holds JSON, as it was before its bytes became Latin-1. */
function jsonOf(cell: SeenCell): unknown {
  return JSON.parse(Buffer.from(String(cell), 'latin1').toString());
}

function inOrder(a: Event, b: Event): number {
  if (a.position !== b.position) return a.position < b.position ? -1 : 1;
  return a.ordinal - b.ordinal;
}
