import { describe, expect, it } from 'vitest';
import type { ColumnState } from '../checkpoint-state.ts';
import { addedCell } from './added-value.ts';
import { keepsCells } from './kept-cells.ts';

const column = (type: string, more: Partial<ColumnState> = {}): ColumnState => ({ name: 'c', type, nullable: true, ...more });
const keeps = (from: string, to: string): boolean => keepsCells(column(from), column(to));

describe('a type that was altered', () => {
  it('keeps every cell where no value can become another', () => {
    for (const [from, to] of [
      ['int', 'bigint'],
      ['int unsigned', 'bigint'],
      ['int(11)', 'int'],
      ['varchar(40)', 'text'],
      ['tinytext', 'longtext'],
      ['char(4)', 'char(9)'],
      ['decimal(10,2)', 'decimal(12,2)'],
      ['datetime', 'datetime(6)'],
      ["enum('a','b')", "enum('a','b','c')"],
      ['varbinary(4)', 'blob'],
    ] as const) {
      expect(keeps(from, to), `${from} to ${to}`).toBe(true);
    }
    const latin = column('varchar(40)', { charset: 'latin1' });
    expect(keepsCells(latin, column('varchar(40)', { charset: 'utf8mb4' }))).toBe(true);
  });

  it('does not where one may', () => {
    for (const [from, to] of [
      ['bigint', 'int'],
      ['int', 'int unsigned'],
      ['int unsigned', 'int'],
      ['varchar(40)', 'varchar(39)'],
      ['varchar(40)', 'char(40)'],
      ['char(40)', 'varchar(40)'],
      ['decimal(10,2)', 'decimal(12,3)'],
      ['decimal(10,2)', 'decimal(10,2) unsigned'],
      ['datetime(6)', 'datetime'],
      ['datetime', 'timestamp'],
      ["enum('a','b')", "enum('b','a')"],
      ['int', 'varchar(20)'],
      ['binary(4)', 'binary(5)'],
    ] as const) {
      expect(keeps(from, to), `${from} to ${to}`).toBe(false);
    }
    expect(keepsCells(column('int'), column('int', { nullable: false }))).toBe(false);
    expect(keepsCells(column('text', { charset: 'utf8mb4' }), column('text', { charset: 'latin1' }))).toBe(false);
  });
});

describe('a column that was added', () => {
  it('has in rows of before what the statement says, as its type prints it', () => {
    const literal = (text: string, type: string): unknown => addedCell({ as: 'literal', text }, column(type));
    expect(literal('007', 'int')).toBe('7');
    expect(literal('-1.5', 'decimal(6,3)')).toBe('-1.500');
    expect(literal('0', 'decimal(6,0)')).toBe('0');
    expect(literal('it  ', 'char(9)')).toBe('it');
    expect(literal('it  ', 'varchar(9)')).toBe('it  ');
    expect(literal("b'c", "enum('a','b''c')")).toBe("b'c");
    expect(literal('2024-02-29', 'date')).toBe('2024-02-29');
    expect(literal('2024-02-29 01:02:03', 'datetime')).toBe('2024-02-29T01:02:03');
    expect(addedCell({ as: 'null' }, column('int'))).toBeNull();
    const full = { nullable: false };
    expect(addedCell({ as: 'implicit' }, column('int', full))).toBe('0');
    expect(addedCell({ as: 'implicit' }, column('decimal(6,2)', full))).toBe('0.00');
    expect(addedCell({ as: 'implicit' }, column('varchar(9)', full))).toBe('');
  });

  it('says nothing where it is not sure', () => {
    for (const [text, type] of [
      ['1.005', 'decimal(6,2)'],
      ['1.5', 'int'],
      ['2024-02-30', 'date'],
      ['0000-00-00', 'date'],
      ['2024-01-01 00:00:00', 'timestamp'],
      ['0.1', 'double'],
      ['x', "enum('a')"],
      ['a', "set('a','b')"],
      ['24', 'year'],
      ['a', 'varbinary(3)'],
    ] as const) {
      expect(addedCell({ as: 'literal', text }, column(type)), `${text} in ${type}`).toBeUndefined();
    }
    expect(addedCell({ as: 'unknown' }, column('int'))).toBeUndefined();
    expect(addedCell({ as: 'implicit' }, column('datetime', { nullable: false }))).toBeUndefined();
  });
});
