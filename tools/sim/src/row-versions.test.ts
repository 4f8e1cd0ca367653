import { expect, test } from 'vitest';
import { RowVersions, type VersionRun } from './row-versions.ts';
import { SimTransaction } from './sim-transaction.ts';

const writer = new SimTransaction(1);
const run = (first: number, count: number, by = writer): VersionRun => {
  return { by, sub: by.id, run: { first, count, row: [String(first), 'a'] } };
};

function latest(versions: RowVersions): Record<string, string | null> {
  return Object.fromEntries(Array.from(versions.keys(), (key) => [key, versions.of(key).at(-1)!.row?.[1] ?? null]));
}

test('rows of a run are there one by one, and can be written each', () => {
  const versions = new RowVersions();
  versions.add('7', { by: writer, sub: 1, row: ['7', 'first'] });
  versions.addRun(run(1, 3));
  versions.add('2', { by: writer, sub: 1, row: ['2', 'b'] });
  versions.add('3', { by: writer, sub: 1, row: null });
  expect([...versions.keys()].toSorted()).toEqual(['1', '2', '3', '7']);
  expect(latest(versions)).toEqual({ 1: 'a', 2: 'b', 3: null, 7: 'first' });
  expect(versions.of('2').map(({ row }) => row)).toEqual([['2', 'a'], ['2', 'b']]);
  expect(versions.of('4')).toEqual([]);
});

test('a run over keys that were there before comes behind what they were', () => {
  const versions = new RowVersions();
  versions.addRun(run(1, 3));
  for (const key of ['1', '2', '3']) versions.add(key, { by: writer, sub: 1, row: null });
  versions.addRun(run(2, 3));
  expect(latest(versions)).toEqual({ 1: null, 2: 'a', 3: 'a', 4: 'a' });
  expect([...versions.keys()]).toHaveLength(4);
});

test('what is taken back is forgotten, in runs and beside them', () => {
  const versions = new RowVersions();
  const other = new SimTransaction(2);
  versions.addRun(run(1, 3));
  versions.addRun(run(11, 3, other));
  versions.add('2', { by: other, sub: 2, row: null });
  versions.add('3', { by: other, sub: 3, row: null });
  versions.forget(other, (sub) => sub === 2);
  expect(Array.from(versions.keys()).filter((key) => versions.of(key).length > 0)).toEqual(['1', '2', '3']);
  expect(latest(versions)['2']).toBe('a');
  expect(latest(versions)['3']).toBeNull();
});
