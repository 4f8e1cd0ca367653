import type { Column, LogicalType, Table } from '@weir/sdk';
import { testSeed } from '@weir/testkit';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { columnEncoder } from './column-encoders.ts';
import { ColumnEncoder } from './encode.ts';

const parameters = { seed: testSeed, numRuns: 1000 };
const GUARD = 0xa5;

/** What a cell becomes in COPY's text; fails when more bytes are written than were announced. */
function encoded(type: LogicalType, cell: string | Uint8Array): string {
  const column: Column = { name: 'value', type, nullable: true, sourceType: 'test' };
  const table: Table = { namespace: 'public', name: 't', version: 1, key: [], columns: [column] };
  const bytes = typeof cell === 'string' ? Buffer.from(cell) : cell;
  const data = Buffer.concat([Buffer.from('before'), bytes, Buffer.from('behind')]);
  const bound = ColumnEncoder.bound(bytes.length);
  const out = Buffer.alloc(bound + 32, GUARD);
  const encoder = columnEncoder(table, 0);
  const prefix = encoder.prefix.length;
  const end = encoder.encode(out, 8, data, 6, 6 + bytes.length);
  expect(prefix + end - 8).toBeLessThanOrEqual(bound);
  expect(out.subarray(0, 8).every((byte) => byte === GUARD) && out.subarray(end).every((byte) => byte === GUARD)).toBe(true);
  return encoder.prefix + out.toString('utf8', 8, end);
}

/** What COPY reads: https://www.postgresql.org/docs/current/sql-copy.html */
function read(field: string): string {
  expect(field).not.toMatch(/[\t\n\r]/);
  const letters: Record<string, string> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' };
  return field.replace(/\\(.)/gs, (_, letter: string) => letters[letter] ?? letter);
}

/** What `array_in` reads of one dimension: https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO */
function readArray(text: string): (string | null)[] {
  const elements = [...text.slice(1, -1).matchAll(/"((?:[^"\\]|\\.)*)"|([^,"{}]+)/gs)];
  return elements.map(([, quoted, bare]) => {
    if (quoted !== undefined) return quoted.replace(/\\(.)/gs, '$1');
    return bare === 'NULL' ? null : bare!;
  });
}

const text = fc.string({ unit: 'binary', maxLength: 60 }).filter((value) => !value.includes('\0') && value.isWellFormed());
const awkward = fc.string({ unit: fc.constantFrom(...Array.from('\t\n\r\\\b\f\v"{},N.ä😀')) });

test('text is read as it was', () => {
  fc.assert(
    fc.property(fc.oneof(text, awkward), (value) => {
      expect(read(encoded({ kind: 'string' }, value))).toBe(value);
    }),
    parameters,
  );
});

test('bytes are read as hexadecimal digits', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (value) => {
      expect(read(encoded({ kind: 'bytes' }, value))).toBe(`\\x${Buffer.from(value).toString('hex')}`);
    }),
    parameters,
  );
});

test('arrays of text have the same elements, whatever is in them', () => {
  const elements = fc.array(fc.option(fc.oneof(text, awkward)), { maxLength: 8 });
  fc.assert(
    fc.property(elements, fc.boolean(), (values, ascii) => {
      const json = JSON.stringify(values);
      const escaped = (unit: string): string => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
      const cell = ascii ? json.replace(/[\u0080-\uffff]/g, escaped) : json;
      expect(readArray(read(encoded({ kind: 'array', of: { kind: 'string' } }, cell)))).toEqual(values);
    }),
    parameters,
  );
});

test('arrays of numbers keep their digits, and their dimensions', () => {
  const numbers = fc.array(fc.oneof(fc.bigInt().map(String), fc.constantFrom('null', '"NaN"', '"-Infinity"', '1e-07')), {
    minLength: 1,
  });
  fc.assert(
    fc.property(fc.array(numbers, { minLength: 1, maxLength: 3 }), (rows) => {
      const cell = `[${rows.map((row) => `[${row.join(', ')}]`).join(',')}]`;
      const expected = `{${rows.map((row) => `{${row.join(',').replaceAll('null', 'NULL')}}`).join(',')}}`;
      expect(read(encoded({ kind: 'array', of: { kind: 'decimal', precision: null, scale: null } }, cell))).toBe(expected);
    }),
    parameters,
  );
});

const year = fc.oneof(fc.integer({ min: -4712, max: 0 }), fc.integer({ min: 1, max: 294_276 }));
const two = (most: number): fc.Arbitrary<string> =>
  fc.integer({ min: 1, max: most }).map((value) => String(value).padStart(2, '0'));

test('dates and timestamps keep their day; years BC are counted as PostgreSQL does', () => {
  const day = fc.tuple(two(12), two(28)).map((parts) => parts.join('-'));
  const time = fc.constantFrom('', 'T23:59:59.999999', 'T00:00:00Z');
  fc.assert(
    fc.property(year, day, time, (value, date, clock) => {
      const iso = value < 0 ? `-${String(-value).padStart(6, '0')}` : String(value).padStart(4, '0');
      const written = read(encoded({ kind: clock === '' ? 'date' : 'timestamp' }, `${iso}-${date}${clock}`));
      const bc = `${String(1 - value).padStart(4, '0')}-${date}${clock.replace('T', ' ')} BC`;
      expect(written).toBe(value <= 0 ? bc : `${iso}-${date}${clock}`);
      const inArray = encoded({ kind: 'array', of: { kind: 'timestamp' } }, `["${iso}-${date}${clock}"]`);
      expect(readArray(read(inArray))).toEqual([written]);
    }),
    parameters,
  );
});

test('infinities of dates stay', () => {
  for (const cell of ['infinity', '-infinity']) expect(encoded({ kind: 'timestamptz' }, cell)).toBe(cell);
});

test('a decimal is refused exactly when the server would round it (invariant 9)', () => {
  const type: LogicalType = { kind: 'decimal', precision: 12, scale: 2 };
  const digits = fc.string({ unit: fc.constantFrom('0', '0', '5'), maxLength: 5 });
  fc.assert(
    fc.property(fc.integer(), digits, (whole, fraction) => {
      const cell = fraction === '' ? String(whole) : `${whole}.${fraction}`;
      const rounds = /[^0]/.test(fraction.slice(2));
      if (rounds) expect(() => encoded(type, cell)).toThrow(/more than 2 digits/);
      else expect(encoded(type, cell)).toBe(cell);
      const inArray = (): string => encoded({ kind: 'array', of: type }, `[${cell}]`);
      if (rounds) expect(inArray).toThrow(/more digits/);
      else expect(inArray()).toBe(`{${cell}}`);
    }),
    parameters,
  );
});
