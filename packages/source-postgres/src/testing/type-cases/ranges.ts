import { same, typeCase, type PostgresTypeCase } from './type-case.ts';

const other = { kind: 'other' } as const;

/** Both bounds, one, none, and a range without elements. */
export const rangeCases: readonly PostgresTypeCase[] = [
  typeCase('an_int4range', 'int4range', other, [...same('[1,5)', 'empty', '(,)', '[5,)'), ["'(1,5]'", '[2,6)']]),
  typeCase('an_int8range', 'int8range', other, same('[-9223372036854775808,9223372036854775807)')),
  typeCase('a_numrange', 'numrange', other, same('[1.50,2.5]', '(NaN,)', '[-Infinity,0)')),
  typeCase('a_daterange', 'daterange', other, [
    ...same('[2024-02-29,2024-03-01)', '[-infinity,infinity]'),
    [`'["0044-03-15 BC",)'`, '["0044-03-15 BC",)'],
  ]),
  typeCase('a_tsrange', 'tsrange', other, same('["2024-02-29 00:00:00","2024-02-29 12:00:00.5"]', '(,infinity]')),
  typeCase('a_tstzrange', 'tstzrange', other, [
    [`'["2024-02-29 12:00:00+05:30",)'`, '["2024-02-29 06:30:00+00",)'],
  ]),
  typeCase('an_int4multirange', 'int4multirange', other, same('{[1,5),[7,9)}', '{}', '{(,)}')),
  typeCase('an_int8multirange', 'int8multirange', other, same('{[-9223372036854775808,9223372036854775807)}')),
  typeCase('a_nummultirange', 'nummultirange', other, same('{[1.50,2.5],(3,)}')),
  typeCase('a_datemultirange', 'datemultirange', other, same('{[2024-02-29,2024-03-01)}')),
  typeCase('a_tsmultirange', 'tsmultirange', other, same('{["2024-02-29 00:00:00","2024-02-29 12:00:00.5"]}')),
  typeCase('a_tstzmultirange', 'tstzmultirange', other, [
    [`'{["2024-02-29 12:00:00+05:30",)}'`, '{["2024-02-29 06:30:00+00",)}'],
  ]),
];
