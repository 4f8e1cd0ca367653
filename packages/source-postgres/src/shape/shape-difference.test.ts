import type { PgType } from '@weir/postgres';
import { describe, expect, test } from 'vitest';
import { rewriteReason, shapeDifference } from './shape-difference.ts';
import { takeSteps } from './shape-steps.ts';
import { tableOf, type CatalogShape, type ShapeColumn, type TableShape } from './table-shape.ts';

const types = new Map<number, PgType>(
  (
    [
      [23, 'int4'],
      [20, 'int8'],
      [25, 'text'],
      [1043, 'varchar'],
      [1114, 'timestamp'],
      [1184, 'timestamptz'],
      [1700, 'numeric'],
    ] as const
  ).map(([oid, name]) => [
    oid,
    { oid, name, kind: 'b', baseOid: 0, baseModifier: -1, elementOid: 0, builtIn: true, extension: null },
  ]),
);

function column(attnum: number, name: string, more: Partial<ShapeColumn> = {}): ShapeColumn {
  return { attnum, name, typeOid: 25, modifier: -1, nullable: true, sourceType: 'text', altered: '700', ...more };
}

function shape(columns: ShapeColumn[], more: Partial<CatalogShape> = {}): CatalogShape {
  return {
    columns,
    key: [1],
    keyIndex: 0,
    identity: 'd',
    insertsOnly: false,
    fileNode: 1,
    partitions: [],
    contents: {},
    highest: columns.at(-1)!.attnum,
    dropped: new Map(),
    missing: new Map(),
    born: new Set(),
    ...more,
  };
}

const old = shape([column(1, 'id'), column(2, 'a'), column(3, 'b')]);

/** The changes as short texts, each with the columns and the key behind it; or why the table is copied again. */
function changes(next: TableShape): string[] {
  const difference = shapeDifference(old, next, types);
  if ('again' in difference) return [difference.again];
  const from = { table: tableOf({ namespace: 'public', name: 't' }, old, types, 1), shape: old };
  return takeSteps(from, next, difference.steps, types, () => null).changes.map((change) => {
    const names = change.table.columns.map(({ name }) => name);
    const key = change.table.key.map((index) => names[index]);
    const what = 'column' in change ? ` ${change.column}` : '';
    return `${change.change}${what}: ${names.join()} (${key.join()}) v${change.table.version}`;
  });
}

describe('steps from one shape to the next', () => {
  test('free a name before it is given again', () => {
    expect(changes(shape([column(1, 'id'), column(2, 'c'), column(3, 'a')]))).toEqual([
      'rename c: id,c,b (id) v2',
      'rename a: id,c,a (id) v3',
    ]);
    expect(changes(shape([column(1, 'id'), column(3, 'a')]))).toEqual(['drop a: id,b (id) v2', 'rename a: id,a (id) v3']);
    expect(changes(shape([column(1, 'id'), column(3, 'b'), column(4, 'a')]))).toEqual([
      'drop a: id,b (id) v2',
      'add a: id,b,a (id) v3',
    ]);
  });

  test('drop a column of the key when another key is there', () => {
    const next = shape([column(2, 'a'), column(3, 'b'), column(4, 'c')], { key: [4] });
    expect(changes(next)).toEqual(['add c: id,a,b,c (id) v2', 'key: id,a,b,c (c) v3', 'drop id: a,b,c (c) v4']);
  });

  test('are none for what has no name in changes', () => {
    expect(changes(shape([column(1, 'id'), column(2, 'b'), column(3, 'a')]))).toEqual(['columns swapped their names']);
    expect(changes(shape([column(2, 'a'), column(3, 'b'), column(4, 'id')], { key: [4] }))).toEqual([
      'a column of the key was made anew',
    ]);
  });

  test('widen a column whose values keep their cells, and no other', () => {
    const typed = (from: Partial<ShapeColumn>, to: Partial<ShapeColumn>): object =>
      shapeDifference(shape([column(1, 'id', from)]), shape([column(1, 'id', to)]), types);
    const widened = { steps: [{ step: 'widen', attnum: 1 }] };
    expect(typed({ typeOid: 1043, modifier: 8 }, { typeOid: 1043, modifier: 12 })).toEqual(widened);
    expect(typed({ typeOid: 1043, modifier: 8 }, { typeOid: 25 })).toEqual(widened);
    expect(typed({ typeOid: 1700, modifier: 100 }, { typeOid: 1700 })).toEqual(widened);
    expect(typed({ typeOid: 1114 }, { typeOid: 1184 })).toHaveProperty('again');
    expect(typed({ typeOid: 23 }, { typeOid: 20 })).toHaveProperty('again');
  });
});

describe('rows that were there may have changed', () => {
  const altered = (attnum: number): ShapeColumn[] =>
    old.columns.map((each) => (each.attnum === attnum ? { ...each, altered: '701' } : each));

  test('when the table was rewritten and a column altered or added, not when one of both happened', () => {
    expect(rewriteReason(old, shape([...old.columns], { fileNode: 2 }))).toBeNull();
    expect(rewriteReason(old, shape(altered(2)))).toBeNull();
    expect(rewriteReason(old, shape([...old.columns, column(4, 'c')]))).toBeNull();
    expect(rewriteReason(old, shape(altered(2), { fileNode: 2 }))).toBe('it was rewritten, and column a was altered');
    expect(rewriteReason(old, shape([...old.columns, column(4, 'c')], { fileNode: 2 }))).toMatch(/c was added/);
  });

  test('when a label of an enum is another one, not when one was added', () => {
    const before = { ...old, contents: { e1: 'sad' } };
    expect(rewriteReason(before, shape([...old.columns], { contents: { e1: 'sad', e2: 'ok' } }))).toBeNull();
    expect(rewriteReason(before, shape([...old.columns], { contents: { e1: 'gloomy' } }))).toMatch(/type/);
  });

  test('when partitions came, went or changed, but for those that were born as partitions', () => {
    const one = { oid: 10, fileNode: 10, attached: '5' };
    const two = { oid: 11, fileNode: 11, attached: '6' };
    const before = { ...old, partitions: [one] };
    const after = (partitions: TableShape['partitions'], born: number[] = []): string | null =>
      rewriteReason(before, shape([...old.columns], { partitions, born: new Set(born) }));
    expect(after([one])).toBeNull();
    expect(after([one, two], [11])).toBeNull();
    expect(after([one, two])).toMatch(/attached/);
    expect(after([])).toMatch(/dropped or detached/);
    expect(after([{ ...one, fileNode: 12 }])).toMatch(/truncated/);
    expect(after([{ ...one, attached: '7' }])).toMatch(/detached and attached/);
  });
});
