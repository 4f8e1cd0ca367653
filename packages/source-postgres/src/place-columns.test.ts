import { expect, test } from 'vitest';
import { placeColumns, type KnownColumns } from './place-columns.ts';

const known = (old: number[], now: number[], more: Partial<KnownColumns> = {}): KnownColumns => ({
  old,
  now,
  never: [],
  highest: Math.max(...old, ...now),
  earlier: null,
  ...more,
});

test('what was there before and is there now is announced, whatever its names', () => {
  expect(placeColumns(known([1, 2, 3], [1, 2, 3]), 3)).toEqual([1, 2, 3]);
});

test('the catalog is ahead: a column that it has no more is still announced', () => {
  expect(placeColumns(known([1, 2, 3], [1, 3]), 3)).toEqual([1, 2, 3]);
  expect(placeColumns(known([1, 2, 3], [1, 3]), 2)).toEqual([1, 3]);
});

test('the catalog is ahead: columns that it has already are announced one after the other', () => {
  const ahead = known([1], [1, 2, 3]);
  expect(placeColumns(ahead, 1)).toEqual([1]);
  expect(placeColumns(ahead, 2)).toEqual([1, 2]);
  expect(placeColumns(ahead, 3)).toEqual([1, 2, 3]);
  expect(placeColumns(ahead, 4)).toBeNull();
});

test('one dropped and one added may be the old or the new one, and what they look like may tell', () => {
  const unsure = known([1, 2], [1, 3]);
  expect(placeColumns(unsure, 1)).toEqual([1]);
  expect(placeColumns(unsure, 2)).toBeNull();
  expect(placeColumns(unsure, 2, (index, attnum) => index === 0 || attnum === 3)).toEqual([1, 3]);
});

test('a column that was added and dropped again may have been announced', () => {
  expect(placeColumns(known([1], [1], { highest: 2 }), 2)).toEqual([1, 2]);
  expect(placeColumns(known([1], [1, 3], { highest: 3 }), 2)).toBeNull();
});

test('what the catalog had at an earlier moment leaves no doubt', () => {
  const earlier = { has: [1, 3], highest: 3 };
  expect(placeColumns(known([1, 2], [1, 3], { earlier }), 2)).toEqual([1, 3]);
});

test('columns that are not captured are not announced', () => {
  expect(placeColumns(known([1, 2], [1, 4], { highest: 4, never: [3] }), 1)).toEqual([1]);
  expect(placeColumns(known([1, 3], [1, 3], { highest: 4, never: [4] }), 2)).toEqual([1, 3]);
});

test('a column from before that was not captured then cannot be placed', () => {
  expect(placeColumns(known([1, 3], [1, 2, 3]), 3)).toBeNull();
});
