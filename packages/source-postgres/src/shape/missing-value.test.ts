import { mapType, type PgType } from '@weir/postgres';
import { expect, test } from 'vitest';
import { missingCell } from './missing-value.ts';

const text = (cell: Uint8Array | null): string | null => (cell === null ? null : Buffer.from(cell).toString());

const types = new Map<number, PgType>(
  (
    [
      [17, 'bytea', 0],
      [23, 'int4', 0],
      [1007, '_int4', 23],
      [1184, 'timestamptz', 0],
    ] as const
  ).map(([oid, name, elementOid]) => [
    oid,
    { oid, name, kind: 'b', baseOid: 0, baseModifier: -1, elementOid, builtIn: true, extension: null },
  ]),
);
const rewriteOf = (oid: number) => mapType(types, oid, -1).rewrite;

test('is the one element of an array, without the quotes of arrays', () => {
  expect(text(missingCell('{7}', null))).toBe('7');
  expect(text(missingCell('{plain}', null))).toBe('plain');
  expect(text(missingCell('{"a, \\"b\\" and \\\\"}', null))).toBe('a, "b" and \\');
  expect(text(missingCell('{""}', null))).toBe('');
  expect(text(missingCell('{"NULL"}', null))).toBe('NULL');
  expect(missingCell('{NULL}', null)).toBeNull();
  expect(text(missingCell('{"(1,1),(0,0)"}', null))).toBe('(1,1),(0,0)');
});

test('is rewritten to its canonical cell (invariant 9)', () => {
  expect(text(missingCell('{"2024-02-29 12:30:00+00"}', rewriteOf(1184)))).toBe('2024-02-29T12:30:00Z');
  expect(text(missingCell('{"{1,2,NULL}"}', rewriteOf(1007)))).toBe('[1,2,null]');
  expect(missingCell('{"\\\\x00ff"}', rewriteOf(17))).toEqual(Buffer.from([0, 255]));
});
