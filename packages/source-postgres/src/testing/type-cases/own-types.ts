import { arrayOf, same, typeCase, type PostgresTypeCase } from './type-case.ts';

const longestLabel = 'ü'.repeat(31);

/** `shop.date` is a range with the name of a built-in type. */
export const ownTypes: string = `
  CREATE TYPE mood AS ENUM ('sad', 'it''s "ok"', '', '${longestLabel}');
  CREATE TYPE pair AS (a int, b text);
  CREATE DOMAIN positive AS numeric(8, 3) CHECK (VALUE > 0);
  CREATE DOMAIN small_positive AS positive CHECK (VALUE < 100);
  CREATE DOMAIN list AS int[];
  CREATE DOMAIN short_list AS list CHECK (cardinality(VALUE) < 3);
  CREATE DOMAIN good_mood AS mood CHECK (VALUE <> 'sad');
  CREATE DOMAIN email AS text CHECK (VALUE LIKE '%@%') DEFAULT 'a@b';
  CREATE DOMAIN digest AS bytea CHECK (length(VALUE) = 4);
  CREATE DOMAIN moment AS timestamptz;
  CREATE DOMAIN document AS jsonb;
  CREATE DOMAIN span AS int4range;
  CREATE DOMAIN good_pair AS pair;
  CREATE TYPE nested AS (p pair, "when" timestamptz, list int[], "a ""quoted"" name" text, raw bytea);
  CREATE SCHEMA shop;
  CREATE TYPE shop.date AS RANGE (subtype = int4, multirange_type_name = shop.dates);
  CREATE TABLE shop."My Table" ();`;

export const ownCases: readonly PostgresTypeCase[] = [
  typeCase('a_mood', 'mood', { kind: 'enum' }, same('sad', 'it\'s "ok"', '', longestLabel)),
  typeCase('a_positive', 'positive', { kind: 'decimal', precision: 8, scale: 3 }, same('1.500')),
  typeCase('a_small_positive', 'small_positive', { kind: 'decimal', precision: 8, scale: 3 }, same('99.999')),
  typeCase('a_list', 'list', arrayOf({ kind: 'int', bits: 32 }), [
    ["'{1,2}'", '[1,2]'],
    ["'{}'", '[]'],
    ["'{NULL}'", '[null]'],
  ]),
  typeCase('a_short_list', 'short_list', arrayOf({ kind: 'int', bits: 32 }), [["'{1,2}'", '[1,2]']]),
  typeCase('a_good_mood', 'good_mood', { kind: 'enum' }, same('it\'s "ok"')),
  typeCase('an_email', 'email', { kind: 'string' }, same('a@b', '@')),
  typeCase('a_digest', 'digest', { kind: 'bytes' }, [["'\\x00ff5c0a'", Uint8Array.of(0, 255, 92, 10)]]),
  typeCase('a_moment', 'moment', { kind: 'timestamptz' }, [["'2024-02-29 12:00:00+01'", '2024-02-29T11:00:00Z']]),
  typeCase('a_document', 'document', { kind: 'json' }, same('{"a": [1.0]}')),
  typeCase('a_span', 'span', { kind: 'other' }, same('[1,5)')),
  typeCase('a_pair', 'pair', { kind: 'other' }, [
    [`ROW(1, 'a,"b")')::pair`, '(1,"a,""b"")")'],
    ['ROW(NULL, NULL)::pair', '(,)'],
    ["ROW(2, '')::pair", '(2,"")'],
  ]),
  typeCase('a_good_pair', 'good_pair', { kind: 'other' }, [["ROW(1, 'b')::pair", '(1,b)']]),
  typeCase('a_nested', 'nested', { kind: 'other' }, [
    [
      `ROW(ROW(1, 'a "b"'), '2024-02-29 12:00:00+01', '{1,NULL}', E'c\\n\\\\', '\\x00ff')::nested`,
      '("(1,""a """"b"""""")","2024-02-29 11:00:00+00","{1,NULL}","c\n\\\\","\\\\x00ff")',
    ],
  ]),
  typeCase('an_own_range', 'shop.date', { kind: 'other' }, same('[1,5)')),
  typeCase('an_own_multirange', 'shop.dates', { kind: 'other' }, same('{[1,5),[7,9)}')),
];
