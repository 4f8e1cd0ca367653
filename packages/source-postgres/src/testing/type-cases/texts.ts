import { same, typeCase, type PostgresTypeCase } from './type-case.ts';

const awkward = `tab\t newline\n return\r back\\slash quotes '"\` comma, {} \\N \\. null ünï¢øde 😀 \u0001\u007f`;

export const textCases: readonly PostgresTypeCase[] = [
  typeCase('a_text', 'text', { kind: 'string' }, [
    ...same('', awkward, '\\N', '\\.', 'NULL'),
    ["repeat('long ', 30000)", 'long '.repeat(30_000)],
  ]),
  typeCase('a_varchar', 'varchar', { kind: 'string' }, same('', awkward)),
  typeCase('a_varchar_20', 'varchar(20)', { kind: 'string' }, same('', 'ü')),
  typeCase('a_char_4', 'char(4)', { kind: 'string' }, [
    ["'ab'", 'ab  '],
    ["''", '    '],
    ["'😀'", '😀   '],
  ]),
  typeCase('a_bpchar', 'bpchar', { kind: 'string' }, same('ab  ', '')),
  typeCase('an_internal_char', '"char"', { kind: 'string' }, same('x', '', '\\', '"')),
  // Before version 16 the server sends such a byte as it is, in a text that says it is UTF-8.
  typeCase('an_internal_byte', '"char"', { kind: 'string' }, [["'\\377'", '\\377']], { since: 16 }),
  typeCase('a_name', 'name', { kind: 'string' }, same('pg_class', '', 'n'.repeat(63))),
  typeCase('a_refcursor', 'refcursor', { kind: 'string' }, same('<unnamed portal 1>', '')),
  typeCase('a_uuid', 'uuid', { kind: 'uuid' }, [
    ["'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'", 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'],
    ...same('00000000-0000-0000-0000-000000000000', 'ffffffff-ffff-ffff-ffff-ffffffffffff'),
  ]),
  typeCase(
    'a_json',
    'json',
    { kind: 'json' },
    same('{"b": 1,  "a":[9007199254740993, null], "b":1e400}', '"\\\\"', 'null', ' [ ]\n'),
  ),
  typeCase('a_jsonb', 'jsonb', { kind: 'json' }, [
    [`'{"b": 1.10,  "a":[9007199254740993, null], "b": 2.0}'`, '{"a": [9007199254740993, null], "b": 2.0}'],
    [`'"tab\\t"'`, '"tab\\t"'],
    ["'1e400'", `1${'0'.repeat(400)}`],
    ...same('null', '{}'),
  ]),
  typeCase('a_jsonpath', 'jsonpath', { kind: 'other' }, same('$."a"[*]?(@ > 1)', 'strict $."it\'s \\"quoted\\""', '$')),
  typeCase('an_xml', 'xml', { kind: 'other' }, [
    ...same('<a b="c">ü &lt; &#x1F600;</a>', 'text, then <b/>', ''),
    [`'<?xml version="1.0" encoding="latin1"?><a/>'`, '<a/>'],
  ]),
  typeCase('a_bytea', 'bytea', { kind: 'bytes' }, [
    ["''", new Uint8Array(0)],
    ["'\\x00ff0a5c09'", Uint8Array.of(0, 255, 10, 92, 9)],
    ["decode(repeat('00', 5000), 'hex')", new Uint8Array(5000)],
  ]),
  typeCase('a_bit', 'bit', { kind: 'other' }, same('1', '0')),
  typeCase('a_bit_9', 'bit(9)', { kind: 'other' }, same('101010101')),
  typeCase('a_varbit', 'varbit', { kind: 'other' }, [...same('1010', ''), ["repeat('10', 500)::varbit", '10'.repeat(500)]]),
  typeCase('a_tsvector', 'tsvector', { kind: 'other' }, same("'a':1 'b'", "'fat':2B,4C 'it''s':5A", '')),
  typeCase(
    'a_tsquery',
    'tsquery',
    { kind: 'other' },
    same("'fat' & ( 'rat' | !'cat' )", "'a':*B <2> 'it''s'", ''),
  ),
];
