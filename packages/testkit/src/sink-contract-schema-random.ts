import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { BatchBuilder, Column, RowValues, SchemaChange, SinkOptions, Table } from '@weir/sdk';
import { testSeed } from './seed.ts';
import { nullable, withColumn, withRenamed, withType, withoutColumn } from './sink-contract-tables.ts';
import type { SinkDriver } from './sink-driver.ts';
import { SinkRun } from './sink-run.ts';
import { cellsOf } from './table-content.ts';

const RUNS = 25;
const KEYS = 5;

const id = nullable('id', { kind: 'int', bits: 32 });
const start: Table = { namespace: 'public', name: 'shapes', version: 1, key: [0], columns: [id] };
const names = ['a', 'b', 'c "d"'];
const types: readonly Column['type'][] = [
  { kind: 'int', bits: 32 },
  { kind: 'string' },
  { kind: 'bytes' },
  { kind: 'decimal', precision: 12, scale: 2 },
];

/** One step as drawn; what it does depends on which rows and columns are there. */
interface Step {
  readonly kind: 'row' | 'delete' | 'move' | 'truncate' | 'add' | 'drop' | 'rename' | 'widen';
  readonly key: number;
  readonly to: number;
  readonly name: number;
  readonly cells: number;
  readonly end: 'more' | 'batch' | 'transaction' | 'commit' | 'death';
}

const step: fc.Arbitrary<Step> = fc.record({
  kind: fc.oneof(
    { weight: 12, arbitrary: fc.constant('row' as const) },
    { weight: 3, arbitrary: fc.constantFrom('delete' as const, 'move' as const) },
    { weight: 1, arbitrary: fc.constant('truncate' as const) },
    { weight: 9, arbitrary: fc.constantFrom('add' as const, 'drop' as const, 'rename' as const, 'widen' as const) },
  ),
  key: fc.nat(KEYS - 1),
  to: fc.nat(KEYS - 1),
  name: fc.nat(names.length - 1),
  cells: fc.nat(1000),
  end: fc.oneof(
    { weight: 12, arbitrary: fc.constant('more' as const) },
    { weight: 3, arbitrary: fc.constantFrom('batch' as const, 'transaction' as const, 'commit' as const) },
    { weight: 1, arbitrary: fc.constant('death' as const) },
  ),
});

/** Shapes and rows in any order, at any place of transactions and commits. */
export function describeRandomShapes(driver: SinkDriver): void {
  it.each(['hard', 'soft'] as const)(
    `at random places of random transactions, with %s deletes (WEIR_SEED=${testSeed})`,
    { timeout: 120_000 },
    async (deletes) => {
      const property = fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        await play(driver, { deletes }, steps);
      });
      await fc.assert(property, { seed: testSeed, numRuns: RUNS, endOnFailure: process.env['CI'] === 'true' });
    },
  );
}

async function play(driver: SinkDriver, options: Partial<SinkOptions>, steps: readonly Step[]): Promise<void> {
  await using first = await SinkRun.with(driver, start, () => {}, options);
  let run = first;
  let state = new Shaped(start, new Map());
  let committed = state;
  let rows = run.begin();
  for (const drawn of steps) {
    const change = state.change(drawn);
    // A batch's changes come before its rows.
    if (change !== null && rows.rows > 0) await run.write(rows);
    if (change !== null) rows.schemaChange(change);
    state = change === null ? state.row(drawn, rows) : state.changed(change);
    if (drawn.end === 'batch') await run.write(rows);
    if (drawn.end === 'transaction' || drawn.end === 'commit') await run.end(rows);
    if (drawn.end === 'commit') {
      await run.commit();
      committed = state;
    }
    if (drawn.end === 'death') {
      run = await run.restart();
      // The next session has other objects for the same shapes.
      state = new Shaped({ ...committed.table }, committed.rows);
    }
    if (!['more', 'batch'].includes(drawn.end)) rows = run.begin();
  }
  await run.end(rows);
  await run.commit();
  const found = await run.expectSame(state.table);
  const inOrder = (cells: readonly (readonly unknown[])[]) => cells.map((row) => JSON.stringify(row)).toSorted();
  expect(inOrder(found)).toEqual(inOrder(Array.from(state.rows.values(), (row) => cellsOf(state.table, row))));
}

/** A table's shape and rows, by plain rules. */
class Shaped {
  readonly table: Table;
  readonly rows: ReadonlyMap<number, RowValues>;

  constructor(table: Table, rows: ReadonlyMap<number, RowValues>) {
    this.table = table;
    this.rows = rows;
  }

  /** The schema change that a step means; null when it means a row. */
  change({ kind, name: drawnName, cells }: Step): SchemaChange | null {
    const { table } = this;
    const column = names[drawnName]!;
    const known = table.columns.find(({ name }) => name === column);
    const free = names.find((name) => table.columns.every((other) => other.name !== name));
    if (kind === 'add' && known === undefined) {
      const type = types[cells % types.length]!;
      const value = cells % 5 === 0 ? null : valueOf(type, cells);
      return { table: withColumn(table, nullable(column, type)), change: 'add', column, value };
    }
    if (known === undefined) return null;
    if (kind === 'drop') return { table: withoutColumn(table, column), change: 'drop', column };
    if (kind === 'rename' && free !== undefined) {
      return { table: withRenamed(table, column, free), change: 'rename', column: free, from: column };
    }
    if (kind !== 'widen' || known.type.kind !== 'int') return null;
    return { table: withType(table, column, { kind: 'int', bits: 64 }), change: 'widen', column };
  }

  changed(change: SchemaChange): Shaped {
    return new Shaped(change.table, new Map(Array.from(this.rows, ([key, row]) => [key, reshapedRow(row, change)])));
  }

  /** The rows after an event, which is added to a batch. */
  row({ kind, key, to, cells }: Step, batch: BatchBuilder): Shaped {
    const { table } = this;
    const rows = new Map(this.rows);
    const old = rows.get(key);
    if (kind === 'truncate') {
      rows.clear();
      batch.truncate(table);
    } else if (old === undefined) {
      rows.set(key, this.#values(key, cells));
      batch.insert(table, rows.get(key)!);
    } else if (kind === 'delete') {
      rows.delete(key);
      batch.delete(table, old);
    } else {
      const moves = kind === 'move' && !rows.has(to);
      const after = this.#values(moves ? to : key, cells);
      rows.delete(key);
      rows.set(moves ? to : key, after);
      batch.update(table, after, moves ? old : null);
    }
    return new Shaped(table, rows);
  }

  #values(key: number, cells: number): RowValues {
    const other = this.table.columns.slice(1).map(({ name, type }, i): [string, string | Uint8Array | null] => {
      const drawn = cells + i;
      return [name, drawn % 4 === 0 ? null : valueOf(type, drawn)];
    });
    return { id: key, ...Object.fromEntries(other) };
  }
}

function reshapedRow(row: RowValues, change: SchemaChange): RowValues {
  if (change.change === 'add') return { ...row, [change.column]: change.value };
  if (change.change === 'rename') {
    const { [change.from]: value, ...rest } = row;
    return { ...rest, [change.column]: value! };
  }
  if (change.change !== 'drop') return row;
  const { [change.column]: _, ...rest } = row;
  return rest;
}

function valueOf(type: Column['type'], drawn: number): string | Uint8Array {
  if (type.kind === 'bytes') return Uint8Array.of(drawn % 256, 0, 0xff);
  if (type.kind === 'int') return type.bits === 64 ? `90071992547409${drawn % 100}` : String(drawn);
  return type.kind === 'decimal' ? `${drawn}.50` : `text ${drawn}`;
}
