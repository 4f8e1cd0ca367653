import { describe, expect, test } from 'vitest';
import { arrayRewrite } from './rewrite-array.ts';
import { rewriteBytea, rewriteDate, rewriteTimetz } from './rewrite-cell.ts';
import { rewritten } from './testing/rewritten.ts';
import type { TypeMapping } from './type-mapping.ts';

const text: TypeMapping = { type: { kind: 'string' }, rewrite: null };
const int: TypeMapping = { type: { kind: 'int', bits: 32 }, rewrite: null };
const ints: TypeMapping = { type: { kind: 'array', of: int.type }, rewrite: arrayRewrite(int) };

const cases: readonly (readonly [name: string, element: TypeMapping, text: string, json: string])[] = [
  ['no elements', text, '{}', '[]'],
  ['NULL, in any case, and the text of it', text, '{NULL,null,"NULL",nullx}', '[null,null,"NULL","nullx"]'],
  ['quotes and backslashes', text, '{"a \\"b\\"","c\\\\d",e}', '["a \\"b\\"","c\\\\d","e"]'],
  ['what separates elements', text, '{"a,b","{c}"," "}', '["a,b","{c}"," "]'],
  ['control characters', text, '{"\t\n\u0001"}', '["\\u0009\\u000a\\u0001"]'],
  ['several dimensions', text, '{{a,b},{c,NULL}}', '[["a","b"],["c",null]]'],
  ['digits, none lost', int, '{9007199254740993,-1}', '[9007199254740993,-1]'],
  [
    'what JSON has no number for',
    { type: { kind: 'float', bits: 64 }, rewrite: null },
    '{NaN,Infinity,-Infinity,1e-05}',
    '["NaN","Infinity","-Infinity",1e-05]',
  ],
  ['truth values', { type: { kind: 'bool' }, rewrite: null }, '{t,f}', '[true,false]'],
  ['JSON', { type: { kind: 'json' }, rewrite: null }, '{"{\\"a\\": [1, \\"x\\"]}",5}', '[{"a": [1, "x"]},5]'],
  [
    'elements that are rewritten in place',
    { type: { kind: 'date' }, rewrite: rewriteDate },
    '{"0044-03-15 BC",2024-02-29}',
    '["-000043-03-15","2024-02-29"]',
  ],
  ['elements that grow', { type: { kind: 'timetz' }, rewrite: rewriteTimetz }, '{12:00:00+02}', '["12:00:00+02:00"]'],
  ['bytes, as hexadecimal text', { type: { kind: 'bytes' }, rewrite: rewriteBytea }, '{"\\\\x00ff"}', '["\\\\x00ff"]'],
  ['arrays, by way of a domain', ints, '{"{1,2}","{}",NULL}', '[[1,2],[],null]'],
];

describe('an array becomes JSON text:', () => {
  test.each(cases)('%s', (_, element, literal, json) => {
    expect(rewritten(arrayRewrite(element), literal).toString()).toBe(json);
    expect(() => JSON.parse(json) as unknown).not.toThrow();
  });
});

test('a lower bound other than 1 is refused with a code', () => {
  expect(() => rewritten(arrayRewrite(int), '[0:1]={1,2}')).toThrow(
    expect.objectContaining({ code: 'WEIR_PG_ARRAY_BOUNDS' }),
  );
});
