import { same, typeCase, type Pair, type PostgresTypeCase } from './type-case.ts';

function other(extension: string, sqlType: string, pairs: readonly Pair[]): PostgresTypeCase {
  return typeCase(`an_${sqlType}`, sqlType, { kind: 'other' }, pairs, { extension });
}

/** Of the contributed modules, and of two well-known extensions for servers that have them. */
export const extensionCases: readonly PostgresTypeCase[] = [
  typeCase('a_citext', 'citext', { kind: 'string' }, same('MiXed', '', '"q" \\ {}'), { extension: 'citext' }),
  other('hstore', 'hstore', [[`'"a b"=>"1", c=>NULL, d=>""'`, '"c"=>NULL, "d"=>"", "a b"=>"1"'], ["''", '']]),
  other('ltree', 'ltree', same('Top.Science.Astronomy', '')),
  other('ltree', 'lquery', same('*.Astro*{1,2}.!a|b')),
  other('ltree', 'ltxtquery', same('Europe & !Russia@')),
  other('cube', 'cube', same('(0, 0),(1, 1.5)', '(1)')),
  other('seg', 'seg', same('1.50', '1 .. 2.0', '<3')),
  typeCase('an_lo', 'lo', { kind: 'uint', bits: 32 }, same('4294967295'), { extension: 'lo' }),
  other('isn', 'ean13', same('978-0-393-04002-9')),
  other('isn', 'isbn13', same('978-0-393-04002-9')),
  other('isn', 'isbn', same('0-393-04002-X')),
  other('isn', 'ismn13', same('979-0-060-11561-5')),
  other('isn', 'ismn', same('M-060-11561-5')),
  other('isn', 'issn13', same('977-1436-452-00-8')),
  other('isn', 'issn', same('1436-4522')),
  other('isn', 'upc', same('220356483481')),
  other('vector', 'vector', same('[1,2.5,-3]')),
  other('postgis', 'geometry', [["'POINT(1 2)'", '0101000000000000000000F03F0000000000000040']]),
];
