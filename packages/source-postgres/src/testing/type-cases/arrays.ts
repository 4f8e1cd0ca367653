import type { LogicalType } from '@weir/sdk';
import { arrayOf, typeCase, type PostgresTypeCase } from './type-case.ts';

/** What cannot be made from the values of the other cases: dimensions, and strings that look like something else. */
export const arrayCases: readonly PostgresTypeCase[] = [
  typeCase('some_ints', 'int[]', arrayOf({ kind: 'int', bits: 32 }), [
    ["'{}'", '[]'],
    ["'{1,NULL,-3}'", '[1,null,-3]'],
    ["'{{1,2},{3,4}}'", '[[1,2],[3,4]]'],
    ["'{{{{{{1}}}}}}'", '[[[[[[1]]]]]]'],
  ]),
  typeCase('some_texts', 'text[]', arrayOf({ kind: 'string' }), [
    [
      `ARRAY['', 'NULL', NULL, 'a b', E'q"\\\\,{}', E'\\t\\n\\x01', ' ', 'ü😀']`,
      '["","NULL",null,"a b","q\\"\\\\,{}","\\u0009\\u000a\\u0001"," ","ü😀"]',
    ],
    [`ARRAY[['a','b'],['c',NULL]]`, '[["a","b"],["c",null]]'],
  ]),
  typeCase('some_numerics', 'numeric(6,2)[]', arrayOf({ kind: 'decimal', precision: 6, scale: 2 }), [
    ["'{1.5,NaN}'", '[1.50,"NaN"]'],
  ]),
  typeCase('some_lists', 'list[]', arrayOf(arrayOf({ kind: 'int', bits: 32 })), [
    [`ARRAY['{1,2}'::list, '{}', NULL]`, '[[1,2],[],null]'],
  ]),
].map((each) => ({ ...each, arrays: false }));

/** A column with an array of the values of a case, and a NULL. */
export function arrayCaseOf(element: PostgresTypeCase): PostgresTypeCase {
  const elements = element.values.map((value) => `CAST(${value} AS ${element.sqlType})`);
  const cells = element.cells.map((cell) => (cell === null ? 'null' : jsonElement(element.type, cell)));
  return {
    ...element,
    column: `${element.column}_array`,
    sqlType: `${element.sqlType}[]`,
    type: arrayOf(element.type),
    values: [`ARRAY[${[...elements, 'NULL'].join(', ')}]`],
    cells: [`[${[...cells, 'null'].join(',')}]`],
  };
}

/** A canonical cell as an element of a JSON array. */
function jsonElement(type: LogicalType, cell: string | Uint8Array): string {
  if (typeof cell !== 'string') return `"\\\\x${Buffer.from(cell).toString('hex')}"`;
  switch (type.kind) {
    case 'bool':
      return cell === 't' ? 'true' : 'false';
    case 'json':
    case 'array':
      return cell;
    case 'int':
    case 'uint':
    case 'float':
    case 'decimal':
      return /\d$/.test(cell) ? cell : `"${cell}"`;
    default:
      return `"${Array.from(cell, escaped).join('')}"`;
  }
}

function escaped(character: string): string {
  if (character < ' ') return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return character === '"' || character === '\\' ? `\\${character}` : character;
}
