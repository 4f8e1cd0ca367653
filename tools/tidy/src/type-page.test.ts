import { expect, test } from 'vitest';
import { formatFinding } from './finding.ts';
import { TYPE_PAGE, checkTypePage, renderTypePage } from './type-page.ts';
import { typeSections } from './type-rows.ts';
import { filesOf } from './workspace-files.ts';

const page = renderTypePage();

/** The cells of the row that begins with a name. */
function row(name: string): string[] {
  const line = page.split('\n').find((each) => each.startsWith(`| ${name} |`));
  return line!.split(' | ').map((cell) => cell.replace(/^\| | \|$/g, ''));
}

test('the types of columns are those that the connectors give', () => {
  expect(row('`smallint`, `integer`, `bigint`')).toEqual([
    '`smallint`, `integer`, `bigint`',
    'int16, int32, int64',
    expect.any(String),
    'SMALLINT, INTEGER, BIGINT',
    'the same',
    'smallint, int, bigint',
    '',
  ]);
  expect(row('`citext`').slice(0, 2)).toEqual(['`citext`', 'string']);
  expect(row('`numeric(p, s)`, p up to 38')[1]).toBe('decimal(12, 2)');
  expect(row('`numeric(p, s)`, p above 38').slice(1, 5)).toEqual(['decimal(50, 2)', 'the same', 'VARCHAR', 'numeric(50,2)']);
  expect(row('enum').slice(1, 2)).toEqual(['enum']);
  expect(row('`bytea[]`').slice(1, 2)).toEqual(['array of bytes']);
});

test('every row names types that have a cell', () => {
  for (const { rows } of typeSections) {
    for (const { types, cell } of rows) {
      expect(types.length).toBeGreaterThan(0);
      expect(cell).not.toBe('');
    }
  }
});

test('a page that was not made again is found', () => {
  expect(checkTypePage(filesOf({ [TYPE_PAGE]: page }))).toEqual([]);
  expect(checkTypePage(filesOf({ [TYPE_PAGE]: `${page}more` })).map(formatFinding)).toEqual([
    `${TYPE_PAGE} is not what the mappings of the connectors say: run \`npm run docs\``,
  ]);
});
