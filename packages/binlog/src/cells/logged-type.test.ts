import { describe, expect, it } from 'vitest';
import type { BinlogColumn } from './cell-decoder.ts';
import { loggedType } from './logged-type.ts';
import { MysqlType } from './mysql-type.ts';
import { parseSourceType } from './source-type.ts';

const column = (type: number, meta: number, more: Partial<BinlogColumn> = {}): BinlogColumn => ({
  type,
  meta,
  nullable: true,
  name: 'c',
  unsigned: false,
  collation: null,
  values: null,
  detail: null,
  ...more,
});
const UTF8MB4 = 255;
const LATIN1 = 8;
const BINARY = 63;

describe('a column as the log alone has it', () => {
  it('is called as the catalog calls it', () => {
    const types: readonly (readonly [BinlogColumn, string])[] = [
      [column(MysqlType.tiny, 0), 'tinyint'],
      [column(MysqlType.longlong, 0, { unsigned: true }), 'bigint unsigned'],
      [column(MysqlType.newDecimal, 10 | (2 << 8)), 'decimal(10,2)'],
      [column(MysqlType.bit, 2 | (1 << 8)), 'bit(10)'],
      [column(MysqlType.datetime2, 0), 'datetime'],
      [column(MysqlType.timestamp2, 6), 'timestamp(6)'],
      [column(MysqlType.varchar, 160, { collation: UTF8MB4 }), 'varchar(40)'],
      [column(MysqlType.varchar, 40, { collation: LATIN1 }), 'varchar(40)'],
      [column(MysqlType.varchar, 40, { collation: BINARY }), 'varbinary(40)'],
      [column(MysqlType.string, MysqlType.string | (40 << 8), { collation: UTF8MB4 }), 'char(10)'],
      [column(MysqlType.string, MysqlType.string | (4 << 8), { collation: BINARY }), 'binary(4)'],
      [column(MysqlType.blob, 2, { collation: UTF8MB4 }), 'text'],
      [column(MysqlType.blob, 4, { collation: BINARY }), 'longblob'],
      [column(MysqlType.json, 4), 'json'],
      [column(MysqlType.vector, 4, { detail: 3 }), 'vector(3)'],
    ];
    for (const [logged, type] of types) expect(loggedType(logged).type).toBe(type);
  });

  it('has its character set and its labels, as they are read again', () => {
    expect(loggedType(column(MysqlType.varchar, 40, { collation: LATIN1 })).charset).toBe('latin1');
    expect(loggedType(column(MysqlType.varchar, 40, { collation: BINARY })).charset).toBeUndefined();
    const labels = ['a', "it's", 'back\\slash', 'line\n', 'größe'];
    const values = labels.map((label) => new Uint8Array(Buffer.from(label)));
    const { type } = loggedType(column(MysqlType.string, MysqlType.enum | (1 << 8), { collation: UTF8MB4, values }));
    expect(parseSourceType(type)).toMatchObject({ name: 'enum', labels });
    const latin = loggedType(column(MysqlType.string, MysqlType.set | (1 << 8), { collation: LATIN1, values: [Uint8Array.of(0xe4)] }));
    expect(parseSourceType(latin.type).labels).toEqual(['ä']);
  });
});
