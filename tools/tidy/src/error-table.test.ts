import { expect, test } from 'vitest';
import { ERROR_PAGE, ERROR_TABLE, checkErrorTable, readErrorTable, renderErrorPage } from './error-table.ts';
import { formatFinding } from './finding.ts';
import { filesOf } from './workspace-files.ts';

const table = `export const errorCodes = {
  WEIR_USAGE: { exit: 2, policy: 'stop', remedy: 'See \`weir --help\`.' },
  WEIR_PG_CONNECT: { exit: 3, policy: 'retry', remedy: "Check host | port." },
} as const;`;
const entries = readErrorTable(table);

function found(changes: Readonly<Record<string, string>>): string[] {
  const files = filesOf({
    [ERROR_TABLE]: table,
    [ERROR_PAGE]: renderErrorPage(entries),
    'a/src/a.ts': `throw new WeirError('WEIR_USAGE', 'x'); const c = a ? 'WEIR_PG_CONNECT' : null; env['WEIR_HOME'];`,
    ...changes,
  });
  return checkErrorTable(files).map(formatFinding);
}

test('the table is read from its source', () => {
  expect(entries).toEqual([
    { code: 'WEIR_USAGE', exit: 2, policy: 'stop', remedy: 'See `weir --help`.' },
    { code: 'WEIR_PG_CONNECT', exit: 3, policy: 'retry', remedy: 'Check host | port.' },
  ]);
  expect(() => readErrorTable('export const errorCodes = { ...others };')).toThrow('is not a plain entry');
});

test('a table whose codes are raised and documented passes', () => {
  expect(found({ 'docs/a.md': 'Set WEIR_HOME; on `WEIR_USAGE` read.' })).toEqual([]);
});

test('a code that nothing raises is found; a test does not count', () => {
  expect(found({ 'a/src/a.ts': `new WeirError('WEIR_USAGE', 'x')`, 'a/src/a.test.ts': `'WEIR_PG_CONNECT'` })).toEqual([
    `${ERROR_TABLE} WEIR_PG_CONNECT is raised nowhere: remove it, or raise it`,
  ]);
});

test('a code that is raised but not in the table is found', () => {
  expect(found({ 'a/src/b.ts': `\nthrow new WeirError('WEIR_GONE', 'x'); const r = { code: 'WEIR_LOST' };` })).toEqual([
    `a/src/b.ts:2 raises WEIR_GONE, which ${ERROR_TABLE} does not hold`,
    `a/src/b.ts:2 raises WEIR_LOST, which ${ERROR_TABLE} does not hold`,
  ]);
});

test('a name in a page that is neither a code nor a variable is found', () => {
  expect(found({ 'docs/a.md': 'See `WEIR_PG_CONECT`.' })).toEqual([
    'docs/a.md:1 names WEIR_PG_CONECT, which is neither an error code nor a variable that the code reads',
  ]);
});

test('a page that was not made again is found', () => {
  expect(found({ [ERROR_PAGE]: renderErrorPage(entries.slice(1)) })).toEqual([
    `${ERROR_PAGE} is not what the table says: run \`npm run docs\``,
  ]);
});

test('the page has a row for each code, by area', () => {
  const page = renderErrorPage(entries);
  expect(page).toContain(
    '## General\n\n| Code | Exit code | Weir | What to do |\n|---|---|---|---|\n| `WEIR_USAGE` | 2 | stops | See `weir --help`. |',
  );
  expect(page).toContain('## PostgreSQL\n');
  expect(page).toContain('| `WEIR_PG_CONNECT` | 3 | tries again | Check host \\| port. |');
});
