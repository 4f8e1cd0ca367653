import { describe, expect, it } from 'vitest';
import { shapeOfState, type TableShape } from '../capture/table-shape.ts';
import { isCopiedByKey, keySql } from './key-sql.ts';

function keyed(...types: readonly string[]): TableShape {
  const columns = types.map((type, index) => ({ name: `k${index}`, type, nullable: false }));
  return shapeOfState({ namespace: 'd', name: 't', reason: 'first', version: 1, columns, key: types.map((_type, index) => index) }, 'null');
}

describe('a key of several columns', () => {
  it('is compared column by column, so that the index is read by ranges', () => {
    const sql = keySql(keyed('int', 'varchar(9)', 'date'));
    expect(sql.ascending).toBe('`k0`, `k1`, `k2`');
    const [first, second, third] = ['`k0` > 5', "`k1` > 'it\\'s'", "`k2` > '2024-01-01'"];
    expect(sql.after(['5', "it's", '2024-01-01'])).toBe(`(${first} OR (\`k0\` = 5 AND (${second} OR (\`k1\` = 'it\\'s' AND ${third}))))`);
  });
});

describe('a key becomes a constant of its column', () => {
  it.each([
    ['bigint unsigned', '18446744073709551615', '18446744073709551615'],
    ['decimal(10,2)', '-0.50', '-0.50'],
    ['float', '0.1', '0.10000000149011612e0'],
    ['double', '1e+300', '1e+300'],
    ['bit(4)', '0101', "b'0101'"],
    ['varbinary(9)', '00ff', "x'00ff'"],
    ['datetime(3)', '2024-02-29T12:00:00.5', "'2024-02-29 12:00:00.5'"],
    ['timestamp', '2024-02-29T12:00:00Z', "'2024-02-29 12:00:00'"],
    ['time(1)', 'PT-838H-59M-59.5S', "'-838:59:59.5'"],
    ['time', 'PT0S', "'0:0:0'"],
    ["set('a','b','c')", 'a,c', '5'],
    ["set('a')", '', '0'],
    ['uuid', '123e4567-e89b-12d3-a456-426614174000', "'123e4567-e89b-12d3-a456-426614174000'"],
  ])('of %s: %s is %s', (type, cell, literal) => expect(keySql(keyed(type)).after([cell])).toBe(`\`k0\` > ${literal}`));

  it('of an enum its later labels, since no index finds them by their numbers', () => {
    const key = keySql(keyed("enum('z','it''s','a')"));
    expect(key.after(['z'])).toBe("`k0` IN ('it\\'s', 'a')");
    expect(key.after([''])).toBe("`k0` IN ('z', 'it\\'s', 'a')");
    expect(key.after(['a'])).toBe('FALSE');
  });
});

describe('what a table lets its copy do', () => {
  it('a client orders numbers, bytes and times; the rest only the server', () => {
    const isOrdered = (...types: readonly string[]): boolean => keySql(keyed(...types)).order !== null;
    for (const type of ['int', 'bigint unsigned', 'year', 'binary(3)', 'varbinary(9)', 'date', 'datetime(6)', 'timestamp']) expect(isOrdered(type), type).toBe(true);
    for (const type of ['varchar(9)', 'char(9)', "enum('a')", 'decimal(9,2)', 'uuid', 'year(2)', 'time', 'float', 'inet6']) expect(isOrdered(type), type).toBe(false);
    expect(isOrdered('int', 'varchar(9)')).toBe(false);
  });

  it('is copied by key when it has one whose values can be told', () => {
    expect(isCopiedByKey(keyed())).toBe(false);
    expect(isCopiedByKey(keyed('int', 'varchar(9)'))).toBe(true);
    expect(isCopiedByKey(keyed("enum('a','')"))).toBe(false);
    expect(isCopiedByKey(keyed("enum('a')"))).toBe(true);
  });
});
