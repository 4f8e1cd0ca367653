import { BatchWriter, Op, RowCursor, type Column, type LogicalType, type Table } from '@weir/sdk';
import { testSeed } from '@weir/testkit';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { columnEncoder } from './column-encoders.ts';
import { columnType, TypeRules } from './column-type.ts';
import { readColumn } from './decode.ts';
import { ColumnEncoder } from './encode.ts';

const parameters = { seed: testSeed, numRuns: 1000 };
const GUARD = 0xa5;

function tableOf(type: LogicalType, sourceType: string): Table {
  const column: Column = { name: 'value', type, nullable: true, sourceType };
  return { namespace: 'public', name: 't', version: 1, key: [], columns: [column] };
}

/** The literal of a cell; fails when more bytes are written than were announced. */
function literal(type: LogicalType, cell: string | Uint8Array, sourceType = 'test'): Buffer {
  const table = tableOf(type, sourceType);
  const bytes = typeof cell === 'string' ? Buffer.from(cell) : cell;
  const data = Buffer.concat([Buffer.from('before'), bytes, Buffer.from('behind')]);
  const bound = ColumnEncoder.bound(bytes.length);
  const out = Buffer.alloc(bound + 32, GUARD);
  const { encoding } = columnType(table, table.columns[0]!, [], new TypeRules('mysql'));
  const end = columnEncoder(encoding, table, 'value').encode(out, 8, data, 6, 6 + bytes.length);
  expect(end - 8).toBeLessThanOrEqual(bound);
  expect(out.subarray(0, 8).every((byte) => byte === GUARD) && out.subarray(end).every((byte) => byte === GUARD)).toBe(true);
  return out.subarray(8, end);
}

/** What the server reads of a quoted text: https://dev.mysql.com/doc/refman/8.4/en/string-literals.html */
function read(quoted: Buffer): Buffer {
  expect(quoted.at(0)).toBe(0x27);
  const bytes: number[] = [];
  let at = 1;
  while (quoted[at] !== 0x27) {
    if (quoted[at] === 0x5c) at++;
    bytes.push(quoted[at++]!);
  }
  expect(at).toBe(quoted.length - 1);
  return Buffer.from(bytes);
}

/** The cell that is made of what the server prints. */
function cellOf(type: LogicalType, text: string, sourceType = 'test'): string | null {
  const table = tableOf(type, sourceType);
  const { encoding } = columnType(table, table.columns[0]!, [], new TypeRules('mysql'));
  const writer = new BatchWriter();
  writer.addCommit({ position: '', version: 0n, time: 0, transactionId: '' });
  writer.beginRow(Op.read, writer.tableIndex(table), 0, 1);
  writer.beginAfter();
  readColumn(encoding, 'value').decode(writer, Buffer.from(text));
  const batch = writer.close(null);
  return new RowCursor(batch).at(0).after.text(0);
}

const text = fc.string({ unit: 'binary', maxLength: 60 }).filter((value) => value.isWellFormed());
const awkward = fc.string({ unit: fc.constantFrom(...Array.from('\t\n\r\0\\\b\'"`%_;--ä😀')) });

test('text is read as it was, whatever is in it', () => {
  fc.assert(
    fc.property(fc.oneof(text, awkward), (value) => {
      expect(read(literal({ kind: 'string' }, value)).toString()).toBe(value);
    }),
    parameters,
  );
});

test('bytes are read as they were, and told not to be characters', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (value) => {
      const written = literal({ kind: 'bytes' }, value);
      expect(written.subarray(0, 7).toString()).toBe('_binary');
      expect(read(written.subarray(7)).equals(value)).toBe(true);
    }),
    parameters,
  );
});

const two = (least: number, most: number): fc.Arbitrary<string> =>
  fc.integer({ min: least, max: most }).map((value) => String(value).padStart(2, '0'));
const day = fc.tuple(two(1, 12), two(1, 28)).map((parts) => parts.join('-'));
const clock = fc.tuple(two(0, 23), two(0, 59), two(0, 59)).map((parts) => parts.join(':'));
const fraction = fc.integer({ min: 0, max: 999_999 }).map((value) => String(value).padStart(6, '0'));

test('dates and timestamps of years 1000 to 9999 are read as the same cell, as the server prints them', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1000, max: 9999 }), day, clock, fraction, fc.boolean(), (year, date, time, digits, isMoment) => {
      const shortened = `.${digits}`.replace(/\.?0+$/, '');
      const cell = `${year}-${date}T${time}${shortened}${isMoment ? 'Z' : ''}`;
      const type: LogicalType = { kind: isMoment ? 'timestamptz' : 'timestamp' };
      expect(read(literal(type, cell)).toString()).toBe(`${year}-${date} ${time}${shortened}`);
      expect(cellOf(type, `${year}-${date} ${time}.${digits}`)).toBe(cell);
      expect(read(literal({ kind: 'date' }, `${year}-${date}`)).toString()).toBe(`${year}-${date}`);
      expect(cellOf({ kind: 'time' }, `${time}.${digits}`)).toBe(`${time}${shortened}`);
    }),
    parameters,
  );
});

test('other years, and infinities, are refused', () => {
  const year = fc.oneof(fc.integer({ min: -4712, max: 999 }), fc.integer({ min: 10_000, max: 294_276 }));
  const iso = (value: number): string =>
    value < 0 ? `-${String(-value).padStart(6, '0')}` : String(value).padStart(4, '0');
  fc.assert(
    fc.property(fc.oneof(year.map(iso), fc.constant('infinity'), fc.constant('-infinity')), day, (value, date) => {
      const cell = value.endsWith('infinity') ? value : `${value}-${date}`;
      expect(() => literal({ kind: 'date' }, cell)).toThrow(expect.objectContaining({ code: 'WEIR_MYSQL_VALUE' }) as Error);
    }),
    parameters,
  );
});

/** As the server prints a float64. */
const printed = (value: number): string => (Object.is(value, -0) ? '-0' : String(value));

test('floats keep their bits; NaN and infinities are refused', () => {
  fc.assert(
    fc.property(fc.float(), (value) => {
      const cell = cellOf({ kind: 'float', bits: 32 }, printed(value));
      if (!Number.isFinite(value)) expect(() => literal({ kind: 'float', bits: 32 }, String(value))).toThrow(/infinity/);
      else expect(Object.is(Number(read(literal({ kind: 'float', bits: 32 }, cell!)).toString()), value)).toBe(true);
    }),
    { ...parameters, numRuns: 100 },
  );
  fc.assert(
    fc.property(fc.double(), (value) => {
      if (!Number.isFinite(value)) {
        expect(() => literal({ kind: 'float', bits: 64 }, String(value))).toThrow(/infinity/);
        return;
      }
      const cell = cellOf({ kind: 'float', bits: 64 }, printed(value));
      expect(Object.is(Number(read(literal({ kind: 'float', bits: 64 }, cell!)).toString()), value)).toBe(true);
    }),
    parameters,
  );
});

test('a negative zero is refused where the server makes 0 of it', () => {
  for (const bits of [32, 64] as const) {
    const table = tableOf({ kind: 'float', bits }, 'test');
    const { encoding } = columnType(table, table.columns[0]!, [], new TypeRules('mariadb'));
    const encode = (cell: string): number => columnEncoder(encoding, table, 'value').encode(Buffer.alloc(80), 0, Buffer.from(cell), 0, cell.length);
    expect(() => encode('-0')).toThrow(/negative zero/);
    expect(encode('0')).toBe(3);
  }
});

test('a decimal is refused exactly when the server would round it (invariant 9)', () => {
  const type: LogicalType = { kind: 'decimal', precision: 12, scale: 2 };
  const digits = fc.string({ unit: fc.constantFrom('0', '0', '5'), maxLength: 5 });
  fc.assert(
    fc.property(fc.integer(), digits, (whole, behind) => {
      const cell = behind === '' ? String(whole) : `${whole}.${behind}`;
      if (/[^0]/.test(behind.slice(2))) expect(() => literal(type, cell)).toThrow(/more than 2 digits/);
      else expect(read(literal(type, cell)).toString()).toBe(cell);
    }),
    parameters,
  );
});

test('intervals that were MySQL’s TIME are that again', () => {
  const type: LogicalType = { kind: 'interval' };
  const hours = fc.integer({ min: 0, max: 838 });
  const sixty = fc.integer({ min: 0, max: 59 });
  fc.assert(
    fc.property(hours, sixty, sixty, fraction, fc.boolean(), (hour, minute, second, digits, isNegative) => {
      const padded = (value: number): string => String(value).padStart(2, '0');
      const isZero = hour + minute + second + Number(digits) === 0;
      const minus = isNegative && !isZero ? '-' : '';
      const cell = cellOf(type, `${minus}${padded(hour)}:${padded(minute)}:${padded(second)}.${digits}`, 'time(6)')!;
      const shortened = `.${digits}`.replace(/\.?0+$/, '');
      expect(read(literal(type, cell, 'time(6)')).toString()).toBe(`${minus}${hour}:${minute}:${second}${shortened}`);
    }),
    parameters,
  );
  expect(cellOf(type, '-838:59:59.500000', 'time(1)')).toBe('PT-838H-59M-59.5S');
  expect(cellOf(type, '00:00:00', 'time')).toBe('PT0S');
  expect(cellOf(type, '00:10:00', 'time')).toBe('PT10M');
  for (const other of ['P1D', 'PT1H-1M', 'PT61M', 'infinity']) {
    expect(() => literal(type, other, 'time')).toThrow(/no TIME of MySQL/);
    expect(read(literal(type, other, 'interval')).toString()).toBe(other);
  }
});

test('booleans are 1 and 0', () => {
  expect([literal({ kind: 'bool' }, 't').toString(), literal({ kind: 'bool' }, 'f').toString()]).toEqual(['1', '0']);
  expect([cellOf({ kind: 'bool' }, '1'), cellOf({ kind: 'bool' }, '0')]).toEqual(['t', 'f']);
  expect(() => literal({ kind: 'bool' }, 'true')).toThrow(/neither/);
});
