import { describe, expect, it } from 'vitest';
import { BATCH_BYTES, type Column, type Table } from '@weir/sdk';
import { latin1 } from './seen-batch.ts';
import { heldCells, keepsCheckpoint, type SinkDriver, type ValueCase } from './sink-driver.ts';
import { Feed, SinkHarness } from './sink-harness.ts';

const everyByte = Uint8Array.from({ length: 256 }, (_, byte) => byte);

/** Edge values of every logical type, as canonical cells. */
export const valueCases: readonly ValueCase[] = [
  { name: 'bool', type: { kind: 'bool' }, cells: ['t', 'f'] },
  { name: 'int8', type: { kind: 'int', bits: 8 }, cells: ['0', '-128', '127'] },
  { name: 'int16', type: { kind: 'int', bits: 16 }, cells: ['0', '-32768', '32767'] },
  { name: 'int32', type: { kind: 'int', bits: 32 }, cells: ['0', '-1', '-2147483648', '2147483647'] },
  {
    name: 'int64',
    type: { kind: 'int', bits: 64 },
    cells: [
      '0',
      '-1',
      '4294967296',
      '-4294967297',
      '9007199254740993',
      '999999999999999',
      '-1000000000000000',
      '-9223372036854775808',
      '9223372036854775807',
    ],
  },
  { name: 'uint8', type: { kind: 'uint', bits: 8 }, cells: ['0', '255'] },
  { name: 'uint16', type: { kind: 'uint', bits: 16 }, cells: ['0', '65535'] },
  { name: 'uint32', type: { kind: 'uint', bits: 32 }, cells: ['0', '4294967295'] },
  {
    name: 'uint64',
    type: { kind: 'uint', bits: 64 },
    cells: ['0', '9007199254740993', '9223372036854775808', '18446744073709551615'],
  },
  {
    name: 'float32',
    type: { kind: 'float', bits: 32 },
    cells: [
      '0',
      '-0',
      '1',
      '0.1',
      '-1.5',
      '123456',
      '1e+06',
      '1.2345679e+08',
      '0.0001',
      '1e-05',
      '3.4028235e+38',
      '1e-45',
      '7.038531e-26',
      'NaN',
      'Infinity',
      '-Infinity',
    ],
  },
  {
    name: 'float64',
    type: { kind: 'float', bits: 64 },
    cells: [
      '0',
      '-0',
      '1',
      '0.1',
      '-1.5',
      '0.30000000000000004',
      '123456789012345',
      '1e+15',
      '9.007199254740992e+15',
      '0.0001',
      '1e-05',
      '1.7976931348623157e+308',
      '5e-324',
      '2.2250738585072014e-308',
      'NaN',
      'Infinity',
      '-Infinity',
    ],
  },
  { name: 'decimal(4, 2)', type: { kind: 'decimal', precision: 4, scale: 2 }, cells: ['0.00', '99.99', '-99.99', '0.01'] },
  { name: 'decimal(9, 0)', type: { kind: 'decimal', precision: 9, scale: 0 }, cells: ['0', '999999999', '-999999999'] },
  {
    name: 'decimal(18, 6)',
    type: { kind: 'decimal', precision: 18, scale: 6 },
    cells: ['0.000000', '999999999999.999999', '-0.000001'],
  },
  {
    name: 'decimal(38, 10)',
    type: { kind: 'decimal', precision: 38, scale: 10 },
    cells: [
      '0.0000000000',
      '9999999999999999999999999999.9999999999',
      '-9999999999999999999999999999.9999999999',
      '-0.0000000001',
      '-4294967296.0000000000',
    ],
  },
  { name: 'decimal(3, 3)', type: { kind: 'decimal', precision: 3, scale: 3 }, cells: ['0.000', '0.999', '-0.001'] },
  {
    name: 'decimal without bounds',
    type: { kind: 'decimal', precision: null, scale: null },
    cells: ['0', '0.10', 'NaN', 'Infinity', '-Infinity', `${'9'.repeat(100)}.${'1'.repeat(50)}`],
  },
  { name: 'decimal(50, 2)', type: { kind: 'decimal', precision: 50, scale: 2 }, cells: ['0.00', `-${'8'.repeat(48)}.25`] },
  {
    name: 'string',
    type: { kind: 'string' },
    cells: [
      '',
      ' ',
      'a',
      'twelve bytes',
      'thirteen byte',
      'zwölf ✓ 𝔘𝔫𝔦',
      `'"\\;--\n\t`,
      '\u0001',
      'x'.repeat(100),
      'ü'.repeat(100),
      'NULL',
    ],
  },
  { name: 'enum', type: { kind: 'enum' }, cells: ['new', 'a label of more than twelve bytes'] },
  {
    name: 'bytes',
    type: { kind: 'bytes' },
    cells: [new Uint8Array(0), Uint8Array.of(0), Uint8Array.of(0xff, 0, 0x80), everyByte],
  },
  {
    name: 'date',
    type: { kind: 'date' },
    cells: ['1970-01-01', '1969-12-31', '2000-02-29', '1900-03-01', '9999-12-31', '0001-01-01', 'infinity', '-infinity'],
  },
  {
    name: 'date far away',
    type: { kind: 'date' },
    cells: ['0000-12-31', '-000001-01-01', '-004712-01-01', '-000043-03-15', '10000-01-01', '5874897-12-31'],
  },
  {
    name: 'timestamp',
    type: { kind: 'timestamp' },
    cells: [
      '1970-01-01T00:00:00',
      '1969-12-31T23:59:59.999999',
      '2024-02-29T12:34:56.1',
      '2255-06-05T23:47:34.740993',
      '9999-12-31T23:59:59.999999',
      '1600-01-01T00:00:00.000001',
      'infinity',
      '-infinity',
    ],
  },
  {
    name: 'timestamp far away',
    type: { kind: 'timestamp' },
    cells: [
      '0000-02-29T00:00:00',
      '-004712-01-01T00:00:00',
      '-000043-03-15T11:59:59.5',
      '10000-01-01T00:00:00',
      '294246-12-31T23:59:59.999999',
    ],
  },
  {
    name: 'timestamptz',
    type: { kind: 'timestamptz' },
    cells: [
      '1970-01-01T00:00:00Z',
      '2024-07-01T00:00:00.123456Z',
      '1883-11-18T12:03:58Z',
      '9999-12-31T23:59:59.999999Z',
      'infinity',
      '-infinity',
    ],
  },
  {
    name: 'timestamptz far away',
    type: { kind: 'timestamptz' },
    cells: ['-000043-03-15T00:00:00Z', '294246-12-31T23:59:59.999999Z'],
  },
  { name: 'time', type: { kind: 'time' }, cells: ['00:00:00', '23:59:59.999999', '12:00:00.5', '24:00:00'] },
  {
    name: 'timetz',
    type: { kind: 'timetz' },
    cells: ['00:00:00+00:00', '24:00:00-15:59', '12:34:56.789+05:30', '01:02:03+01:02:03'],
  },
  { name: 'interval', type: { kind: 'interval' }, cells: ['PT0S', 'P1Y2M3DT4H5M6.789S', 'P-1Y-2M3DT-4H', '-P1D'] },
  {
    name: 'uuid',
    type: { kind: 'uuid' },
    cells: [
      '00000000-0000-0000-0000-000000000000',
      'ffffffff-ffff-ffff-ffff-ffffffffffff',
      '0123abcd-4567-89ab-cdef-0123456789ab',
      '80000000-0000-0000-0000-000000000001',
    ],
  },
  {
    name: 'json',
    type: { kind: 'json' },
    cells: ['null', '{"a": 1.0, "b": [true, null], "a": 9007199254740993}', '"text"', '[]', '1e400'],
  },
  {
    name: 'array',
    type: { kind: 'array', of: { kind: 'float', bits: 64 } },
    cells: ['[]', '[1,null,"NaN"]', '[[1,2],[3,4]]'],
  },
  { name: 'other', type: { kind: 'other' }, cells: ['(1,2)', '192.168.0.0/24', "'fat':2 'cat'"] },
];

/** The value cases of a store, with the values that it can hold. */
export function heldCases(driver: SinkDriver): ValueCase[] {
  return valueCases
    .filter(({ name }) => driver.lacks?.includes(name) !== true)
    .map((valueCase) => ({ ...valueCase, cells: heldCells(driver, valueCase.type, valueCase.cells) }))
    .filter(({ cells }) => cells.length > 0);
}

/** A table with an `id` and a column for each case. */
export function valuesTable(cases: readonly ValueCase[]): Table {
  const id: Column = { name: 'id', type: { kind: 'int', bits: 32 }, nullable: false, sourceType: 'int' };
  const columns = cases.map(({ name, type }) => ({ name, type, nullable: true, sourceType: name }));
  return { namespace: 'public', name: 'values', version: 1, key: [0], columns: [id, ...columns] };
}

export function describeSinkValues(driver: SinkDriver): void {
  const cases = heldCases(driver);
  const table = valuesTable(cases);
  const count = Math.max(...cases.map(({ cells }) => cells.length)) + 1;
  /** Row by row; past a case's last value its cells are NULL. */
  const rows = Array.from({ length: count }, (_, row) => [String(row), ...cases.map(({ cells }) => cells[row] ?? null)]);
  const asValues = (row: readonly (string | Uint8Array | null)[]) =>
    Object.fromEntries(table.columns.map(({ name }, column) => [name, row[column]!]));
  const expected = rows.map((row) => row.map((cell) => (cell === null ? null : latin1(cell))));

  describe('values', () => {
    it('of every type come back with the same bytes, inserted (invariant 9)', async () => {
      await using harness = await SinkHarness.start(driver);
      const session = await harness.session();
      const feed = new Feed();
      const batch = feed.begin().schemaChange({ table, change: 'create' });
      for (const row of rows) batch.insert(table, asValues(row));
      await harness.write(session, batch.build(feed.checkpoint()));
      await harness.commit(session, feed.checkpoint());
      expect(byId(await harness.rows(table))).toEqual(expected);
      if (!keepsCheckpoint(driver)) return;
      expect(byId(await harness.range(session, table, { after: null, upTo: null }))).toEqual(expected);
    });

    it('of every type come back with the same bytes, updated (invariant 9)', async () => {
      await using harness = await SinkHarness.start(driver);
      const session = await harness.session();
      const feed = new Feed();
      const first = feed.begin().schemaChange({ table, change: 'create' });
      for (const row of rows) first.insert(table, { id: row[0]! });
      await harness.write(session, first.build(feed.checkpoint()));
      await harness.commit(session, feed.checkpoint());
      const second = feed.begin();
      for (const row of rows) second.update(table, asValues(row));
      await harness.write(session, second.build(feed.checkpoint()));
      await harness.commit(session, feed.checkpoint());
      expect(byId(await harness.rows(table))).toEqual(expected);
    });

    it('larger than a batch come back whole', async () => {
      const large: Table = valuesTable([
        { name: 'text', type: { kind: 'string' }, cells: [] },
        { name: 'bytes', type: { kind: 'bytes' }, cells: [] },
      ]);
      await using harness = await SinkHarness.start(driver);
      const session = await harness.session();
      const feed = new Feed();
      const text = 'größer '.repeat(BATCH_BYTES / 4);
      const bytes = new Uint8Array(3 * BATCH_BYTES).map((_, index) => index % 251);
      const batch = feed.begin().schemaChange({ table: large, change: 'create' });
      batch.insert(large, { id: 1, text, bytes }).insert(large, { id: 2, text: 'small', bytes: null });
      batch.update(large, { id: 2, text, bytes: Uint8Array.of(1) });
      await harness.write(session, batch.build(feed.checkpoint()));
      await harness.commit(session, feed.checkpoint());
      expect((await harness.rows(large)).map((row) => row.map((cell) => String(cell).length))).toEqual(
        harness.expected(large).map((row) => row.map((cell) => String(cell).length)),
      );
      expect(await harness.rows(large)).toEqual(harness.expected(large));
    });
  });
}

function byId<Row extends readonly unknown[]>(rows: readonly Row[]): Row[] {
  return rows.toSorted((a, b) => Number(a[0]) - Number(b[0]));
}
