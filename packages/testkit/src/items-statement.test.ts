import { expect, test } from 'vitest';
import { itemsStatement } from './items-statement.ts';

test('a change of the contract is a statement in SQL, its names and texts quoted', () => {
  expect([
    itemsStatement({ op: 'insert', id: 1, label: "it's" }),
    itemsStatement({ op: 'update', id: 1, large: null }),
    itemsStatement({ op: 'changeKey', id: 1, to: 2 }),
    itemsStatement({ op: 'delete', id: 2 }),
    itemsStatement({ op: 'truncate' }),
    itemsStatement({ op: 'addColumn', column: 'a "b"', value: 'x' }),
    itemsStatement({ op: 'addColumn', column: 'c', value: null }),
    itemsStatement({ op: 'renameColumn', column: 'd', from: 'c' }),
    itemsStatement({ op: 'dropColumn', column: 'd' }),
    itemsStatement({ op: 'insertRow', id: 3, values: { 'a "b"': 'y' } }),
    itemsStatement({ op: 'updateRow', id: 3, values: { 'a "b"': null } }),
  ]).toEqual([
    `INSERT INTO items ("id", "label", "large") VALUES (1, 'it''s', NULL)`,
    'UPDATE items SET "large" = NULL WHERE id = 1',
    'UPDATE items SET id = 2 WHERE id = 1',
    'DELETE FROM items WHERE id = 2',
    'TRUNCATE TABLE items',
    `ALTER TABLE items ADD COLUMN "a ""b""" text DEFAULT 'x'`,
    'ALTER TABLE items ADD COLUMN "c" text',
    'ALTER TABLE items RENAME COLUMN "c" TO "d"',
    'ALTER TABLE items DROP COLUMN "d"',
    `INSERT INTO items ("id", "a ""b""") VALUES (3, 'y')`,
    'UPDATE items SET "a ""b""" = NULL WHERE id = 3',
  ]);
});

test('a database that quotes in another way says how', () => {
  const quoting = { name: (name: string) => `[${name}]`, text: (text: string) => `N'${text}'` };
  expect(itemsStatement({ op: 'update', id: 1, label: 'a' }, quoting)).toBe("UPDATE items SET [label] = N'a' WHERE id = 1");
});
