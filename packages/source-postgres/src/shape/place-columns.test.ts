import { describe, expect, test } from 'vitest';
import { placeColumns, type KnownColumns, type When } from './place-columns.ts';

type Now = Record<number, [name: string, altered?: When]>;

function known(old: Record<number, string>, now: Now, more: Partial<KnownColumns> = {}): KnownColumns {
  return {
    old: new Map(Object.entries(old).map(([attnum, name]) => [Number(attnum), name])),
    now: new Map(Object.entries(now).map(([attnum, [name, altered = 'before']]) => [Number(attnum), { name, altered }])),
    dropped: new Map(),
    earlier: null,
    ...more,
  };
}

const dropped = (columns: Record<number, When>): Partial<KnownColumns> => ({
  dropped: new Map(Object.entries(columns).map(([attnum, when]) => [Number(attnum), when])),
});

test('what was there before and is there now is announced, whatever its name', () => {
  const columns = known({ 1: 'id', 2: 'a', 3: 'b' }, { 1: ['id'], 2: ['d', 'after'], 3: ['b'] });
  expect(placeColumns(columns, ['id', 'c', 'b'])).toEqual([1, 2, 3]);
});

describe('the catalog is ahead', () => {
  test('of a column that it has no more and that is still announced, until it is not', () => {
    const columns = known({ 1: 'id', 2: 'a', 3: 'b' }, { 1: ['id'], 3: ['b'] }, dropped({ 2: 'after' }));
    expect(placeColumns(columns, ['id', 'a', 'b'])).toEqual([1, 2, 3]);
    expect(placeColumns(columns, ['id', 'b'])).toEqual([1, 3]);
  });

  test('of columns that are announced one after the other', () => {
    const columns = known({ 1: 'id' }, { 1: ['id'], 2: ['a', 'after'], 3: ['b', 'after'] });
    expect(placeColumns(columns, ['id'])).toEqual([1]);
    expect(placeColumns(columns, ['id', 'a'])).toEqual([1, 2]);
    expect(placeColumns(columns, ['id', 'a', 'b'])).toEqual([1, 2, 3]);
    expect(placeColumns(columns, ['id', 'a', 'b', 'c'])).toBeNull();
  });

  test('of one that was dropped and one that was added, of which nothing is announced yet', () => {
    const columns = known({ 1: 'id', 2: 'a' }, { 1: ['id'], 3: ['b', 'after'] }, dropped({ 2: 'after' }));
    expect(placeColumns(columns, ['id', 'a'])).toEqual([1, 2]);
  });

  test('of one that was added and dropped again', () => {
    expect(placeColumns(known({ 1: 'id' }, { 1: ['id'] }, dropped({ 2: 'after' })), ['id', 'a'])).toEqual([1, 2]);
  });
});

describe('one is dropped and one added', () => {
  const columns = known({ 1: 'id', 2: 'a' }, { 1: ['id'], 3: ['b'] }, dropped({ 2: 'before' }));

  test('before the rows, so that they have the new one', () => {
    expect(placeColumns(columns, ['id', 'b'])).toEqual([1, 3]);
  });

  test('behind rows that have the name of the new one: it may have been a name of the old one', () => {
    const after = known({ 1: 'id', 2: 'a' }, { 1: ['id'], 3: ['b', 'after'] }, dropped({ 2: 'after' }));
    expect(placeColumns(after, ['id', 'b'])).toBeNull();
  });

  test('and what they look like tells', () => {
    const after = known({ 1: 'id', 2: 'a' }, { 1: ['id'], 3: ['b', 'after'] }, dropped({ 2: 'after' }));
    expect(placeColumns(after, ['id', 'b'], (index, attnum) => index === 0 || attnum === 3)).toEqual([1, 3]);
  });

  test('under the same name: nothing tells', () => {
    for (const when of ['before', 'within', 'after'] as const) {
      const same = known({ 1: 'id', 2: 'a' }, { 1: ['id'], 3: ['a', when] }, dropped({ 2: when }));
      expect(placeColumns(same, ['id', 'a']), when).toBeNull();
    }
  });

  test('and the catalog of an earlier moment leaves no doubt', () => {
    const earlier = { has: new Set([1, 3]), highest: 3 };
    const same = known({ 1: 'id', 2: 'a' }, { 1: ['id'], 3: ['a'] }, { ...dropped({ 2: 'before' }), earlier });
    expect(placeColumns(same, ['id', 'a'])).toEqual([1, 3]);
  });
});

test('a column from before that was not captured then cannot be placed', () => {
  expect(placeColumns(known({ 1: 'id', 3: 'b' }, { 1: ['id'], 2: ['a'], 3: ['b'] }), ['id', 'a', 'b'])).toBeNull();
});
