import { expect, test } from 'vitest';
import { formatFinding } from './finding.ts';
import { GUARANTEES_PAGE, checkGuaranteesPage, renderGuaranteesPage } from './guarantees-page.ts';
import { guarantees } from './guarantees.ts';
import { filesOf } from './workspace-files.ts';

/** Files that cite what the page says that they enforce, and a test of all of it. */
function citing(texts: Readonly<Record<string, string>> = {}): Record<string, string> {
  const files: Record<string, string> = { 'docs/invariants.md': guarantees.map(({ number }) => `${number}. **Name ${number}.**\n`).join('') };
  for (const { number, enforced } of guarantees) for (const file of enforced) files[file] = `${files[file] ?? ''}// invariant ${number}\n`;
  files['packages/a/src/a.test.ts'] = "test('all (invariants 1 to 11)'); test('one (invariant 3)')";
  return { ...files, ...texts };
}

function found(texts: Readonly<Record<string, string>>): string[] {
  return checkGuaranteesPage(filesOf(texts)).map(formatFinding);
}

function withPage(texts: Readonly<Record<string, string>>): Record<string, string> {
  return { ...texts, [GUARANTEES_PAGE]: renderGuaranteesPage(filesOf(texts)) };
}

const STALE = `${GUARANTEES_PAGE} is not what the citations say: run \`npm run docs\``;

test('a page that names every citation passes', () => {
  const files = withPage(citing());
  expect(found(files)).toEqual([]);
  expect(files[GUARANTEES_PAGE]).toContain('## 3. Name 3\n');
  expect(files[GUARANTEES_PAGE]).toContain('Proven by [a/a](../packages/a/src/a.test.ts) (2).');
});

test('a citation that the page lacks is found, in code and in a test', () => {
  const files = withPage(citing());
  expect(found({ ...files, 'packages/b/src/b.ts': '// invariant 4' })).toEqual([STALE]);
  expect(found({ ...files, 'packages/b/src/b.test.ts': '// invariant 4' })).toEqual([STALE]);
});

test('a file that is said to enforce an invariant and does not cite it is found', () => {
  const { number, enforced } = guarantees.at(-1)!;
  const [file] = enforced;
  const finding = `${file!} is said to enforce invariant ${number}, but does not cite it`;
  expect(found(withPage(citing({ [file!]: '' })))).toEqual([finding]);
});

test('an invariant of which nothing is said is found', () => {
  const texts = citing();
  const more = withPage({ ...texts, 'docs/invariants.md': `${texts['docs/invariants.md']}12. **New.**\n` });
  expect(found(more)).toEqual([expect.stringMatching(/^docs\/guarantees\.md says nothing of \w+ 12: add it to guarantees\.ts$/)]);
});
