import type { Ask, QualifiedName } from '@weir/sql-sink';
import { inspectTarget, type TargetTable } from './inspect-target.ts';
import type { Step } from './shape-steps.ts';
import { qualified } from './sql-text.ts';

type ColumnStep = { readonly from: string; readonly to: string } | { readonly dropped: string };

interface Shape {
  readonly target: QualifiedName;
  /** Where the rows are; null for a table that goes with the commit. */
  place: QualifiedName | null;
  columns: ColumnStep[];
}

/**
 * What the tables are during a commit. What is to be done behind it is done already to who looks at a table through this: it
 * has its new name for a column, whose `physical` name is still the old one.
 */
export class TargetShapes {
  /** By target; only those of which something is to be done. */
  readonly #shapes = new Map<string, Shape>();
  /** Tables that this commit has made and no longer wants. */
  readonly #leftovers: QualifiedName[] = [];

  /** Whether the commit changes something of a table behind itself. */
  has(target: QualifiedName): boolean {
    return this.#shapes.has(qualified(target));
  }

  async inspect(ask: Ask, target: QualifiedName): Promise<TargetTable | null> {
    const shape = this.#shapes.get(qualified(target));
    if (shape === undefined) return await inspectTarget(ask, target);
    const found = shape.place === null ? null : await inspectTarget(ask, shape.place);
    return found === null ? null : shape.columns.reduce(stepped, found);
  }

  /** The rows of a target are in another table from now on, which has its last shape. */
  move(target: QualifiedName, place: QualifiedName): void {
    const shape = this.#of(target);
    this.#leave(shape);
    shape.place = place;
    shape.columns = [];
  }

  drop(target: QualifiedName): void {
    const shape = this.#of(target);
    this.#leave(shape);
    shape.place = null;
    shape.columns = [];
  }

  /** @param from the name that a column has in what `inspect` gives */
  renameColumn(target: QualifiedName, from: string, to: string): void {
    this.#of(target).columns.push({ from, to });
  }

  dropColumn(target: QualifiedName, name: string): void {
    this.#of(target).columns.push({ dropped: name });
  }

  /** What is to be done to the table that has a target's rows, so that it has its last shape. */
  columnSteps(target: QualifiedName): readonly ColumnStep[] {
    return this.#shapes.get(qualified(target))?.columns ?? [];
  }

  /** What is to be done behind the commit. */
  steps(): Step[] {
    const drops = this.#leftovers.map(({ schema, table }): Step => ({ do: 'drop-table', schema, table }));
    return [...[...this.#shapes.values()].flatMap(stepsOf), ...drops];
  }

  clear(): void {
    this.#shapes.clear();
    this.#leftovers.length = 0;
  }

  #of(target: QualifiedName): Shape {
    const key = qualified(target);
    const shape = this.#shapes.get(key) ?? { target, place: target, columns: [] };
    this.#shapes.set(key, shape);
    return shape;
  }

  #leave({ target, place }: Shape): void {
    if (place !== null && place.table !== target.table) this.#leftovers.push(place);
  }
}

function stepsOf({ target, place, columns }: Shape): Step[] {
  const { schema, table } = target;
  if (place === null) return [{ do: 'drop-table', schema, table }];
  const swap: Step[] = place.table === table ? [] : [{ do: 'swap', schema, table, from: place.table }];
  return [
    ...swap,
    ...columns.map((step): Step => {
      return 'dropped' in step ? { do: 'drop-column', schema, table, column: step.dropped } : { do: 'rename', schema, table, ...step };
    }),
  ];
}

function stepped(found: TargetTable, step: ColumnStep): TargetTable {
  if ('dropped' in step) return { ...found, columns: found.columns.filter(({ name }) => name !== step.dropped) };
  const renamed = (name: string): string => (name === step.from ? step.to : name);
  return {
    ...found,
    columns: found.columns.map((column) => ({ physical: column.name, ...column, name: renamed(column.name) })),
    indexes: found.indexes.map((index) => ({ ...index, columns: index.columns?.map(renamed) ?? null })),
  };
}
