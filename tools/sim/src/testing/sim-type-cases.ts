import type { LogicalType } from '@weir/sdk';
import type { TypeCase } from '@weir/testkit';
import type { ColumnPlan } from '../sim-tables.ts';
import { typeNamed } from '../sim-types.ts';

/** A column of the table of edge values, with the text that the server has for each cell. */
export interface SimTypeCase extends TypeCase {
  readonly plan: ColumnPlan;
  readonly texts: readonly string[];
}

function typeCase(
  typeName: string,
  type: LogicalType,
  cells: readonly (string | readonly [text: string, cell: string | Uint8Array])[],
  modifier = -1,
): SimTypeCase {
  const column = `a ${typeName}`;
  const pairs = cells.map((cell) => (typeof cell === 'string' ? ([cell, cell] as const) : cell));
  return {
    column,
    type,
    plan: { name: column, type: typeNamed(typeName), modifier },
    texts: pairs.map(([text]) => text),
    cells: pairs.map(([, cell]) => cell),
  };
}

/** `numeric(12, 2)`; see `decimalType` of the mapping. */
const TWELVE_TWO = ((12 << 16) | 2) + 4;

/** One type of each kind that is stored and sent in another way; a cell alone is what the server says too. */
export const simTypeCases: readonly SimTypeCase[] = [
  typeCase('bool', { kind: 'bool' }, ['t', 'f']),
  typeCase('int4', { kind: 'int', bits: 32 }, ['2147483647', '-2147483648']),
  typeCase('int8', { kind: 'int', bits: 64 }, ['9223372036854775807', '-9223372036854775808', '9007199254740993']),
  typeCase('float8', { kind: 'float', bits: 64 }, ['0.1', '5e-324', 'NaN', '-Infinity', '-0']),
  typeCase('numeric', { kind: 'decimal', precision: 12, scale: 2 }, ['9999999999.99', '-0.01', 'NaN'], TWELVE_TWO),
  typeCase('text', { kind: 'string' }, ['', String.raw`\N`, 'a\tb\r\n\\', 'ü😀', '\u0001']),
  typeCase('bytea', { kind: 'bytes' }, [
    [String.raw`\x00ff5c0a`, Uint8Array.of(0, 255, 92, 10)],
    [String.raw`\x`, new Uint8Array()],
  ]),
  typeCase('date', { kind: 'date' }, ['2024-02-29', 'infinity', '10000-01-01', ['0044-03-15 BC', '-000043-03-15']]),
  typeCase('timestamp', { kind: 'timestamp' }, [['2024-02-29 12:34:56.1', '2024-02-29T12:34:56.1'], '-infinity']),
  typeCase('timestamptz', { kind: 'timestamptz' }, [
    ['2024-02-29 06:30:00.000001+00', '2024-02-29T06:30:00.000001Z'],
    ['0001-03-15 10:00:00+00 BC', '0000-03-15T10:00:00Z'],
  ]),
  typeCase('uuid', { kind: 'uuid' }, ['00000000-0000-0000-0000-000000000000']),
  typeCase('jsonb', { kind: 'json' }, ['{"a": [1.0, null]}', '"\\u0001"', 'null']),
  typeCase('_int4', { kind: 'array', of: { kind: 'int', bits: 32 } }, [
    ['{}', '[]'],
    ['{1,NULL,-3}', '[1,null,-3]'],
    ['{{1,2},{3,4}}', '[[1,2],[3,4]]'],
  ]),
];
