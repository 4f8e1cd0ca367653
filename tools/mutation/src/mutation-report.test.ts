import { expect, test } from 'vitest';
import { scoreTable, survivors, type Mutant, type MutationReport } from './mutation-report.ts';

function mutant(status: Mutant['status'], line: number, from: number, to: number, replacement?: string): Mutant {
  const location = { start: { line, column: from }, end: { line, column: to } };
  return { mutatorName: 'BlockStatement', status, location, ...(replacement === undefined ? {} : { replacement }) };
}

const report: MutationReport = {
  files: {
    'packages/store/src/b.ts': {
      source: 'if (a < b) go();\nstop();\n',
      mutants: [
        mutant('NoCoverage', 2, 1, 8, ''),
        mutant('Survived', 1, 5, 10, 'a <= b'),
        mutant('Killed', 1, 12, 16, ''),
        mutant('Timeout', 1, 5, 10, 'true'),
        mutant('RuntimeError', 1, 5, 10, 'a > b'),
      ],
    },
    'packages/store/src/a.ts': { source: 'x', mutants: [mutant('Killed', 1, 1, 2, 'y')] },
  },
};

test('a mutant that ends in an endless loop is noticed, one that could not run does not count', () => {
  expect(scoreTable(report).split('\n').slice(2)).toEqual([
    '| a.ts | 1 | 1 | 0 | 0 | 0 | 100.0 |',
    '| b.ts | 4 | 1 | 1 | 1 | 1 | 50.0 |',
    '| all | 5 | 2 | 1 | 1 | 1 | 60.0 |',
  ]);
});

test('a file without mutants has no score', () => {
  expect(scoreTable({ files: { 'packages/store/src/c.ts': { source: '', mutants: [] } } })).toContain(
    '| c.ts | 0 | 0 | 0 | 0 | 0 | - |',
  );
});

test('survivors are told in the order of the code, with what was there and what was there instead', () => {
  expect(survivors(report)).toEqual([
    'packages/store/src/b.ts:1:5  a < b  →  a <= b',
    'packages/store/src/b.ts:2:1  stop();  →   (not reached)',
  ]);
});

test('a survivor of many lines takes one', () => {
  const source = `f({\n  ${'a, '.repeat(40)}\n});`;
  const location = { start: { line: 1, column: 3 }, end: { line: 3, column: 2 } };
  const files = { 'packages/store/src/d.ts': { source, mutants: [{ mutatorName: 'Object', status: 'Survived', location } as const] } };
  const [line] = survivors({ files });
  expect(line).toMatch(/^packages\/store\/src\/d\.ts:1:3 {2}\{ a, a, .*… {2}→ {2}Object$/);
});
