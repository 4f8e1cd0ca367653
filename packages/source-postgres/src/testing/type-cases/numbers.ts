import type { LogicalType } from '@weir/sdk';
import { same, typeCase, type PostgresTypeCase } from './type-case.ts';

/** Not bounded by the source, or with a scale that no sink has. */
const anyDecimal: LogicalType = { kind: 'decimal', precision: null, scale: null };

export const numberCases: readonly PostgresTypeCase[] = [
  typeCase('a_bool', 'bool', { kind: 'bool' }, same('t', 'f')),
  typeCase('an_int2', 'int2', { kind: 'int', bits: 16 }, same('32767', '-32768', '0')),
  typeCase('an_int4', 'int4', { kind: 'int', bits: 32 }, same('2147483647', '-2147483648')),
  typeCase(
    'an_int8',
    'int8',
    { kind: 'int', bits: 64 },
    same('9223372036854775807', '-9223372036854775808', '9007199254740993'),
  ),
  typeCase('an_oid', 'oid', { kind: 'uint', bits: 32 }, same('0', '4294967295')),
  typeCase('an_xid', 'xid', { kind: 'uint', bits: 32 }, same('0', '4294967295')),
  typeCase('a_cid', 'cid', { kind: 'uint', bits: 32 }, same('0', '4294967295')),
  typeCase('an_xid8', 'xid8', { kind: 'uint', bits: 64 }, same('0', '18446744073709551615', '9007199254740993')),
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
  typeCase('a_numeric', 'numeric', anyDecimal, [
    ...same('0', '0.00', '-0.000000000000000000000000000001', '12345678901234567890.12345678901234567890'),
    ...same('NaN', 'Infinity', '-Infinity'),
    ["('1' || repeat('0', 300) || '.5')::numeric", `1${'0'.repeat(300)}.5`],
    ["('-9' || repeat('0', 131071))::numeric", `-9${'0'.repeat(131_071)}`],
    ["'1e-16383'", `0.${'0'.repeat(16_382)}1`],
  ]),
  typeCase(
    'a_numeric_12_2',
    'numeric(12, 2)',
    { kind: 'decimal', precision: 12, scale: 2 },
    same('9999999999.99', '-0.01', '5.00', 'NaN'),
  ),
  typeCase('a_numeric_3_0', 'numeric(3)', { kind: 'decimal', precision: 3, scale: 0 }, same('999', '-999')),
  typeCase('a_numeric_38_38', 'numeric(38, 38)', { kind: 'decimal', precision: 38, scale: 38 }, [
    ...same(`0.${'9'.repeat(38)}`, `-0.${'0'.repeat(37)}1`),
    ["'0'", `0.${'0'.repeat(38)}`],
  ]),
  typeCase(
    'a_numeric_39_1',
    'numeric(39, 1)',
    { kind: 'decimal', precision: 39, scale: 1 },
    same(`${'9'.repeat(38)}.9`, `-${'9'.repeat(38)}.9`, 'NaN'),
  ),
  typeCase('a_numeric_1000', 'numeric(1000)', { kind: 'decimal', precision: 1000, scale: 0 }, same('9'.repeat(1000))),
  typeCase('a_numeric_negative', 'numeric(2, -3)', anyDecimal, [["'12345'", '12000']], { since: 15 }),
  typeCase('a_numeric_small', 'numeric(3, 5)', anyDecimal, [["'0.00123'", '0.00123']], { since: 15 }),
  typeCase('some_money', 'money', { kind: 'other' }, [
    ["'12.34'", '$12.34'],
    ["'-1234567.8'", '-$1,234,567.80'],
    ["'92233720368547758.07'", '$92,233,720,368,547,758.07'],
    ["'-92233720368547758.08'", '-$92,233,720,368,547,758.08'],
  ]),
];
