import { testSeed } from '@weir/testkit';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cellOf, cellsOf, column, textOf } from '../testing/decoded.ts';
import { encodeJson, encodeJsonChanges, type JsonChange, type JsonInput } from '../testing/encode-json.ts';
import { encodeBytes, encodeDecimal, encodeInteger, encodePackedMoment, encodePackedTime } from '../encoding/encode-value.ts';
import { jsonDouble } from './json/json-double.ts';
import type { JsonCell } from './json-cell.ts';
import { MysqlType } from './mysql-type.ts';

const json = column(MysqlType.json, 4);
const printed = (value: JsonInput): string | null => textOf(json, encodeBytes(encodeJson(value), 4));
const members = (object: Readonly<Record<string, JsonInput>>): JsonInput => new Map(Object.entries(object));

describe('a JSON document', () => {
  it('is printed as the server prints it', () => {
    expect(cellsOf(json).type).toEqual({ kind: 'json' });
    expect(printed(members({ b: [1n, 2n], a: 1n, long: null }))).toBe('{"a": 1, "b": [1, 2], "long": null}');
    expect(printed([])).toBe('[]');
    expect(printed(new Map())).toBe('{}');
    expect(printed([true, false, null, [[]], members({ '': '' })])).toBe('[true, false, null, [[]], {"": ""}]');
    expect(printed('a "b" \\ / \b\f\n\r\t\u0001\u001f\u007f é 😀')).toBe('"a \\"b\\" \\\\ / \\b\\f\\n\\r\\t\\u0001\\u001f\u007f é 😀"');
    expect(textOf(json, encodeBytes(Buffer.alloc(0), 4))).toBe('null');
  });

  it.each([0n, -1n, 32_767n, -32_768n, 65_535n, 2n ** 31n - 1n, -(2n ** 31n), 2n ** 32n - 1n, -(2n ** 63n), 2n ** 64n - 1n])(
    'has the number %s, by itself and inside',
    (value) => {
      expect(printed(value)).toBe(String(value));
      expect(printed([value])).toBe(`[${value}]`);
    },
  );

  it.each([
    [1, '1.0'],
    [-0, '-0.0'],
    [0.1, '0.1'],
    [1.5e-14, '0.000000000000015'],
    [1.5e-15, '0.0000000000000015'],
    [1.5e-16, '1.5e-16'],
    [1e15, '1e15'],
    [123456789012345, '123456789012345.0'],
    [1234567890123456, '1.234567890123456e15'],
    [1234567890123456.8, '1234567890123456.8'],
    [1e100, '1e100'],
    [-1.7976931348623157e308, '-1.7976931348623157e308'],
    [5e-324, '5e-324'],
  ])('has the double %s as %s', (value, text) => {
    expect(printed({ double: value })).toBe(text);
  });

  it('has values of the types that JSON has not', () => {
    const day = { year: 2015, month: 1, day: 15, hour: 23, minute: 24, second: 25, micros: 120_000 };
    const time = { negative: true, hour: 838, minute: 59, second: 58, micros: 1 };
    expect(printed({ opaque: MysqlType.datetime, bytes: encodePackedMoment(day) })).toBe('"2015-01-15 23:24:25.120000"');
    expect(printed({ opaque: MysqlType.timestamp, bytes: encodePackedMoment(day) })).toBe('"2015-01-15 23:24:25.120000"');
    expect(printed({ opaque: MysqlType.date, bytes: encodePackedMoment({ ...day, hour: 0, minute: 0, second: 0, micros: 0 }) })).toBe('"2015-01-15"');
    expect(printed({ opaque: MysqlType.time, bytes: encodePackedTime(time) })).toBe('"-838:59:58.000001"');
    expect(printed({ opaque: MysqlType.time, bytes: encodePackedTime({ ...time, negative: false, hour: 1 }) })).toBe('"01:59:58.000001"');
    const decimal = Buffer.concat([Buffer.from([5, 2]), encodeDecimal(true, '12345', 5, 2)]);
    expect(printed({ opaque: MysqlType.newDecimal, bytes: decimal })).toBe('-123.45');
    expect(printed({ opaque: MysqlType.varString, bytes: Buffer.from('a"b') })).toBe('"a\\"b"');
    expect(printed({ opaque: MysqlType.bit, bytes: Buffer.from([1, 2]) })).toBe('"base64:type16:AQI="');
    const long = Buffer.alloc(58, 0xff);
    expect(printed({ opaque: MysqlType.blob, bytes: long })).toBe(`"base64:type252:${'/'.repeat(76)}\\n/w=="`);
  });

  it('may be larger than 64 KiB', () => {
    const text = 'x'.repeat(70_000);
    expect(printed([text, 100_000n, members({ a: [text] })])).toBe(`["${text}", 100000, {"a": ["${text}"]}]`);
  });

  it('may be 100 levels deep and no deeper', () => {
    let value: JsonInput = 1n;
    for (let depth = 0; depth < 100; depth++) value = [value];
    expect(printed(value)).toBe(`${'['.repeat(100)}1${']'.repeat(100)}`);
    expect(() => printed([value])).toThrow(/column "c": a JSON document is damaged/);
  });

  it('whose values are the same bytes again and again is damage, not a text without end', () => {
    // An array of two elements that are both the array behind it, and so on.
    const levels = Array.from({ length: 60 }, () => Buffer.from('0200' + 'ffff' + '020a00' + '020a00', 'hex'));
    for (const [i, level] of levels.entries()) level.writeUInt16LE((levels.length - i) * 10 + 4, 2);
    const value = Buffer.concat([Buffer.from([2]), ...levels, Buffer.from('00000400', 'hex')]);
    expect(() => textOf(json, encodeBytes(value, 4))).toThrow(expect.objectContaining({ code: 'WEIR_BINLOG_DAMAGED' }));
  });
});

const scalar: fc.Arbitrary<JsonInput> = fc.oneof(
  fc.constant(null),
  fc.boolean(),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }),
  fc.integer({ min: -40_000, max: 70_000 }).map(BigInt),
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((double) => ({ double })),
);
const anyJson = fc.letrec<{ value: JsonInput }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    scalar,
    fc.array(tie('value'), { maxLength: 6 }),
    fc.array(fc.tuple(fc.string({ unit: 'binary', maxLength: 5 }), tie('value')), { maxLength: 6 }).map((all) => new Map(all)),
  ),
})).value;

/** The same text, written from the rules alone. */
function expected(value: JsonInput): string {
  if (value === null || typeof value === 'boolean' || typeof value === 'bigint') return String(value);
  if (typeof value === 'string') return JSON.stringify(value);
  if (Array.isArray(value)) return `[${(value as readonly JsonInput[]).map(expected).join(', ')}]`;
  if (value instanceof Map) {
    const all = [...(value as ReadonlyMap<string, JsonInput>)].map(([key, each]): [Buffer, string, JsonInput] => [Buffer.from(key), key, each]);
    all.sort(([a], [b]) => a.length - b.length || Buffer.compare(a, b));
    return `{${all.map(([, key, each]) => `${JSON.stringify(key)}: ${expected(each)}`).join(', ')}}`;
  }
  return jsonDouble((value as { double: number }).double);
}

describe('any JSON document', () => {
  it('is printed', () => {
    fc.assert(
      fc.property(anyJson, (value) => {
        expect(printed(value)).toBe(expected(value));
      }),
      { seed: testSeed, numRuns: 1000 },
    );
  });

  it('has doubles that read back the same', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        const text = jsonDouble(value);
        expect(Number(text)).toBe(value);
        expect(text).toMatch(/^-?(?:\d+\.\d+|\d(?:\.\d+)?e-?\d+)$/);
      }),
      { seed: testSeed, numRuns: 2000 },
    );
  });
});

/** The document that changes make of another. */
function patched(before: JsonInput, changes: readonly JsonChange[] | Buffer): string {
  const decoder = cellsOf(json).decoder as JsonCell;
  const document = encodeBytes(encodeJson(before), 4);
  const diffs = Buffer.isBuffer(changes) ? changes : encodeJsonChanges(changes);
  return cellOf((writer) => {
    const at = writer.append(Buffer.concat([document, diffs]));
    const end = at + document.length + diffs.length;
    expect(decoder.writePartial(writer.data, at, at + document.length, end, writer)).toBe(end);
    expect(decoder.passDiffs(writer.data, at + document.length, end)).toBe(end);
  })!.toString();
}

describe('a partial update', () => {
  const before = members({ a: 1n, b: [1n, 2n, 3n], 'c d': members({ e: 'f' }) });

  it('replaces, inserts and removes', () => {
    expect(patched(before, [])).toBe('{"a": 1, "b": [1, 2, 3], "c d": {"e": "f"}}');
    expect(patched(before, [{ operation: 'replace', path: '$.a', value: 'x' }])).toBe('{"a": "x", "b": [1, 2, 3], "c d": {"e": "f"}}');
    expect(patched(before, [{ operation: 'insert', path: '$.aa', value: [] }])).toBe('{"a": 1, "b": [1, 2, 3], "aa": [], "c d": {"e": "f"}}');
    expect(patched(before, [{ operation: 'remove', path: '$.b' }])).toBe('{"a": 1, "c d": {"e": "f"}}');
    expect(patched(before, [{ operation: 'replace', path: '$."c d".e', value: 2n }])).toBe('{"a": 1, "b": [1, 2, 3], "c d": {"e": 2}}');
    expect(patched(before, [{ operation: 'insert', path: '$.b[1]', value: 9n }])).toBe('{"a": 1, "b": [1, 9, 2, 3], "c d": {"e": "f"}}');
    expect(patched(before, [{ operation: 'insert', path: '$.b[7]', value: 9n }])).toBe('{"a": 1, "b": [1, 2, 3, 9], "c d": {"e": "f"}}');
    expect(patched(before, [{ operation: 'remove', path: '$.b[last]' }])).toBe('{"a": 1, "b": [1, 2], "c d": {"e": "f"}}');
    expect(patched(before, [{ operation: 'replace', path: '$.b[last-2]', value: null }])).toBe('{"a": 1, "b": [null, 2, 3], "c d": {"e": "f"}}');
  });

  it('is several changes, each of the document that those before it left', () => {
    const changes: JsonChange[] = [
      { operation: 'remove', path: '$.b[0]' },
      { operation: 'replace', path: '$.b[0]', value: members({ x: 'y'.repeat(300) }) },
      { operation: 'insert', path: '$.b[0].z', value: { double: 1 } },
    ];
    expect(patched(before, changes)).toBe(`{"a": 1, "b": [{"x": "${'y'.repeat(300)}", "z": 1.0}, 3], "c d": {"e": "f"}}`);
  });

  it('has names with any characters', () => {
    const odd = members({ 'a"b': 1n, 'é.[0]': 2n, __proto__x: 3n });
    expect(patched(odd, [{ operation: 'remove', path: '$."a\\"b"' }])).toBe('{"é.[0]": 2, "__proto__x": 3}');
    expect(patched(odd, [{ operation: 'replace', path: '$."é.[0]"', value: true }])).toBe('{"a\\"b": 1, "é.[0]": true, "__proto__x": 3}');
  });

  it.each<[string, JsonChange]>([
    ['a member that is not there', { operation: 'replace', path: '$.x', value: 1n }],
    ['a member that is there already', { operation: 'insert', path: '$.a', value: 1n }],
    ['an element beyond the end', { operation: 'remove', path: '$.b[3]' }],
    ['an element of an object', { operation: 'replace', path: '$[0]', value: 1n }],
    ['a member of a number', { operation: 'insert', path: '$.a.b', value: 1n }],
  ])('of %s does not fit', (_what, change) => {
    expect(() => patched(before, [change])).toThrow(/column "c": a change of a JSON document does not fit the document before it/);
  });

  it.each(['', '$', 'a', '$.', '$[', '$[x]', '$.*', '$**.a', '$."a'])('with the path %j is damage', (path) => {
    expect(() => patched(before, [{ operation: 'remove', path }])).toThrow(/a change of a JSON document is damaged/);
  });

  it('that is cut off or of another operation is damage', () => {
    const whole = encodeJsonChanges([{ operation: 'replace', path: '$.a', value: 'xyz' }]).subarray(4);
    for (let length = 1; length < whole.length; length++) {
      expect(() => patched(before, encodeBytes(whole.subarray(0, length), 4))).toThrow(/damaged/);
    }
    expect(() => patched(before, Buffer.concat([encodeInteger(5n, 4), Buffer.from([3, 3]), Buffer.from('$.a')]))).toThrow(/damaged/);
  });
});
