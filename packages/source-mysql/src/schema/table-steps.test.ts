import type { SchemaChange } from '@weir/sdk';
import { describe, expect, it } from 'vitest';
import { shapeOfState } from '../capture/table-shape.ts';
import type { ColumnState, TableState } from '../checkpoint-state.ts';
import type { AddedValue, Alteration } from './alteration.ts';
import { transition } from './table-steps.ts';

const column = (name: string, type = 'varchar(40)', more: Partial<ColumnState> = {}): ColumnState => ({ name, type, nullable: true, ...more });
const id = column('id', 'int', { nullable: false });
const alteration = (parts: Partial<Alteration>): Alteration => ({ drops: [], renames: [], adds: [], again: null, ...parts });
const added = (name: string, value: AddedValue = { as: 'null' }): Alteration => alteration({ adds: [{ column: name, value }] });

/** What becomes of a table with a key `id`: the changes in short, or why it is read again. */
function become(before: readonly ColumnState[], altered: readonly Alteration[], after: readonly ColumnState[], key: readonly number[] = [0]): string[] | string {
  const state: TableState = { namespace: 'shop', name: 'items', reason: 'first', version: 3, columns: before, key: [0], altered };
  const { table } = shapeOfState(state, 'null');
  const step = transition(state, table, { columns: after, key }, 'null');
  if ('again' in step) return step.again;
  expect(step.state).toEqual({ ...state, altered: undefined, version: 3 + step.changes.length, columns: after, key });
  expect(step.shape.table.columns.map(({ name }) => name)).toEqual(after.filter(({ leftOut }) => leftOut !== true).map(({ name }) => name));
  expect(step.shape.table.version).toBe(3 + step.changes.length);
  return step.changes.map(short);
}

function short(change: SchemaChange): string {
  if (change.change === 'add') return `add ${change.column} = ${String(change.value)}`;
  if (change.change === 'rename') return `rename ${change.from} to ${change.column}`;
  return 'column' in change ? `${change.change} ${change.column}` : change.change;
}

describe('a table that was altered', () => {
  it('is told column by column', () => {
    const [a, b] = [column('a'), column('b')];
    expect(become([id, a], [alteration({})], [id, a])).toEqual([]);
    expect(become([id, a], [added('b', { as: 'literal', text: 'x' })], [id, b, a])).toEqual(['add b = x']);
    expect(become([id, a, b], [alteration({ drops: ['A'] })], [id, b])).toEqual(['drop a']);
    expect(become([id, a], [alteration({ renames: [{ from: 'a', to: 'b' }] })], [id, b])).toEqual(['rename a to b']);
    expect(become([id, a], [alteration({})], [id, column('a', 'varchar(80)')])).toEqual(['widen a']);
    expect(become([id, a], [alteration({})], [id, { ...a, nullable: false }])).toMatch(/a was altered/u);
  });

  it('has a name free before it is given again', () => {
    const [a, b] = [column('a'), column('b')];
    expect(become([id, a], [alteration({ renames: [{ from: 'a', to: 'b' }] }), added('a')], [id, b, a])).toEqual(['rename a to b', 'add a = null']);
    expect(become([id, a], [alteration({ drops: ['a'], adds: [{ column: 'a', value: { as: 'null' } }] })], [id, a])).toEqual(['drop a', 'add a = null']);
    expect(become([id, a, b], [alteration({ renames: [{ from: 'a', to: 'b' }, { from: 'b', to: 'a' }] })], [id, b, a])).toMatch(/swapped/u);
  });

  it('has another key', () => {
    const a = column('a', 'int', { nullable: false });
    expect(become([id, a], [alteration({})], [id, a], [1])).toEqual(['key']);
    expect(become([id, a], [alteration({})], [id, a], [0, 1])).toEqual(['key']);
    expect(become([id, a], [alteration({})], [id, a], [])).toEqual(['key']);
    expect(become([id, a], [alteration({ drops: ['id'] })], [a], [0])).toEqual(['key', 'drop id']);
  });

  it('is read again where nobody can say what its rows have become', () => {
    const [a, b] = [column('a'), column('b')];
    expect(become([id, a], [alteration({ again: 'a partition was dropped' })], [id, a])).toBe('a partition was dropped');
    expect(become([id, a], [], [id, a, b])).toMatch(/other columns/u);
    expect(become([id, a], [added('b', { as: 'unknown' })], [id, a, b])).toMatch(/b was added/u);
    expect(become([id, a, b], [alteration({})], [id, b, a])).toMatch(/order/u);
    for (const type of ['varchar(39)', 'char(40)', 'int', 'json', 'varbinary(40)']) expect(become([id, a], [alteration({})], [id, column('a', type)]), type).toMatch(/altered/u);
  });

  it('does not tell of generated columns', () => {
    const made = column('made', 'int', { leftOut: true });
    expect(become([id], [added('made', { as: 'unknown' })], [id, made])).toEqual([]);
    expect(become([id, made], [alteration({ drops: ['made'] })], [id])).toEqual([]);
    expect(become([id, made], [alteration({})], [id, column('made', 'int')])).toMatch(/altered/u);
  });
});
