import { DuckDBInstance } from '@duckdb/node-api';
import { describe, expect, it } from 'vitest';
import { namedType } from './types.ts';
import { convertSql } from './widen.ts';

const integers = ['TINYINT', 'SMALLINT', 'INTEGER', 'BIGINT', 'UTINYINT', 'USMALLINT', 'UINTEGER', 'UBIGINT'];
const decimals = [
  'DECIMAL(3,0)',
  'DECIMAL(4,2)',
  'DECIMAL(5,5)',
  'DECIMAL(10,0)',
  'DECIMAL(20,2)',
  'DECIMAL(38,0)',
  'DECIMAL(38,10)',
];
const others = [
  'VARCHAR',
  'JSON',
  'UUID',
  'BOOLEAN',
  'DATE',
  'TIME',
  'TIMESTAMP',
  'TIMESTAMP WITH TIME ZONE',
  'BLOB',
  'FLOAT',
];
const numbers = [...integers, ...decimals];

/** The outermost values of a type of numbers, and one of its finest. */
function extremes(sql: string): string[] {
  const decimal = /^DECIMAL\((\d+),(\d+)\)$/.exec(sql);
  if (decimal !== null) {
    const digits = '9'.repeat(Number(decimal[1]));
    const scale = Number(decimal[2]);
    const most = scale === 0 ? digits : `${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
    return [most, `-${most}`, scale === 0 ? '1' : `0.${'1'.padStart(scale, '0')}`];
  }
  const bits = { TINYINT: 8n, SMALLINT: 16n, INTEGER: 32n, BIGINT: 64n }[sql.replace(/^U(?!UID)/, '')]!;
  return sql.startsWith('U')
    ? ['0', String(2n ** bits - 1n)]
    : [String(-(2n ** (bits - 1n))), String(2n ** (bits - 1n) - 1n)];
}

/** A number's text without what does not count: zeros at its ends. */
function plain(text: string | null): string | null {
  if (text === null) return null;
  const cut = text.includes('.') ? text.replace(/\.?0+$/, '') : text;
  return cut.replace(/^(-?)\./, '$10.');
}

describe('a conversion of a column', () => {
  it('between numbers is there exactly where it keeps every value, and then it does', async () => {
    const instance = await DuckDBInstance.create();
    const connection = await instance.connect();
    const answer = async (sql: string): Promise<string | null> => {
      const rows = await connection.run(sql).then((result) => result.getRows());
      return rows[0]![0] === null ? null : String(rows[0]![0]);
    };
    for (const from of numbers) {
      for (const to of numbers) {
        const convert = convertSql(namedType(from)!, namedType(to)!);
        const same = (value: string): Promise<string | null> =>
          answer(`SELECT CAST(TRY_CAST('${value}'::${from} AS ${to}) AS VARCHAR)`).then((text) => plain(text));
        const kept: boolean[] = [];
        for (const value of extremes(from)) kept.push((await same(value)) === plain(value));
        expect(convert !== null, `${from} to ${to}`).toBe(kept.every(Boolean));
      }
    }
    connection.closeSync();
    instance.closeSync();
  });

  it('to text writes numbers as the source does, zeros before the point included', async () => {
    const instance = await DuckDBInstance.create();
    const connection = await instance.connect();
    for (const [type, value] of [
      ['DECIMAL(3,3)', '0.005'],
      ['DECIMAL(3,3)', '-0.500'],
      ['DECIMAL(38,0)', '-12345678901234567890'],
      ['DECIMAL(12,2)', '-0.10'],
      ['BIGINT', '-9223372036854775808'],
    ] as const) {
      const sql = convertSql(namedType(type)!, namedType('VARCHAR')!)!(`'${value}'::${type}`);
      expect((await (await connection.run(`SELECT ${sql}`)).getRows())[0]).toEqual([value]);
    }
    connection.closeSync();
    instance.closeSync();
  });

  it('is there for text, JSON and UUID to text, and not where the text would be another', () => {
    const possible = others.flatMap((from) =>
      ['VARCHAR', 'JSON', 'BIGINT', 'DOUBLE']
        .filter((to) => from !== to && convertSql(namedType(from)!, namedType(to)!) !== null)
        .map((to) => `${from} to ${to}`),
    );
    expect(possible).toEqual(['VARCHAR to JSON', 'JSON to VARCHAR', 'UUID to VARCHAR', 'UUID to JSON']);
  });
});
