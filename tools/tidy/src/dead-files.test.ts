import { expect, test } from 'vitest';
import { checkDeadFiles } from './dead-files.ts';
import { filesOf } from './workspace-files.ts';

const base = {
  'package.json': JSON.stringify({ scripts: { docs: 'node --conditions=@weir/source tools/make.ts' } }),
  'tools/make.ts': `import './page.ts';`,
  'tools/page.ts': '',
  'packages/a/package.json': JSON.stringify({ name: '@weir/a', exports: { '.': { '@weir/source': './src/a.ts' } } }),
  'packages/a/src/a.ts': `import './used.ts'; fork('./child.ts');`,
  'packages/a/src/used.ts': '',
  'packages/a/src/child.ts': '',
  'packages/a/src/x.test.ts': `import './only-tested.ts';`,
  'packages/a/src/only-tested.ts': '',
  'packages/a/src/speed.bench.ts': '',
  'packages/a/vitest.config.ts': '',
};

test('what exports, scripts, tests and child processes lead to is alive', () => {
  expect(checkDeadFiles(filesOf(base))).toEqual([]);
});

test('a child process is alive though its name is relative to the code that starts it', () => {
  const files = filesOf({
    ...base,
    'packages/a/src/y.test.ts': `new Child('./server.ts');`,
    'packages/a/src/testing/server.ts': '',
  });
  expect(checkDeadFiles(files)).toEqual([]);
  const elsewhere = filesOf({
    ...base,
    'packages/a/src/y.test.ts': `new Child('./server.ts');`,
    'packages/b/src/server.ts': '',
  });
  expect(checkDeadFiles(elsewhere).map(({ file }) => file)).toEqual(['packages/b/src/server.ts']);
});

test('a file that only another dead file imports is dead as well', () => {
  const files = filesOf({ ...base, 'packages/a/src/left.ts': `import './right.ts';`, 'packages/a/src/right.ts': '' });
  expect(checkDeadFiles(files).map(({ file }) => file)).toEqual(['packages/a/src/left.ts', 'packages/a/src/right.ts']);
});
