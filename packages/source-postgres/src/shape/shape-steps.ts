import type { PgType } from '@weir/postgres';
import type { Column, SchemaChange, Table } from '@weir/sdk';
import type { ShapeStep } from './shape-difference.ts';
import { tableOf, type ShapeColumn, type TableShape } from './table-shape.ts';

/** A table at a place of the log: its shape, and what rows with it refer to. */
export interface ShapedTable {
  readonly table: Table;
  readonly shape: TableShape;
}

/**
 * Takes a table from its shape to the next, one change and one version at a time.
 * @param valueOf the canonical cell of a new column in rows that are there already
 */
export function takeSteps(
  from: ShapedTable,
  next: Pick<TableShape, 'columns' | 'key' | 'insertsOnly'>,
  steps: readonly ShapeStep[],
  types: ReadonlyMap<number, PgType>,
  valueOf: (column: ShapeColumn) => Uint8Array | null,
): { readonly changes: SchemaChange[]; readonly table: Table } {
  let { table } = from;
  let shape: Pick<TableShape, 'columns' | 'key' | 'insertsOnly'> = from.shape;
  const changes = steps.map((step): SchemaChange => {
    const before = shape;
    shape = stepped(shape, next, step);
    // What a step does not touch stays as it was, also where the catalog would say something else about it by now.
    table = withKnownColumns(tableOf(table, shape, types, table.version + 1), before, shape, table);
    if (step.step === 'key') return { table, change: 'key' };
    const old = before.columns.find(({ attnum }) => attnum === step.attnum);
    if (step.step === 'drop') return { table, change: 'drop', column: old!.name };
    const column = next.columns.find(({ attnum }) => attnum === step.attnum)!;
    if (step.step === 'add') return { table, change: 'add', column: column.name, value: valueOf(column) };
    if (step.step === 'rename') return { table, change: 'rename', column: column.name, from: old!.name };
    return { table, change: 'widen', column: column.name };
  });
  return { changes, table };
}

function stepped(
  shape: Pick<TableShape, 'columns' | 'key' | 'insertsOnly'>,
  next: Pick<TableShape, 'columns' | 'key' | 'insertsOnly'>,
  step: ShapeStep,
): Pick<TableShape, 'columns' | 'key' | 'insertsOnly'> {
  if (step.step === 'key') return { columns: shape.columns, key: next.key, insertsOnly: next.insertsOnly };
  const target = next.columns.find(({ attnum }) => attnum === step.attnum);
  const others = shape.columns.filter(({ attnum }) => attnum !== step.attnum);
  const old = shape.columns.find(({ attnum }) => attnum === step.attnum);
  const columns = (): ShapeColumn[] => {
    switch (step.step) {
      case 'drop':
        return others;
      case 'rename':
        return [...others, { ...old!, name: target!.name }];
      // The name may still be the old one or already the new one, as the steps before have left it.
      case 'widen':
        return [...others, { ...target!, name: old!.name }];
      case 'add':
        return [...others, target!];
    }
  };
  return { ...shape, columns: columns().toSorted((a, b) => a.attnum - b.attnum) };
}

/** The table with the very columns of the version before wherever they are the same. */
function withKnownColumns(
  table: Table,
  before: Pick<TableShape, 'columns'>,
  after: Pick<TableShape, 'columns'>,
  known: Table,
): Table {
  const columns = after.columns.map((column, i): Column => {
    const index = before.columns.indexOf(column);
    return index === -1 ? table.columns[i]! : known.columns[index]!;
  });
  return { ...table, columns };
}
