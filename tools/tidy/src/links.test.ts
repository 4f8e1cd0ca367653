import { expect, test } from 'vitest';
import { formatFinding } from './finding.ts';
import { checkLinks } from './links.ts';
import { filesOf } from './workspace-files.ts';

const found = (text: string): string[] =>
  checkLinks(
    filesOf({ 'docs/a.md': text, 'docs/b.md': '# Beta test\n\n## What `x` does\n## What `x` does\n', 'src/c.ts': '' }),
  ).map(formatFinding);

test('links to files, folders, headings and the web pass', () => {
  expect(
    found(
      '[b](b.md) [c](../src/c.ts) [d](../src/) [root](..) [e](b.md#beta-test) [f](b.md#what-x-does-1) [w](https://e.org/x)',
    ),
  ).toEqual([]);
  expect(found('# Own heading\n\n[here](#own-heading)\n\n[b]: b.md\n')).toEqual([]);
});

test('links to what is not there are found', () => {
  expect(found('one\n[b](gone.md) and ![p](../src/p.png "title")')).toEqual([
    'docs/a.md:2 links to gone.md, which is not there',
    'docs/a.md:2 links to ../src/p.png, which is not there',
  ]);
  expect(found('[up](../../outside.md)')).toEqual(['docs/a.md:1 links to ../../outside.md, which is not there']);
  expect(found('[b](b.md#gamma)')).toEqual(['docs/a.md:1 links to b.md#gamma, but docs/b.md has no such heading']);
  expect(found('[b]: gone.md')).toEqual(['docs/a.md:1 links to gone.md, which is not there']);
  expect(found('[b](/docs/b.md)')).toEqual(['docs/a.md:1 links to /docs/b.md: write it relative to this file']);
});

test('code is not read as links', () => {
  expect(found('`[x](gone.md)`\n\n```\n[x](gone.md)\n```\n')).toEqual([]);
});
