import type { TypeCase } from '@weir/testkit';

/** A column of the table of edge values, with what PostgreSQL is given for each cell. */
export interface PostgresTypeCase extends TypeCase {
  readonly sqlType: string;
  /** SQL expressions, one for each cell. */
  readonly values: readonly string[];
}

type Pair = readonly [sql: string, cell: string | Uint8Array | null];

function typeCase(column: string, sqlType: string, type: TypeCase['type'], pairs: readonly Pair[]): PostgresTypeCase {
  return { column, sqlType, type, values: pairs.map(([sql]) => sql), cells: pairs.map(([, cell]) => cell) };
}

/** A literal that is its own canonical text. */
const same = (...texts: string[]): Pair[] => texts.map((text) => [`'${text.replaceAll("'", "''")}'`, text]);
const array = (of: TypeCase['type']): TypeCase['type'] => ({ kind: 'array', of });
const awkward = `tab\t newline\n return\r back\\slash quotes '"\` comma, {} \\N \\. null ünï¢øde 😀 \u0001\u007f`;

const numbers = [
  typeCase('a_bool', 'bool', { kind: 'bool' }, same('t', 'f')),
  typeCase('a_int2', 'int2', { kind: 'int', bits: 16 }, same('32767', '-32768', '0')),
  typeCase('a_int4', 'int4', { kind: 'int', bits: 32 }, same('2147483647', '-2147483648')),
  typeCase(
    'a_int8',
    'int8',
    { kind: 'int', bits: 64 },
    same('9223372036854775807', '-9223372036854775808', '9007199254740993'),
  ),
  typeCase('a_oid', 'oid', { kind: 'uint', bits: 32 }, same('4294967295')),
  typeCase(
    'a_float4',
    'float4',
    { kind: 'float', bits: 32 },
    same('0.1', '1e-45', '3.4028235e+38', 'NaN', 'Infinity', '-Infinity', '-0'),
  ),
  typeCase(
    'a_float8',
    'float8',
    { kind: 'float', bits: 64 },
    same('0.1', '5e-324', '1.7976931348623157e+308', 'NaN', 'Infinity', '-Infinity', '-0', '9.007199254740992e+15'),
  ),
  typeCase('a_numeric', 'numeric', { kind: 'decimal', precision: null, scale: null }, [
    ...same(
      '0',
      '0.00',
      '-0.000000000000000000000000000001',
      '12345678901234567890.12345678901234567890',
      'NaN',
      'Infinity',
      '-Infinity',
    ),
    ["('1' || repeat('0', 300) || '.5')::numeric", `1${'0'.repeat(300)}.5`],
  ]),
  typeCase(
    'a_numeric_12_2',
    'numeric(12, 2)',
    { kind: 'decimal', precision: 12, scale: 2 },
    same('9999999999.99', '-0.01', '5.00', 'NaN'),
  ),
  typeCase('a_numeric_3_0', 'numeric(3)', { kind: 'decimal', precision: 3, scale: 0 }, same('999', '-999')),
  typeCase('a_numeric_negative', 'numeric(2, -3)', { kind: 'decimal', precision: null, scale: null }, [
    ["'12345'", '12000'],
  ]),
  typeCase('a_numeric_small', 'numeric(3, 5)', { kind: 'decimal', precision: null, scale: null }, [
    ["'0.00123'", '0.00123'],
  ]),
  typeCase('a_money', 'money', { kind: 'other' }, [["'12.34'", '$12.34']]),
];

const texts = [
  typeCase('a_text', 'text', { kind: 'string' }, [
    ...same('', awkward, '\\N', '\\.', 'NULL'),
    ["repeat('long ', 30000)", 'long '.repeat(30_000)],
  ]),
  typeCase('a_varchar', 'varchar(20)', { kind: 'string' }, same('', 'ü')),
  typeCase('a_char', 'char(4)', { kind: 'string' }, [["'ab'", 'ab  ']]),
  typeCase('a_internal_char', '"char"', { kind: 'string' }, same('x')),
  typeCase('a_name', 'name', { kind: 'string' }, same('pg_class')),
  typeCase('a_enum', 'mood', { kind: 'enum' }, same('sad', 'it\'s "ok"')),
  typeCase('a_domain', 'positive', { kind: 'decimal', precision: 8, scale: 3 }, same('1.500')),
  typeCase('a_uuid', 'uuid', { kind: 'uuid' }, [
    ["'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'", 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'],
  ]),
  typeCase('a_json', 'json', { kind: 'json' }, same('{"b": 1,  "a":[9007199254740993, null]}', '"\\\\"', 'null')),
  typeCase('a_jsonb', 'jsonb', { kind: 'json' }, [
    [`'{"b": 1.10,  "a":[9007199254740993, null]}'`, '{"a": [9007199254740993, null], "b": 1.10}'],
    [`'"tab\\t"'`, '"tab\\t"'],
  ]),
  typeCase('a_bytes', 'bytea', { kind: 'bytes' }, [
    ["''", new Uint8Array(0)],
    ["'\\x00ff0a5c09'", Uint8Array.of(0, 255, 10, 92, 9)],
    ["decode(repeat('00', 5000), 'hex')", new Uint8Array(5000)],
  ]),
];

const times = [
  typeCase('a_date', 'date', { kind: 'date' }, [
    ...same('2024-02-29', '0001-01-01', 'infinity', '-infinity', '5874897-12-31'),
    ["'0001-12-31 BC'", '0000-12-31'],
    ["'0044-03-15 BC'", '-000043-03-15'],
    ["'4713-01-01 BC'", '-004712-01-01'],
  ]),
  typeCase('a_timestamp', 'timestamp', { kind: 'timestamp' }, [
    ...same(
      '2024-02-29T12:34:56',
      '2024-02-29T12:34:56.1',
      '1999-12-31T23:59:59.999999',
      '0001-01-01T00:00:00',
      'infinity',
      '-infinity',
    ),
    ["'294276-12-31 23:59:59.999999'", '294276-12-31T23:59:59.999999'],
    ["'0044-03-15 10:00:00.5 BC'", '-000043-03-15T10:00:00.5'],
    ["'0001-03-15 10:00:00 BC'", '0000-03-15T10:00:00'],
  ]),
  typeCase('a_timestamptz', 'timestamptz', { kind: 'timestamptz' }, [
    ["'2024-02-29 12:00:00.000001+05:30'", '2024-02-29T06:30:00.000001Z'],
    ["'2024-02-29 12:00:00-03'", '2024-02-29T15:00:00Z'],
    ["'0044-03-15 10:00:00+00 BC'", '-000043-03-15T10:00:00Z'],
    ["'0001-03-15 10:00:00+00 BC'", '0000-03-15T10:00:00Z'],
    ["'294276-12-31 23:59:59+00'", '294276-12-31T23:59:59Z'],
    ...same('infinity', '-infinity'),
  ]),
  typeCase('a_time', 'time', { kind: 'time' }, same('00:00:00', '24:00:00', '12:34:56.000001')),
  typeCase('a_timetz', 'timetz', { kind: 'timetz' }, [
    ["'12:00:00+02'", '12:00:00+02:00'],
    ["'24:00:00-05:30'", '24:00:00-05:30'],
    ["'12:00:00.5+01:02:03'", '12:00:00.5+01:02:03'],
  ]),
  typeCase('an_interval', 'interval', { kind: 'interval' }, [
    ["'1 year 2 months -3 days 04:05:06.789'", 'P1Y2M-3DT4H5M6.789S'],
    ["'0'", 'PT0S'],
    ["'-1 microsecond'", 'PT-0.000001S'],
  ]),
];

const arrays = [
  typeCase('some_ints', 'int[]', array({ kind: 'int', bits: 32 }), [
    ["'{}'", '[]'],
    ["'{1,NULL,-3}'", '[1,null,-3]'],
    ["'{{1,2},{3,4}}'", '[[1,2],[3,4]]'],
  ]),
  typeCase('some_int8s', 'int8[]', array({ kind: 'int', bits: 64 }), [["'{9007199254740993}'", '[9007199254740993]']]),
  typeCase('some_texts', 'text[]', array({ kind: 'string' }), [
    [
      `ARRAY['', 'NULL', NULL, 'a b', E'q"\\\\,{}', E'\\t\\n\\x01', ' ', 'ü😀']`,
      '["","NULL",null,"a b","q\\"\\\\,{}","\\u0009\\u000a\\u0001"," ","ü😀"]',
    ],
    [`ARRAY[['a','b'],['c',NULL]]`, '[["a","b"],["c",null]]'],
  ]),
  typeCase('some_floats', 'float8[]', array({ kind: 'float', bits: 64 }), [
    ["'{1.5,NaN,Infinity,-Infinity,1e+300}'", '[1.5,"NaN","Infinity","-Infinity",1e+300]'],
  ]),
  typeCase('some_numerics', 'numeric(6,2)[]', array({ kind: 'decimal', precision: 6, scale: 2 }), [
    ["'{1.5,NaN}'", '[1.50,"NaN"]'],
  ]),
  typeCase('some_bools', 'bool[]', array({ kind: 'bool' }), [["'{t,f,NULL}'", '[true,false,null]']]),
  typeCase('some_dates', 'date[]', array({ kind: 'date' }), [
    [`ARRAY['2024-02-29', '0044-03-15 BC', 'infinity']::date[]`, '["2024-02-29","-000043-03-15","infinity"]'],
  ]),
  typeCase('some_timestamptzs', 'timestamptz[]', array({ kind: 'timestamptz' }), [
    [
      `ARRAY['2024-02-29 12:00:00+01', '0044-03-15 10:00:00+00 BC']::timestamptz[]`,
      '["2024-02-29T11:00:00Z","-000043-03-15T10:00:00Z"]',
    ],
  ]),
  typeCase('some_timetzs', 'timetz[]', array({ kind: 'timetz' }), [
    ["'{12:00:00+02,12:00:00-05:30}'", '["12:00:00+02:00","12:00:00-05:30"]'],
  ]),
  typeCase('some_bytes', 'bytea[]', array({ kind: 'bytes' }), [[`ARRAY['\\x00ff']::bytea[]`, '["\\\\x00ff"]']]),
  typeCase('some_jsonbs', 'jsonb[]', array({ kind: 'json' }), [
    [`ARRAY['{"a": "x\\"y"}', 'null', NULL]::jsonb[]`, '[{"a": "x\\"y"},null,null]'],
  ]),
  typeCase('some_moods', 'mood[]', array({ kind: 'enum' }), [
    [`ARRAY['sad', 'it''s "ok"']::mood[]`, '["sad","it\'s \\"ok\\""]'],
  ]),
  typeCase('some_points', 'point[]', array({ kind: 'other' }), [["ARRAY['(1,2)'::point]", '["(1,2)"]']]),
  typeCase('some_lists', 'list[]', array(array({ kind: 'int', bits: 32 })), [
    [`ARRAY['{1,2}'::list, '{}', NULL]`, '[[1,2],[],null]'],
  ]),
  typeCase('some_boxes', 'box[]', { kind: 'other' }, [
    ["ARRAY['(1,1),(0,0)'::box, '(2,2),(1,1)']", '{(1,1),(0,0);(2,2),(1,1)}'],
  ]),
];

const others = [
  typeCase('a_composite', 'pair', { kind: 'other' }, [[`ROW(1, 'a,"b')::pair`, '(1,"a,""b")']]),
  typeCase('a_range', 'int4range', { kind: 'other' }, same('[1,5)', 'empty')),
  typeCase('a_multirange', 'int4multirange', { kind: 'other' }, same('{[1,5),[7,9)}')),
  typeCase('a_point', 'point', { kind: 'other' }, same('(1.5,-2)')),
  typeCase('an_inet', 'inet', { kind: 'other' }, same('192.168.0.1/24', '::1')),
  typeCase('some_bits', 'varbit', { kind: 'other' }, same('1010', '')),
  typeCase('a_tsvector', 'tsvector', { kind: 'other' }, same("'a':1 'b'")),
  typeCase('an_xml', 'xml', { kind: 'other' }, same('<a b="c"/>')),
  typeCase('an_int2vector', 'int2vector', { kind: 'other' }, same('1 2 3', '')),
  typeCase('an_own_range', 'shop.date', { kind: 'other' }, same('[1,5)')),
];

/** Every kind of type with its edge values. */
export const typeCases: readonly PostgresTypeCase[] = [...numbers, ...texts, ...times, ...arrays, ...others];

/** The types that the cases use; `shop.date` is a range with the name of a built-in type. */
export const typeDefinitions = `
  CREATE TYPE mood AS ENUM ('sad', 'it''s "ok"');
  CREATE DOMAIN positive AS numeric(8, 3) CHECK (VALUE > 0);
  CREATE DOMAIN list AS int[];
  CREATE TYPE pair AS (a int, b text);
  CREATE SCHEMA shop;
  CREATE TYPE shop.date AS RANGE (subtype = int4)`;
