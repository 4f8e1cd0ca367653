import { describe, expect, test } from 'vitest';
import { isChosen, parsePattern, patternOf, tableNameText, tablePatternText, type TableName } from './table-pattern.ts';

const tables = [
  'public.orders',
  'public.order_lines',
  'public.audit_log',
  'public.audit_2024',
  'shop.orders',
  'Shop.Orders',
  'my schema.my table',
  'public.a*b',
  'public.axb',
  'public.he said "hi"',
  'public.(a|b)+',
].map((name) => {
  const [namespace = '', table = ''] = name.split('.');
  return { namespace, name: table };
});

function select(among: readonly TableName[], patterns: readonly string[]): TableName[] {
  expect(patterns.filter((pattern) => !tablePatternText.test(pattern))).toEqual([]);
  return among.filter((table) => isChosen(table, patterns.map(parsePattern)));
}

function selected(...patterns: string[]): string[] {
  return select(tables, patterns).map(({ namespace, name }) => `${namespace}.${name}`);
}

describe('patterns select', () => {
  test('one table by its name, as it is written in the catalog', () => {
    expect(selected('public.orders')).toEqual(['public.orders']);
    expect(selected('Shop.Orders')).toEqual(['Shop.Orders']);
    expect(selected('public.ORDERS')).toEqual([]);
  });

  test('by wildcards, in either part', () => {
    expect(selected('public.order*')).toEqual(['public.orders', 'public.order_lines']);
    expect(selected('*.orders')).toEqual(['public.orders', 'shop.orders']);
    expect(selected('?hop.?rders')).toEqual(['shop.orders', 'Shop.Orders']);
    expect(selected('*.*')).toHaveLength(tables.length);
  });

  test('less what an excluding pattern matches, whatever the order', () => {
    expect(selected('!public.audit_*', 'public.??????*')).toEqual([
      'public.orders',
      'public.order_lines',
      'public.he said "hi"',
      'public.(a|b)+',
    ]);
    expect(selected('public.audit_*', '!public.audit_2024')).toEqual(['public.audit_log']);
    expect(selected('!public.orders')).toEqual([]);
  });

  test('quoted parts literally', () => {
    expect(selected('"my schema"."my table"')).toEqual(['my schema.my table']);
    expect(selected('public."a*b"')).toEqual(['public.a*b']);
    expect(selected('public.a*b')).toEqual(['public.a*b', 'public.axb']);
    expect(selected('public."he said ""hi"""')).toEqual(['public.he said "hi"']);
    expect(selected('public."he said "*')).toEqual(['public.he said "hi"']);
    expect(selected('!"my schema".*', 'my*.*', '"my schema"."my table"')).toEqual([]);
  });

  test('without a meaning for what regular expressions know', () => {
    expect(selected('public.(a|b)+')).toEqual(['public.(a|b)+']);
    expect(selected('public.[a-z]*')).toEqual([]);
    expect(selected('publi..orders')).toEqual([]);
  });

  test('a schema or a table whose name has a dot', () => {
    const dotted = [
      { namespace: 'a.b', name: 'c' },
      { namespace: 'a', name: 'b.c' },
    ];
    expect(select(dotted, ['"a.b".c'])).toEqual([dotted[0]]);
    expect(select(dotted, ['a.b.c'])).toEqual([dotted[1]]);
    expect(select(dotted, ['a.*'])).toEqual([dotted[1]]);
  });
});

test('what is no pattern is told from one', () => {
  for (const text of [
    'orders',
    'public.',
    '.orders',
    'public. orders',
    'my schema.orders',
    '"open.orders',
    'public."',
    '!',
    '"".a',
    '',
  ]) {
    expect(tablePatternText.test(text), text).toBe(false);
  }
});

describe('a pattern without wildcard', () => {
  test.each([
    ['public.orders', { namespace: 'public', name: 'orders' }],
    ['"my schema"."my ""table"""', { namespace: 'my schema', name: 'my "table"' }],
    ['a.b.c', { namespace: 'a', name: 'b.c' }],
    ['"a.b".c', { namespace: 'a.b', name: 'c' }],
    ['public."a*b?"', { namespace: 'public', name: 'a*b?' }],
  ])('%s names one table', (text, exact) => {
    expect(tableNameText.test(text)).toBe(true);
    expect(parsePattern(text)).toMatchObject({ text, excludes: false, exact });
    expect(parsePattern(patternOf(exact)).exact, 'and is written again so that it names the same').toEqual(exact);
  });

  test.each(['public.*', 'public.order?', '*.orders', '!public.orders', 'orders'])('is not %s', (text) => {
    expect(tableNameText.test(text)).toBe(false);
  });
});
