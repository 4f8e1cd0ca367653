import { expect, test } from 'vitest';
import { MysqlType } from './cells/mysql-type.ts';
import { UNKNOWN_WIDTH, passValue, valueWidth } from './value-width.ts';

/** Widths as the vendors' pages of data types and of TABLE_MAP give them; the first byte of the metadata is the low one. */
test.each<[string, number, number, number]>([
  ['TINYINT', MysqlType.tiny, 0, 1],
  ['SMALLINT', MysqlType.short, 0, 2],
  ['MEDIUMINT', MysqlType.int24, 0, 3],
  ['INT', MysqlType.long, 0, 4],
  ['BIGINT', MysqlType.longlong, 0, 8],
  ['FLOAT', MysqlType.float, 4, 4],
  ['DOUBLE', MysqlType.double, 8, 8],
  ['YEAR', MysqlType.year, 0, 1],
  ['DATE', MysqlType.date, 0, 3],
  ['TIME before 5.6', MysqlType.time, 0, 3],
  ['DATETIME before 5.6', MysqlType.datetime, 0, 8],
  ['TIMESTAMP before 5.6', MysqlType.timestamp, 0, 4],
  ['TIMESTAMP', MysqlType.timestamp2, 0, 4],
  ['TIMESTAMP(1)', MysqlType.timestamp2, 1, 5],
  ['TIMESTAMP(6)', MysqlType.timestamp2, 6, 7],
  ['DATETIME', MysqlType.datetime2, 0, 5],
  ['DATETIME(3)', MysqlType.datetime2, 3, 7],
  ['DATETIME(6)', MysqlType.datetime2, 6, 8],
  ['TIME', MysqlType.time2, 0, 3],
  ['TIME(4)', MysqlType.time2, 4, 5],
  ['TIME(7)', MysqlType.time2, 7, UNKNOWN_WIDTH],
  ['DECIMAL(10,2)', MysqlType.newDecimal, 10 | (2 << 8), 5],
  ['DECIMAL(1,0)', MysqlType.newDecimal, 1, 1],
  ['DECIMAL(18,9)', MysqlType.newDecimal, 18 | (9 << 8), 8],
  ['DECIMAL(20,6)', MysqlType.newDecimal, 20 | (6 << 8), 10],
  ['DECIMAL(65,30)', MysqlType.newDecimal, 65 | (30 << 8), 30],
  ['DECIMAL(2,3)', MysqlType.newDecimal, 2 | (3 << 8), UNKNOWN_WIDTH],
  ['BIT(1)', MysqlType.bit, 1, 1],
  ['BIT(8)', MysqlType.bit, 1 << 8, 1],
  ['BIT(9)', MysqlType.bit, 1 | (1 << 8), 2],
  ['BIT(64)', MysqlType.bit, 8 << 8, 8],
  ['VARCHAR of up to 255 bytes', MysqlType.varchar, 255, -1],
  ['VARCHAR of up to 256 bytes', MysqlType.varchar, 256, -2],
  ['compressed VARCHAR', MysqlType.compressedVarchar, 1000, -2],
  ['CHAR of up to 255 bytes', MysqlType.string, 0xfe | (255 << 8), -1],
  ['CHAR of up to 256 bytes', MysqlType.string, 0xee, -2],
  ['CHAR of up to 1020 bytes', MysqlType.string, 0xce | (0xfc << 8), -2],
  ['ENUM', MysqlType.string, MysqlType.enum | (1 << 8), 1],
  ['ENUM of more than 255 values', MysqlType.string, MysqlType.enum | (2 << 8), 2],
  ['SET of 64 values', MysqlType.string, MysqlType.set | (8 << 8), 8],
  ['SET of no bytes', MysqlType.string, MysqlType.set, UNKNOWN_WIDTH],
  ['TINYBLOB', MysqlType.blob, 1, -1],
  ['BLOB', MysqlType.blob, 2, -2],
  ['MEDIUMBLOB', MysqlType.blob, 3, -3],
  ['LONGBLOB', MysqlType.blob, 4, -4],
  ['compressed BLOB', MysqlType.compressedBlob, 2, -2],
  ['JSON', MysqlType.json, 4, -4],
  ['GEOMETRY', MysqlType.geometry, 4, -4],
  ['VECTOR', MysqlType.vector, 4, -4],
  ['BLOB of another length', MysqlType.blob, 5, UNKNOWN_WIDTH],
  ['a type that is not known', 99, 0, UNKNOWN_WIDTH],
])('%s', (_what, type, meta, width) => {
  expect(valueWidth(type, meta)).toBe(width);
});

test('a value is passed by its width or its length', () => {
  const data = Uint8Array.of(9, 1, 2, 3, 4, 5);
  expect(passValue(3, data, 1, 6)).toBe(4);
  expect(passValue(-1, data, 1, 6)).toBe(3);
  expect(passValue(-2, data, 1, 6)).toBe(3 + 0x201);
  expect(passValue(-3, data, 1, 6)).toBe(4 + 0x3_0201);
  expect(passValue(-4, data, 1, 6)).toBe(5 + 0x403_0201);
  expect(passValue(-4, data, 3, 6)).toBe(7);
});
