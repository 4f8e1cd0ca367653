import { deflateRawSync, deflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { cellsOf, column, decoded, textOf } from '../testing/decoded.ts';
import { encodeBytes, encodeFloat } from '../encoding/encode-value.ts';
import { MysqlType } from './mysql-type.ts';

const UTF8MB4 = 255;
const LATIN1 = 8;
const BINARY = 63;
const bytes = (hex: string): Buffer => Buffer.from(hex, 'hex');
/** The metadata of a STRING column: the real type, and a length whose upper two bits are inverted in it. */
const fixed = (type: number, length: number): number => (type ^ ((length & 0x300) >> 4)) | ((length & 0xff) << 8);

describe('text', () => {
  it('in UTF-8 stays where it lies', () => {
    const of = column(MysqlType.varchar, 80, { collation: UTF8MB4 });
    expect(cellsOf(of).type).toEqual({ kind: 'string' });
    expect(textOf(of, encodeBytes(Buffer.from('naïve 😀  '), 1))).toBe('naïve 😀  ');
    expect(textOf(of, encodeBytes(Buffer.from(''), 1))).toBe('');
  });

  it('has a length of two bytes where it may be longer than 255', () => {
    const long = 'é'.repeat(300);
    expect(textOf(column(MysqlType.varchar, 256, { collation: UTF8MB4 }), encodeBytes(Buffer.from(long), 2))).toBe(long);
    expect(textOf(column(MysqlType.varString, 255, { collation: UTF8MB4 }), encodeBytes(Buffer.from('x'), 1))).toBe('x');
    const wide = column(MysqlType.string, fixed(MysqlType.string, 1020), { collation: UTF8MB4 });
    expect(textOf(wide, encodeBytes(Buffer.from(long), 2))).toBe(long);
  });

  it('in another character set becomes UTF-8', () => {
    const of = column(MysqlType.blob, 2, { collation: LATIN1 });
    expect(textOf(of, encodeBytes(Buffer.from([0x63, 0x61, 0x66, 0xe9, 0x80]), 2))).toBe('café€');
    expect(textOf(of, encodeBytes(Buffer.from('plain'), 2))).toBe('plain');
    const utf16 = column(MysqlType.string, fixed(MysqlType.string, 40), { collation: 54 });
    expect(textOf(utf16, encodeBytes(Buffer.from([0, 0x41]), 1))).toBe('A');
  });

  it('has the character set of the catalog where the log says none', () => {
    const of = column(MysqlType.varchar, 20);
    expect(textOf(of, encodeBytes(Buffer.from([0xe6]), 1), { characterSet: 'cp1251' })).toBe('ж');
    expect(cellsOf(of, { sourceType: 'varbinary(20)' }).type).toEqual({ kind: 'bytes' });
    expect(() => cellsOf(of)).toThrow(expect.objectContaining({ code: 'WEIR_BINLOG_UNSUPPORTED', message: 'column "c": its character set is not known' }));
    expect(() => cellsOf(column(MysqlType.varchar, 20, { collation: 63 }), { characterSet: 'latin1' })).not.toThrow();
    expect(() => cellsOf(of, { characterSet: 'klingon' })).toThrow(/its character set klingon is not known/);
  });

  it('is JSON where the catalog says so, as MariaDB has it', () => {
    const of = column(MysqlType.blob, 4, { collation: UTF8MB4 });
    expect(cellsOf(of, { sourceType: 'json' }).type).toEqual({ kind: 'json' });
    expect(textOf(of, encodeBytes(Buffer.from('{"a":1}'), 4), { sourceType: 'json' })).toBe('{"a":1}');
  });
});

describe('bytes', () => {
  it('of fixed length have their zeros again', () => {
    const of = column(MysqlType.string, fixed(MysqlType.string, 5), { collation: BINARY });
    expect(cellsOf(of).type).toEqual({ kind: 'bytes' });
    expect(decoded(cellsOf(of).decoder, bytes('020100'))).toEqual(bytes('0100000000'));
    expect(decoded(cellsOf(of).decoder, bytes('00'))).toEqual(bytes('0000000000'));
    expect(decoded(cellsOf(of).decoder, bytes('050102030405'))).toEqual(bytes('0102030405'));
    expect(() => decoded(cellsOf(of).decoder, bytes('06010203040506'))).toThrow(/longer than its type allows/);
  });

  it.each([1, 2, 3, 4])('of variable length stand behind %s bytes', (prefix) => {
    const of = column(MysqlType.blob, prefix, { collation: BINARY });
    expect(decoded(cellsOf(of).decoder, encodeBytes(bytes('00ff'), prefix))).toEqual(bytes('00ff'));
    expect(decoded(cellsOf(column(MysqlType.geometry, prefix)).decoder, encodeBytes(bytes('e6100000'), prefix))).toEqual(bytes('e6100000'));
  });

  it('that MariaDB compressed are inflated', () => {
    const text = Buffer.from('a'.repeat(300) + 'é');
    const of = column(140, 4, { collation: UTF8MB4 });
    const raw = Buffer.concat([bytes('8a012e'), deflateRawSync(text)]);
    expect(textOf(of, encodeBytes(raw, 4))).toBe(text.toString());
    expect(textOf(of, encodeBytes(Buffer.concat([bytes('82012e'), deflateSync(text)]), 4))).toBe(text.toString());
    expect(textOf(of, encodeBytes(bytes('006869'), 4))).toBe('hi');
    expect(textOf(column(141, 300, { collation: LATIN1 }), encodeBytes(bytes('00e9'), 2))).toBe('é');
    expect(decoded(cellsOf(column(141, 100, { collation: BINARY })).decoder, bytes('00'))).toEqual(bytes(''));
    for (const damage of ['8a012f', '8a012d', '90012e', '880001', '8f']) {
      expect(() => textOf(of, encodeBytes(Buffer.concat([bytes(damage), deflateRawSync(text)]), 4))).toThrow(/column "c": a compressed value/);
    }
  });
});

describe('enums and sets', () => {
  const labels = ['small', 'größe', ''].map((label) => new Uint8Array(Buffer.from(label, 'latin1')));
  const anEnum = column(MysqlType.string, fixed(MysqlType.enum, 1), { collation: LATIN1, values: labels });
  const aSet = column(MysqlType.string, fixed(MysqlType.set, 1), { collation: LATIN1, values: labels.slice(0, 2) });

  it('have labels in UTF-8', () => {
    expect(cellsOf(anEnum).type).toEqual({ kind: 'enum' });
    expect(textOf(anEnum, bytes('01'))).toBe('small');
    expect(textOf(anEnum, bytes('02'))).toBe('größe');
    expect(textOf(anEnum, bytes('03'))).toBe('');
    expect(textOf(anEnum, bytes('00'))).toBe('');
    expect(() => textOf(anEnum, bytes('04'))).toThrow(/no label of that number/);
    expect(textOf({ ...anEnum, meta: fixed(MysqlType.enum, 2) }, bytes('0200'))).toBe('größe');
  });

  it('have members between commas', () => {
    expect(cellsOf(aSet).type).toEqual({ kind: 'string' });
    expect(textOf(aSet, bytes('00'))).toBe('');
    expect(textOf(aSet, bytes('02'))).toBe('größe');
    expect(textOf(aSet, bytes('03'))).toBe('small,größe');
    expect(() => textOf(aSet, bytes('04'))).toThrow(/no member of that number/);
    const many = Array.from({ length: 64 }, (_, i) => new Uint8Array(Buffer.from(`m${i}`)));
    const wide = column(MysqlType.string, fixed(MysqlType.set, 8), { collation: UTF8MB4, values: many });
    expect(textOf(wide, bytes('0100000000000080'))).toBe('m0,m63');
  });

  it('need labels, of the log or of the catalog', () => {
    const without = { ...anEnum, values: null };
    expect(() => cellsOf(without)).toThrow(expect.objectContaining({ code: 'WEIR_BINLOG_UNSUPPORTED', message: 'column "c": its labels are not in the log' }));
    expect(textOf(without, bytes('02'), { labels: ['a', 'é'] })).toBe('é');
  });
});

describe('MariaDB’s types of fixed size', () => {
  const sixteen = column(MysqlType.string, fixed(MysqlType.string, 16), { collation: BINARY });
  const four = column(MysqlType.string, fixed(MysqlType.string, 4), { collation: BINARY });
  const inet6 = (hex: string): string | null => textOf(sixteen, encodeBytes(bytes(hex), 1), { sourceType: 'inet6' });

  it('are UUIDs in the order of their text', () => {
    expect(cellsOf(sixteen, { sourceType: 'uuid' }).type).toEqual({ kind: 'uuid' });
    const value = encodeBytes(bytes('123e4567e89b12d3a456426655440000'), 1);
    expect(textOf(sixteen, value, { sourceType: 'uuid' })).toBe('123e4567-e89b-12d3-a456-426655440000');
    expect(textOf(sixteen, encodeBytes(bytes('ff'), 1), { sourceType: 'uuid' })).toBe('ff000000-0000-0000-0000-000000000000');
  });

  it('are addresses', () => {
    expect(cellsOf(four, { sourceType: 'inet4' }).type).toEqual({ kind: 'other' });
    expect(textOf(four, encodeBytes(bytes('c0a80001'), 1), { sourceType: 'inet4' })).toBe('192.168.0.1');
    expect(textOf(four, encodeBytes(bytes(''), 1), { sourceType: 'inet4' })).toBe('0.0.0.0');
    expect(inet6('')).toBe('::');
    expect(inet6('00000000000000000000000000000001')).toBe('::1');
    expect(inet6('20010db8000000000000000000000001')).toBe('2001:db8::1');
    expect(inet6('20010db800000001000000000000')).toBe('2001:db8:0:1::');
    expect(inet6('00000000000000000000ffffc0a80001')).toBe('::ffff:192.168.0.1');
    expect(inet6('000000000000000000000000c0a80001')).toBe('::192.168.0.1');
    expect(inet6('ffff0001000200030004000500060000')).toBe('ffff:1:2:3:4:5:6::');
  });

  it('are refused where they are longer', () => {
    expect(() => textOf(four, encodeBytes(bytes('0102030405'), 1), { sourceType: 'inet4' })).toThrow(/longer than its type allows/);
  });
});

describe('a vector', () => {
  const value = Buffer.concat([1, 2.5, -0.1, 16_777_216].map((each) => encodeFloat(each, 4)));

  it('is an array of float32, of MySQL by its type, of MariaDB by the catalog', () => {
    const of = column(MysqlType.vector, 4, { detail: 4 });
    expect(cellsOf(of).type).toEqual({ kind: 'array', of: { kind: 'float', bits: 32 } });
    expect(textOf(of, encodeBytes(value, 4))).toBe('[1,2.5,-0.1,1.6777216e+07]');
    expect(textOf(of, encodeBytes(Buffer.alloc(0), 4))).toBe('[]');
    expect(textOf(of, encodeBytes(bytes('0000c07f000080ff'), 4))).toBe('["NaN","-Infinity"]');
    const ofMariadb = column(MysqlType.varchar, 16, { collation: BINARY });
    expect(textOf(ofMariadb, encodeBytes(value, 1), { sourceType: 'vector(4)' })).toBe('[1,2.5,-0.1,1.6777216e+07]');
    expect(() => textOf(of, encodeBytes(bytes('0000'), 4))).toThrow(/no sequence of float32/);
  });
});

describe('a column that cannot be read', () => {
  it.each([0, 6, 20, 142, 243, 244])('of type %s is refused', (type) => {
    expect(() => cellsOf(column(type, 0))).toThrow(expect.objectContaining({ code: 'WEIR_BINLOG_UNSUPPORTED' }));
  });

  it.each([
    [MysqlType.bit, 8],
    [MysqlType.bit, 0],
    [MysqlType.bit, 0x0801],
    [MysqlType.newDecimal, 66],
    [MysqlType.newDecimal, 0x0605],
    [MysqlType.datetime2, 7],
    [MysqlType.blob, 5],
    [MysqlType.json, 0],
    [MysqlType.string, fixed(MysqlType.enum, 3)],
    [MysqlType.string, fixed(MysqlType.set, 9)],
  ])('of type %s with the metadata %s is damage', (type, meta) => {
    expect(() => cellsOf(column(type, meta, { values: [] }))).toThrow(expect.objectContaining({ code: 'WEIR_BINLOG_DAMAGED' }));
  });

  it('without a name is called so', () => {
    expect(() => cellsOf(column(0, 0, { name: null }))).toThrow(/^a column: its type is number 0/);
  });
});
