import type { ZeroDates } from '@weir/binlog';
import type { SchemaChange, Table } from '@weir/sdk';
import { shapeOfState, type TableShape } from '../capture/table-shape.ts';
import type { ColumnState, TableState } from '../checkpoint-state.ts';
import { addedCell } from './added-value.ts';
import { isSameName, traceColumns } from './alteration.ts';
import { keepsCells } from './kept-cells.ts';

/** What a table has become: what is told of it, or why it is read again. */
export type Transition = { readonly changes: readonly SchemaChange[]; readonly state: TableState; readonly shape: TableShape } | { readonly again: string };

/** The columns and the key that a table has now, in the order of the log. */
export interface NextShape {
  readonly columns: readonly ColumnState[];
  readonly key: readonly number[];
}

/** A captured column on its way: what it was, and what it is to be. */
interface Moving {
  readonly before: ColumnState | null;
  readonly after: ColumnState | null;
  /** As it is called and typed by the steps so far; null while it is not there. */
  now: ColumnState | null;
  /** Of one that is added. */
  readonly cell: string | null;
}

/**
 * How a table gets from the shape of before to the next: by changes that say all that became of its rows, or not at all.
 * @param table the version of before, which stays where nothing is told
 */
export function transition(old: TableState, table: Table, next: NextShape, zeroDates: ZeroDates): Transition {
  const alterations = old.altered ?? [];
  const again = alterations.find((alteration) => alteration.again !== null)?.again;
  if (again !== undefined && again !== null) return { again };
  const traced = traceColumns(
    old.columns.map(({ name }) => name),
    alterations,
  );
  const isExpected = traced.length === next.columns.length && traced.every(({ name }) => next.columns.some((column) => isSameName(column.name, name)));
  if (!isExpected) return { again: 'it has other columns than the statements that altered it say' };
  const moving = movingColumns(old, next, traced);
  if ('again' in moving) return moving;
  return walk(old, table, next, moving.columns, zeroDates);
}

function movingColumns(old: TableState, next: NextShape, traced: ReturnType<typeof traceColumns>): { columns: Moving[] } | { again: string } {
  const columns: Moving[] = [];
  for (const after of next.columns) {
    const { origin, value } = traced.find(({ name }) => isSameName(name, after.name))!;
    if (origin === null) {
      if (after.leftOut === true) continue;
      const cell = addedCell(value!, after);
      if (cell === undefined) return { again: `column ${after.name} was added with values that are not in the log` };
      columns.push({ before: null, after, now: null, cell });
      continue;
    }
    const before = old.columns[origin]!;
    if (!keepsCells(before, after)) return { again: `column ${after.name} was altered` };
    if (after.leftOut !== true) columns.push({ before, after, now: before, cell: null });
  }
  const kept = new Set(traced.map(({ origin }) => origin));
  for (const [index, before] of old.columns.entries()) {
    if (!kept.has(index) && before.leftOut !== true) columns.push({ before, after: null, now: before, cell: null });
  }
  const order = columns.filter(({ before, after }) => before !== null && after !== null).map(({ before }) => old.columns.indexOf(before!));
  const isReordered = order.some((index, place) => place > 0 && index < order[place - 1]!);
  return isReordered ? { again: 'its columns have another order' } : { columns };
}

/** One change and one version at a time; a name is free before it is given again, and what else goes, goes last. */
function walk(old: TableState, table: Table, next: NextShape, columns: Moving[], zeroDates: ZeroDates): Transition {
  const changes: SchemaChange[] = [];
  let version = old.version;
  let key: readonly ColumnState[] = old.key.map((index) => old.columns[index]!);
  const tableNow = (): Table => {
    const present = columns.filter(({ now }) => now !== null);
    const places = key.map((column) => present.findIndex(({ before, after }) => before === column || after === column));
    const state = { ...old, version: ++version, columns: present.map(({ now }) => now!), key: places.filter((place) => place >= 0) };
    return shapeOfState(state, zeroDates).table;
  };
  const newNames = columns.filter(({ before, after }) => after !== null && before?.name !== after.name).map(({ after }) => after!.name);
  const isTaken = ({ before }: Moving): boolean => newNames.some((name) => isSameName(name, before!.name));
  const dropped = columns.filter(({ after }) => after === null);
  const drop = (column: Moving): void => {
    const { name } = column.now!;
    column.now = null;
    changes.push({ table: tableNow(), change: 'drop', column: name });
  };
  if (dropped.some((column) => isTaken(column) && key.includes(column.before!))) return { again: 'a column of the key was made anew' };
  dropped.filter(isTaken).forEach(drop);
  const renamed = orderRenames(columns.filter(({ before, after }) => before !== null && after !== null && before.name !== after.name));
  if (renamed === null) return { again: 'columns swapped their names' };
  for (const column of renamed) {
    const from = column.now!.name;
    column.now = { ...column.now!, name: column.after!.name };
    changes.push({ table: tableNow(), change: 'rename', column: column.now.name, from });
  }
  for (const column of columns.filter(({ before, after }) => before !== null && after !== null && !isSameType(before, after))) {
    column.now = column.after;
    changes.push({ table: tableNow(), change: 'widen', column: column.after!.name });
  }
  for (const column of columns.filter(({ before }) => before === null)) {
    column.now = column.after;
    changes.push({ table: tableNow(), change: 'add', column: column.after!.name, value: column.cell });
  }
  const nextKey = next.key.map((index) => next.columns[index]!);
  const origins = nextKey.map((column) => columns.find(({ after }) => after === column)?.before ?? null);
  if (origins.length !== key.length || origins.some((column, place) => column !== key[place])) {
    key = nextKey;
    changes.push({ table: tableNow(), change: 'key' });
  }
  dropped.filter(({ now }) => now !== null).forEach(drop);
  const { altered: _, ...rest } = old;
  const state = { ...rest, version, columns: next.columns, key: next.key };
  return { changes, state, shape: { ...shapeOfState(state, zeroDates), table: changes.at(-1)?.table ?? table } };
}

function isSameType(before: ColumnState, after: ColumnState): boolean {
  return before.type === after.type && before.nullable === after.nullable && before.charset === after.charset;
}

/** So that no column is renamed to what another one is still called; null when they go round in a circle. */
function orderRenames(renamed: readonly Moving[]): Moving[] | null {
  const left = new Set(renamed);
  const ordered: Moving[] = [];
  while (left.size > 0) {
    const free = [...left].find((column) => ![...left].some((other) => other !== column && isSameName(other.before!.name, column.after!.name)));
    if (free === undefined) return null;
    left.delete(free);
    ordered.push(free);
  }
  return ordered;
}
