import { expect, test } from 'vitest';
import { formatFinding } from './finding.ts';
import { checkLeftovers } from './leftovers.ts';
import { filesOf } from './workspace-files.ts';

const found = (file: string, text: string): string[] => checkLeftovers(filesOf({ [file]: text })).map(formatFinding);

test.each(['TO' + 'DO', 'FIX' + 'ME', 'X' + 'XX', 'HA' + 'CK'])('the note %s is found in code and pages', (word) => {
  expect(found('a.ts', `const a = 1;\n// ${word}: later\n`)).toEqual([`a.ts:2 holds a ${word}: do it, or file an issue`]);
  expect(found('docs/a.md', word)).toEqual([`docs/a.md:1 holds a ${word}: do it, or file an issue`]);
});

test('words that only contain such letters pass', () => {
  expect(found('a.ts', `const photos = 'mas${'TO' + 'DO'}nt';`)).toEqual([]);
});

test.each(['it.skip', 'describe.only', 'test.todo', 'it.concurrent.skip', 'describe.skip.each', 'it.fails'])(
  '%s is found',
  (call) => {
    const [first] = found('a.test.ts', `import { it } from 'vitest';\n${call}('x', () => {});`);
    expect(first).toMatch(/^a\.test\.ts:2 holds .*: a test runs, always and with the others$/);
  },
);

test('skipping what a machine cannot run is not a sleeping test', () => {
  expect(found('a.test.ts', `it.skipIf(noDocker)('x', () => {}); list.only('x'); it('skip', () => {});`)).toEqual([]);
});
