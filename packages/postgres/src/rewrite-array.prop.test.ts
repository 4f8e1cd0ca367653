import { testSeed } from '@weir/testkit';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { arrayRewrite } from './rewrite-array.ts';
import { rewritten } from './testing/rewritten.ts';
import type { TypeMapping } from './type-mapping.ts';

const parameters = { seed: testSeed, numRuns: 1000 };

type Nested<T> = T | null | readonly Nested<T>[];

/** Arrays of up to three dimensions. */
function nested<T>(element: fc.Arbitrary<T>): fc.Arbitrary<readonly Nested<T>[]> {
  const level = (inner: fc.Arbitrary<Nested<T>>): fc.Arbitrary<readonly Nested<T>[]> => fc.array(inner, { maxLength: 5 });
  const leaf = fc.oneof({ weight: 5, arbitrary: element }, { weight: 1, arbitrary: fc.constant(null) });
  return fc.oneof(level(leaf), level(level(leaf)), level(level(level(leaf))));
}

/** How the server prints an array: PostgreSQL, src/backend/utils/adt/arrayfuncs.c, array_out. */
function postgresText(value: Nested<string>): string {
  if (value === null) return 'NULL';
  if (typeof value !== 'string') return `{${value.map(postgresText).join(',')}}`;
  const quoted = value === '' || value.toUpperCase() === 'NULL' || /[{}",\\ \t\n\v\f\r]/.test(value);
  return quoted ? `"${value.replace(/["\\]/g, '\\$&')}"` : value;
}

function jsonText(value: Nested<string>, element: (text: string) => string): string {
  if (value === null) return 'null';
  return typeof value === 'string' ? element(value) : `[${value.map((each) => jsonText(each, element)).join(',')}]`;
}

function jsonString(text: string): string {
  const escaped = text.replace(/["\\]/g, '\\$&');
  const unicode = (char: string): string => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return `"${Array.from(escaped, (char) => (char < ' ' ? unicode(char) : char)).join('')}"`;
}

/** Text without the character 0, which PostgreSQL does not store; often with what needs quotes. */
const awkward = fc
  .oneof(
    fc.string({ unit: 'binary' }),
    fc.string({ unit: fc.constantFrom('{', '}', '"', ',', '\\', ' ', '\t', '\n', 'a', 'é', '😀', '\u0001', '[') }),
    fc.constantFrom('NULL', 'null', 'NuLL', '', 'true'),
  )
  .map((text) => text.replaceAll('\0', '0'));

test('nested arrays of text are the same as JSON', () => {
  const text: TypeMapping = { type: { kind: 'string' }, rewrite: null };
  fc.assert(
    fc.property(nested(awkward), (value) => {
      const json = rewritten(arrayRewrite(text), postgresText(value)).toString();
      expect(json).toBe(jsonText(value, jsonString));
      expect(JSON.parse(json)).toEqual(value);
    }),
    parameters,
  );
});

test('nested arrays of numbers keep every digit', () => {
  const decimal: TypeMapping = { type: { kind: 'decimal', precision: null, scale: null }, rewrite: null };
  const number = fc.oneof(
    fc.bigInt({ min: -(2n ** 80n), max: 2n ** 80n }).map(String),
    fc.tuple(fc.bigInt({ min: 0n, max: 2n ** 70n }), fc.nat()).map(([whole, part]) => `-${whole}.${part}`),
    fc.constantFrom('NaN', 'Infinity', '-Infinity'),
  );
  fc.assert(
    fc.property(nested(number), (value) => {
      const json = rewritten(arrayRewrite(decimal), postgresText(value)).toString();
      expect(json).toBe(jsonText(value, (text) => (/\d$/.test(text) ? text : `"${text}"`)));
    }),
    parameters,
  );
});

test('damaged text ends in a value or an error, without a read past its end', () => {
  const text: TypeMapping = { type: { kind: 'string' }, rewrite: null };
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('{', '}', '"', ',', '\\', 'a', 'N') }), (damaged) => {
      // The bytes behind the cell are not its own; none of them may turn up.
      const json = rewritten(arrayRewrite(text), damaged);
      expect(json.includes(0xa5)).toBe(false);
    }),
    parameters,
  );
});
