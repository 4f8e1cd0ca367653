import { expect, test } from 'vitest';
import { formatFinding } from './finding.ts';
import { checkManifests } from './manifest-rules.ts';
import { filesOf } from './workspace-files.ts';

const good = {
  name: '@weir/a',
  version: '0.1.0',
  description: 'Does what it is for',
  license: 'Apache-2.0',
  type: 'module',
  exports: {
    '.': { '@weir/source': './src/index.ts', types: './dist/index.d.ts', default: './dist/index.js' },
    './package.json': './package.json',
  },
  engines: { node: '>=24' },
  dependencies: { '@weir/b': '0.1.0', pg: '8.23.1' },
};

function workspace(change: object, changes: Readonly<Record<string, string>> = {}): string[] {
  const files = filesOf({
    'package.json': JSON.stringify({
      name: 'workspace',
      version: '0.1.0',
      devDependencies: { typescript: 'npm:@typescript/typescript6@6.0.2' },
    }),
    'packages/a/package.json': JSON.stringify({ ...good, ...change }),
    'packages/a/README.md': `# a\n\n${'It does what it is for, and this page says how. '.repeat(3)}`,
    'packages/a/src/index.ts': 'export const a = 1;',
    ...changes,
  });
  return checkManifests(files).map(formatFinding);
}

test('a package that says what it is passes', () => {
  expect(workspace({})).toEqual([]);
});

test.each([
  ['name', { name: 'a' }, 'has no name of the form @weir/name'],
  ['description', { description: '' }, 'has no description'],
  ['licence', { license: 'MIT' }, 'has not the licence Apache-2.0'],
  ['module type', { type: 'commonjs' }, 'is not of type module'],
  ['engine', { engines: {} }, 'has not engines.node >=24'],
  ['exports', { exports: {} }, 'exports nothing as "."'],
  ['version', { version: '0.2.0' }, 'has version 0.2.0, the workspace 0.1.0: all packages share one'],
  ['own dependency', { dependencies: { '@weir/b': '^0.1.0' } }, 'takes @weir/b ^0.1.0 instead of 0.1.0'],
  ['range', { dependencies: { pg: '^8.23.1' } }, 'takes pg ^8.23.1: pin the exact version'],
])('a wrong %s is found', (_what, change, message) => {
  expect(workspace(change)).toEqual([`packages/a/package.json ${message}`]);
});

test('exports have the three conditions in order, and their source is there', () => {
  const { '.': entry } = good.exports;
  expect(
    workspace({ exports: { '.': { types: entry.types, '@weir/source': entry['@weir/source'], default: entry.default } } }),
  ).toEqual([
    'packages/a/package.json exports . with the conditions types,@weir/source,default: they are, in order, @weir/source,types,default',
  ]);
  expect(workspace({ exports: { '.': { ...entry, '@weir/source': './src/gone.ts' } } })).toEqual([
    'packages/a/package.json exports . from packages/a/src/gone.ts, which is not there',
  ]);
  expect(workspace({ exports: { ...good.exports, './x': './src/x.ts' } })).toEqual([
    'packages/a/package.json exports ./x without conditions',
  ]);
});

test('a page of a few words is no README', () => {
  expect(workspace({}, { 'packages/a/README.md': '# a\n' })).toEqual([
    'packages/a/package.json has no README.md that says what the package is',
  ]);
});

test('two packages take the same version of what they share', () => {
  const other = JSON.stringify({ ...good, name: '@weir/b', dependencies: { pg: '8.23.0' } });
  const files = { 'packages/b/package.json': other, 'packages/b/README.md': 'x'.repeat(200), 'packages/b/src/index.ts': '' };
  expect(workspace({}, files)).toEqual([
    'packages/b/package.json takes pg 8.23.0, but packages/a/package.json takes 8.23.1',
  ]);
});
