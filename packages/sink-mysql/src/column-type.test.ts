import type { Column, LogicalType, Table } from '@weir/sdk';
import { describe, expect, it } from 'vitest';
import { columnType, TypeRules } from './column-type.ts';

function tableOf(types: Record<string, LogicalType>, key: readonly string[] = []): Table {
  const columns = Object.entries(types).map(([name, type]): Column => ({ name, type, nullable: true, sourceType: 'test' }));
  return { namespace: 'public', name: 't', version: 1, columns, key: key.map((name) => columns.findIndex((column) => column.name === name)) };
}

function sqlOf(types: Record<string, LogicalType>, key: readonly string[] = [], rules = new TypeRules('mysql')): Record<string, string> {
  const table = tableOf(types, key);
  return Object.fromEntries(table.columns.map((column) => [column.name, columnType(table, column, key, rules).sql]));
}

const text = 'longtext collate utf8mb4_0900_bin';

describe('the type of a column', () => {
  it('is the server’s own where that holds every value', () => {
    expect(
      sqlOf({
        bool: { kind: 'bool' },
        int8: { kind: 'int', bits: 8 },
        uint64: { kind: 'uint', bits: 64 },
        decimal: { kind: 'decimal', precision: 65, scale: 30 },
        at: { kind: 'timestamptz' },
        id: { kind: 'uuid' },
        bytes: { kind: 'bytes' },
      }),
    ).toEqual({
      bool: 'tinyint(1)',
      int8: 'tinyint',
      uint64: 'bigint unsigned',
      decimal: 'decimal(65,30)',
      at: 'datetime(6)',
      id: 'char(36) collate ascii_bin',
      bytes: 'longblob',
    });
  });

  it('is text for what the server has no type for, or one that changes the text (invariant 9)', () => {
    const types = {
      json: { kind: 'json' },
      unbounded: { kind: 'decimal', precision: null, scale: null },
      precise: { kind: 'decimal', precision: 66, scale: 2 },
      negative: { kind: 'decimal', precision: 5, scale: -2 },
      interval: { kind: 'interval' },
      array: { kind: 'array', of: { kind: 'bool' } },
    } as const;
    expect(new Set(Object.values(sqlOf(types)))).toEqual(new Set([text]));
  });

  it('has in a key a length that all text of the key fits in an index with', () => {
    const types = { a: { kind: 'string' }, b: { kind: 'enum' }, c: { kind: 'bytes' }, n: { kind: 'int', bits: 64 } } as const;
    expect(sqlOf(types, ['a'])).toMatchObject({ a: 'varchar(768) collate utf8mb4_0900_bin', b: text, c: 'longblob' });
    expect(sqlOf(types, ['c'])).toMatchObject({ c: 'varbinary(3072)' });
    expect(sqlOf(types, ['a', 'b', 'c', 'n'])).toMatchObject({
      a: 'varchar(252) collate utf8mb4_0900_bin',
      c: 'varbinary(1010)',
      n: 'bigint',
    });
  });

  it('is text for columns that are asked to be', () => {
    const types = { ratio: { kind: 'float', bits: 64 }, at: { kind: 'date' }, raw: { kind: 'bytes' } } as const;
    const rules = new TypeRules('mariadb', ['public.t.r*', '*.other.at']);
    expect(sqlOf(types, [], rules)).toEqual({ ratio: 'longtext collate utf8mb4_nopad_bin', at: 'date', raw: 'longblob' });
  });
});
