import fc from 'fast-check';
import { expect, test } from 'vitest';
import { keyOrder, onlyKey, rangeHolds } from './key-range.ts';
import type { LogicalType } from './logical-type.ts';
import type { Table } from './table.ts';

function keyed(...types: LogicalType[]): Table {
  const columns = types.map((type, index) => ({ name: `k${index}`, type, nullable: false, sourceType: 'x' }));
  return { namespace: 'public', name: 't', version: 1, columns, key: types.map((_type, index) => index) };
}

function orderOf(type: LogicalType): (a: string, b: string) => number {
  const order = keyOrder(keyed(type))!;
  return (a, b) => Math.sign(order([a], [b]));
}

test('integers are ordered by value', () => {
  const order = orderOf({ kind: 'int', bits: 64 });
  fc.assert(
    fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), fc.bigInt({ min: -300n, max: 300n }), (a, b) => {
      expect(order(String(a), String(b))).toBe(a < b ? -1 : a > b ? 1 : 0);
      expect(order(String(b), String(a))).toBe(a < b ? 1 : a > b ? -1 : 0);
    }),
  );
});

test('text is ordered by its UTF-8 bytes', () => {
  const order = orderOf({ kind: 'string' });
  const text = fc.string({ unit: 'binary', maxLength: 4 });
  fc.assert(
    fc.property(text, text, (a, b) => {
      expect(order(a, b)).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)));
    }),
  );
  expect(order('￿', '😀')).toBe(-1);
});

test.each([
  ['date', ['-infinity', '-010000-01-01', '-000043-03-15', '0000-12-31', '0001-01-01', '2026-01-02', '2026-11-02', '10000-01-01', 'infinity']],
  ['timestamptz', ['-infinity', '-000043-03-15T00:00:00Z', '2026-01-02T03:04:05Z', '2026-01-02T03:04:05.000001Z', '2026-01-02T03:04:05.1Z', '2026-01-02T03:04:06Z', 'infinity']],
  ['timestamp', ['2026-01-02T03:04:05', '2026-01-02T03:04:05.1', '2026-01-02T03:04:06']],
  ['bool', ['f', 't']],
  ['bytes', ['', '00', '00ff', '01']],
] as const)('%s', (kind, ordered) => {
  const order = orderOf({ kind });
  for (const [i, a] of ordered.entries()) {
    for (const [j, b] of ordered.entries()) expect(order(a, b), `${a} and ${b}`).toBe(Math.sign(i - j));
  }
});

test('keys of several columns are ordered column by column, and a range holds its upper end only', () => {
  const order = keyOrder(keyed({ kind: 'string' }, { kind: 'int', bits: 32 }))!;
  expect(order(['a', '10'], ['a', '9'])).toBeGreaterThan(0);
  expect(order(['a', '10'], ['b', '9'])).toBeLessThan(0);
  const range = { after: ['a', '9'], upTo: ['b', '0'] };
  const held = [['a', '9'], ['a', '10'], ['b', '0'], ['b', '1']].map((key) => rangeHolds(range, key, order));
  expect(held).toEqual([false, true, true, false]);
  expect(rangeHolds({ after: null, upTo: null }, ['', '0'], order)).toBe(true);
});

test('a table without a key, or with one that stores order differently, has no ranges', () => {
  expect(keyOrder(keyed())).toBeNull();
  expect(keyOrder(keyed({ kind: 'int', bits: 32 }, { kind: 'other' }))).toBeNull();
});

test('a range that begins and ends with a key holds that key alone', () => {
  const order = keyOrder(keyed({ kind: 'string' }, { kind: 'int', bits: 32 }))!;
  const range = { after: ['a', '9'], upTo: ['a', '9'] };
  expect(onlyKey(range)).toEqual(['a', '9']);
  expect([['a', '8'], ['a', '9'], ['a', '10']].map((key) => rangeHolds(range, key, order))).toEqual([false, true, false]);
  expect([{ after: ['a', '8'], upTo: ['a', '9'] }, { after: null, upTo: null }].map(onlyKey)).toEqual([null, null]);
});
