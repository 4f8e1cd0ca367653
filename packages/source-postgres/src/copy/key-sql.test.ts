import { expect, test } from 'vitest';
import type { CatalogTable } from '../capture/catalog.ts';
import { isCopiedByKey, keySql } from './key-sql.ts';

function keyed(...columns: readonly (readonly [name: string, typeOid: number, kind: string])[]): CatalogTable {
  return {
    oid: 7,
    columns: columns.map(([name, typeOid], index) => ({ name, typeOid, modifier: -1, attnum: index + 1 })),
    table: {
      namespace: 'public',
      name: 't',
      version: 1,
      columns: columns.map(([name, , kind]) => ({ name, type: { kind, bits: 64 }, nullable: false, sourceType: kind })),
      key: columns.map((_column, index) => index),
    },
  } as unknown as CatalogTable;
}

test('a key of several columns is compared as a row', () => {
  const sql = keySql(keyed(['a"b', 20, 'int'], ['u', 2950, 'uuid']), new Set());
  expect(sql.after(['5', 'x'])).toBe(`("a""b", "u") > ('5'::bigint, 'x'::uuid)`);
  expect(sql.is(['5', 'x'])).toBe(`("a""b", "u") = ('5'::bigint, 'x'::uuid)`);
  expect(sql.isIndexed).toBe(true);
});

test('text is compared by its bytes, by the index where that has this order', () => {
  const table = keyed(['k', 1043, 'string']);
  expect(keySql(table, new Set())).toMatchObject({ ascending: '"k" COLLATE "C"', isIndexed: false });
  expect(keySql(table, new Set(['7.1']))).toMatchObject({ ascending: '"k"', isIndexed: true });
  expect(keySql(table, new Set()).after(["it's"])).toBe(`"k" COLLATE "C" > 'it''s'::text`);
  expect(keySql(table, new Set()).is(["it's"])).toBe(`"k" = 'it''s'::text AND "k" COLLATE "C" = 'it''s'::text`);
});

test('canonical cells become what the server reads', () => {
  expect(keySql(keyed(['k', 17, 'bytes']), new Set()).after(['00ff'])).toBe(`"k" > '\\x00ff'::bytea`);
  const dates = keySql(keyed(['k', 1082, 'date']), new Set());
  const literals = ['0000-12-31', '-000043-03-15', '2026-01-02', '-infinity'].map((cell) => dates.after([cell]));
  expect(literals).toEqual([
    `"k" > '0001-12-31 BC'::date`,
    `"k" > '0044-03-15 BC'::date`,
    `"k" > '2026-01-02'::date`,
    `"k" > '-infinity'::date`,
  ]);
});

test('without a key, or with one that a client cannot order, there is no copy by key', () => {
  expect(isCopiedByKey(keyed(['k', 20, 'int']))).toBe(true);
  expect(isCopiedByKey(keyed())).toBe(false);
  expect(isCopiedByKey(keyed(['k', 1042, 'string']))).toBe(false);
  expect(isCopiedByKey(keyed(['k', 1700, 'decimal']))).toBe(false);
});
