import { describe, expect, it } from 'vitest';
import { WeirError, logicalTypeName, type LogicalType } from '@weir/sdk';
import { OneColumn } from './testing/one-column.ts';

/** What DuckDB, not Weir's own decoder, reads: cells, an expression, and its text. */
const written: readonly {
  type: LogicalType;
  expression: string;
  cells: readonly (string | Uint8Array | null)[];
  text: readonly (string | null)[];
}[] = [
  { type: { kind: 'bool' }, expression: 'value', cells: ['t', null, 'f'], text: ['true', null, 'false'] },
  { type: { kind: 'int', bits: 8 }, expression: 'value', cells: ['-128', '127'], text: ['-128', '127'] },
  { type: { kind: 'uint', bits: 16 }, expression: 'value', cells: ['0', '65535'], text: ['0', '65535'] },
  { type: { kind: 'int', bits: 32 }, expression: 'value + 1', cells: ['-2147483648', '41'], text: ['-2147483647', '42'] },
  {
    type: { kind: 'int', bits: 64 },
    expression: 'value',
    cells: ['-9223372036854775808', '9223372036854775807', '-4294967296', '123456789012345678'],
    text: ['-9223372036854775808', '9223372036854775807', '-4294967296', '123456789012345678'],
  },
  {
    type: { kind: 'uint', bits: 64 },
    expression: 'value',
    cells: ['18446744073709551615', '7'],
    text: ['18446744073709551615', '7'],
  },
  {
    type: { kind: 'float', bits: 32 },
    expression: 'value = 0.1::FLOAT',
    cells: ['0.1', '0.10000001'],
    text: ['true', 'false'],
  },
  {
    type: { kind: 'float', bits: 64 },
    expression: "value IN (0.30000000000000004, 1e300, 'NaN'::DOUBLE, '-Infinity'::DOUBLE)",
    cells: ['0.30000000000000004', '1e+300', 'NaN', '-Infinity', '0.3'],
    text: ['true', 'true', 'true', 'true', 'false'],
  },
  {
    type: { kind: 'decimal', precision: 4, scale: 2 },
    expression: 'value',
    cells: ['-99.99', '0.5', '7'],
    text: ['-99.99', '0.50', '7.00'],
  },
  {
    type: { kind: 'decimal', precision: 4, scale: 2 },
    expression: 'value',
    cells: ['1.5000', '-2.000', '0.000000000000000000000'],
    text: ['1.50', '-2.00', '0.00'],
  },
  { type: { kind: 'decimal', precision: 9, scale: 3 }, expression: 'value', cells: ['123456.789'], text: ['123456.789'] },
  {
    type: { kind: 'decimal', precision: 18, scale: 2 },
    expression: 'value * 2',
    cells: ['-1234567890123456.78'],
    text: ['-2469135780246913.56'],
  },
  {
    type: { kind: 'decimal', precision: 38, scale: 19 },
    expression: 'value',
    cells: ['-1234567890123456789.0123456789012345678', '0.0000000000000000001', '-4294967296.0000000000000000000'],
    text: ['-1234567890123456789.0123456789012345678', '0.0000000000000000001', '-4294967296.0000000000000000000'],
  },
  { type: { kind: 'decimal', precision: 3, scale: -2 }, expression: 'value', cells: ['99900'], text: ['99900'] },
  { type: { kind: 'decimal', precision: 2, scale: 5 }, expression: 'value', cells: ['0.00099'], text: ['.00099'] },
  {
    type: { kind: 'string' },
    expression: 'length(value) || left(value, 3)',
    cells: ['', 'ab', 'zwölf Zeichen, und mehr'],
    text: ['0', '2ab', '23zwö'],
  },
  {
    type: { kind: 'bytes' },
    expression: 'hex(value)',
    cells: [Uint8Array.of(0, 255), new Uint8Array(20).fill(171)],
    text: ['00FF', 'AB'.repeat(20)],
  },
  {
    type: { kind: 'date' },
    expression: 'value',
    cells: ['2024-02-29', '-000043-03-15', '0000-12-31', 'infinity', '-infinity', '1969-12-31'],
    text: ['2024-02-29', '0044-03-15 (BC)', '0001-12-31 (BC)', 'infinity', '-infinity', '1969-12-31'],
  },
  {
    type: { kind: 'timestamp' },
    expression: 'value',
    cells: ['1969-12-31T23:59:59.999999', '2500-01-01T00:00:00.000001', '-000043-03-15T01:02:03', 'infinity'],
    text: ['1969-12-31 23:59:59.999999', '2500-01-01 00:00:00.000001', '0044-03-15 (BC) 01:02:03', 'infinity'],
  },
  {
    type: { kind: 'timestamptz' },
    expression: 'value',
    cells: ['2024-05-06T07:08:09.5Z', '-infinity'],
    text: ['2024-05-06 07:08:09.5+00', '-infinity'],
  },
  {
    type: { kind: 'time' },
    expression: 'value',
    cells: ['24:00:00', '01:02:03.000004'],
    text: ['24:00:00', '01:02:03.000004'],
  },
  {
    type: { kind: 'uuid' },
    expression: "value > '7fffffff-ffff-ffff-ffff-ffffffffffff'::UUID",
    cells: ['80000000-0000-0000-0000-000000000000', '0123abcd-4567-89ab-cdef-0123456789ab'],
    text: ['true', 'false'],
  },
  { type: { kind: 'json' }, expression: "value ->> '$.a[1]'", cells: ['{"a": [1, "two"]}'], text: ['two'] },
];

/** Values that would be rounded, cut or wrapped. */
const refused: readonly { type: LogicalType; cells: readonly (string | Uint8Array)[] }[] = [
  { type: { kind: 'bool' }, cells: ['true', '', '1'] },
  { type: { kind: 'int', bits: 8 }, cells: ['128', '-129', '', '-', '1.0', '1a', ' 1', '+1'] },
  { type: { kind: 'uint', bits: 32 }, cells: ['-1', '4294967296', '99999999999999999999'] },
  {
    type: { kind: 'int', bits: 64 },
    cells: ['9223372036854775808', '-9223372036854775809', '100000000000000000000', '12345678901234567x', ''],
  },
  { type: { kind: 'uint', bits: 64 }, cells: ['18446744073709551616', '-1', '99999999999999999999'] },
  { type: { kind: 'float', bits: 32 }, cells: ['3.5e+38', 'nan', '', '0x1', '1e', '1.'] },
  { type: { kind: 'float', bits: 64 }, cells: ['1e+309', 'inf', '1_0', '--1', '.'] },
  {
    type: { kind: 'decimal', precision: 4, scale: 2 },
    cells: ['100.00', '1.001', '1.010000001', 'NaN', 'Infinity', '', '-', '.5', '5.', '1..2', '1e1'],
  },
  {
    type: { kind: 'decimal', precision: 38, scale: 2 },
    cells: [`${'9'.repeat(37)}.00`, '0.001', '1234567890123456789012.3x'],
  },
  { type: { kind: 'string' }, cells: [Uint8Array.of(0xff), Uint8Array.of(0xc3), new Uint8Array(200).fill(0x80)] },
  {
    type: { kind: 'date' },
    cells: [
      '2023-02-29',
      '2024-13-01',
      '2024-00-01',
      '2024-1-1',
      '24-01-01',
      '9999999-01-01',
      '2024-01-01 BC',
      '',
      'Infinity',
      '2024-01-32',
    ],
  },
  {
    type: { kind: 'timestamp' },
    cells: [
      '2024-01-01 00:00:00',
      '2024-01-01',
      '294247-01-10T05:00:00',
      '2024-01-01T24:00:00',
      '2024-01-01T00:00:00.1234567',
      '2024-01-01T00:00:00Z',
    ],
  },
  { type: { kind: 'timestamptz' }, cells: ['2024-01-01T00:00:00', '2024-01-01T00:00:00+00', '2024-01-01T00:60:00Z'] },
  { type: { kind: 'time' }, cells: ['24:00:01', '25:00:00', '12:00', '12:00:00.', '12:00:60', '-1:00:00'] },
  {
    type: { kind: 'uuid' },
    cells: [
      '0123abcd-4567-89ab-cdef-0123456789a',
      '0123abcd-4567-89ab-cdef-0123456789ag',
      '0123abcd456789abcdef0123456789ab',
    ],
  },
];

describe('cells', () => {
  it.each(written.map((row) => ({ ...row, name: logicalTypeName(row.type) })))(
    'of $name mean to DuckDB what the source says (invariant 9)',
    async ({ type, expression, cells, text }) => {
      await using column = await OneColumn.of(type, cells);
      expect(await column.sql(expression)).toEqual(text);
    },
  );

  it.each(refused.map((row) => ({ ...row, name: logicalTypeName(row.type) })))(
    'of $name that do not fit are refused by column, and not told (invariants 9 and 10)',
    async ({ type, cells }) => {
      for (const cell of cells) {
        const error = await OneColumn.of(type, ['', cell].slice(1)).then(
          () => null,
          (reason: unknown) => reason,
        );
        expect(error, `cell ${String(cell)}`).toBeInstanceOf(WeirError);
        expect(error).toMatchObject({ code: 'WEIR_DUCKDB_VALUE' });
        expect((error as WeirError).message).toMatch(
          /^main\.t\.value: a value (does not fit|is not UTF-8|that is no finite number does not fit)/,
        );
      }
    },
  );

  it('fill many chunks, NULLs among them', async () => {
    const cells = Array.from({ length: 5000 }, (_, row) => (row % 7 === 3 ? null : `row ${row} ${'x'.repeat(row % 30)}`));
    await using column = await OneColumn.of({ kind: 'string' }, cells);
    expect(await column.cells()).toEqual(cells);
  });
});
