import { expect, test } from 'vitest';
import { checkDependencies, checkProjectGraph } from './dependency-rule.ts';
import { formatFinding } from './finding.ts';
import { filesOf } from './workspace-files.ts';

const manifest = (name: string, dependencies: object = {}, devDependencies: object = {}): string =>
  JSON.stringify({ name, version: '0.1.0', dependencies, devDependencies });

/** A workspace that holds to the rule, with a few files changed. */
function workspace(changes: Readonly<Record<string, string>>): string[] {
  const files = filesOf({
    'package.json': JSON.stringify({ devDependencies: { vitest: '5.1.1' } }),
    'packages/sdk/package.json': manifest('@weir/sdk', { zod: '4.6.7' }),
    'packages/sdk/src/index.ts': `import { z } from 'zod'; export const a = z;`,
    'packages/store/package.json': manifest('@weir/store', { '@weir/sdk': '0.1.0' }),
    'packages/store/src/index.ts': `import type { A } from '@weir/sdk'; export type B = A;`,
    'packages/engine/package.json': manifest('@weir/engine', { '@weir/sdk': '0.1.0', '@weir/store': '0.1.0' }),
    'packages/engine/src/index.ts': `import { a } from '@weir/sdk';\nimport type { B } from '@weir/store';`,
    'packages/sink-x/package.json': manifest('@weir/sink-x', { '@weir/sdk': '0.1.0' }),
    'packages/sink-x/src/index.ts': `export { a } from '@weir/sdk';`,
    'packages/sink-x/src/x.test.ts': `import { test } from 'vitest'; import '../src/index.ts';`,
    'packages/testkit/package.json': manifest('@weir/testkit', { '@weir/engine': '0.1.0' }),
    'packages/testkit/src/index.ts': `export { e } from '@weir/engine';`,
    'apps/runner/package.json': manifest('@weir/cli', { '@weir/sink-x': '0.1.0' }),
    'apps/runner/src/main.ts': `const x = await import('@weir/sink-x');\nimport self from '@weir/cli/package.json';`,
    ...changes,
  });
  return checkDependencies(files).map(formatFinding);
}

test('a workspace that holds to the rule has no findings', () => {
  expect(workspace({})).toEqual([]);
});

test('a connector imports neither another connector nor the engine', () => {
  const found = workspace({
    'packages/sink-x/package.json': manifest('@weir/sink-x', {
      '@weir/sdk': '0.1.0',
      '@weir/engine': '0.1.0',
      '@weir/source-y': '0.1.0',
    }),
    'packages/sink-x/src/other.ts': `import '@weir/sdk';\nimport '@weir/engine';\nimport y from '@weir/source-y';`,
  });
  expect(found).toEqual([
    'packages/sink-x/src/other.ts:2 imports @weir/engine, which the dependency rule forbids to @weir/sink-x',
    'packages/sink-x/src/other.ts:3 imports @weir/source-y, which the dependency rule forbids to @weir/sink-x',
  ]);
});

test('the engine imports only types of the store, except in tests', () => {
  const code = `import { B } from '@weir/store';`;
  expect(workspace({ 'packages/engine/src/a.ts': code })).toEqual([
    'packages/engine/src/a.ts:1 imports more than types of @weir/store',
  ]);
  expect(workspace({ 'packages/engine/src/a.test.ts': code })).toEqual([]);
  expect(workspace({ 'packages/engine/src/a.ts': `import { type B } from '@weir/store';` })).toEqual([]);
});

test('the testkit is imported by tests only, declared as a development dependency', () => {
  const code = `import '@weir/testkit';`;
  const declared = {
    'packages/sink-x/package.json': manifest('@weir/sink-x', { '@weir/sdk': '0.1.0' }, { '@weir/testkit': '0.1.0' }),
  };
  expect(workspace({ ...declared, 'packages/sink-x/src/a.test.ts': code })).toEqual([]);
  expect(workspace({ ...declared, 'packages/sink-x/src/a.ts': code })).toEqual([
    'packages/sink-x/src/a.ts:1 imports @weir/testkit, which the dependency rule forbids to @weir/sink-x',
  ]);
  expect(workspace({ 'packages/sink-x/src/a.test.ts': code })).toEqual([
    'packages/sink-x/src/a.test.ts:1 imports @weir/testkit, which packages/sink-x/package.json does not declare',
  ]);
  expect(workspace({ 'apps/runner/src/a.ts': code })).toEqual([
    'apps/runner/src/a.ts:1 imports @weir/testkit, which the dependency rule forbids to @weir/cli',
  ]);
});

test('what is imported is declared, what is declared is imported', () => {
  expect(workspace({ 'packages/store/src/a.ts': `import pg from 'pg/lib/x';` })).toEqual([
    'packages/store/src/a.ts:1 imports pg, which packages/store/package.json does not declare in dependencies',
  ]);
  expect(workspace({ 'packages/store/src/a.ts': `import { test } from 'vitest';` })).toEqual([
    'packages/store/src/a.ts:1 imports vitest, which packages/store/package.json does not declare in dependencies',
  ]);
  expect(
    workspace({ 'packages/store/package.json': manifest('@weir/store', { '@weir/sdk': '0.1.0', pg: '8.0.0' }) }),
  ).toEqual(['packages/store/package.json declares pg, which nothing in src imports']);
});

test('a package is imported by its name, its own files by their path', () => {
  expect(workspace({ 'packages/sink-x/src/a.ts': `import '../../sdk/src/index.ts';` })).toEqual([
    'packages/sink-x/src/a.ts:1 imports ../../sdk/src/index.ts of another package by its path',
  ]);
  const exporting = JSON.stringify({ name: '@weir/sdk', dependencies: { zod: '4.6.7' }, exports: { './part': {} } });
  expect(
    workspace({ 'packages/sdk/package.json': exporting, 'packages/sink-x/src/a.ts': `import '@weir/sdk/part';` }),
  ).toEqual([]);
  expect(workspace({ 'packages/sink-x/src/a.ts': `import '@weir/sdk/src/index.ts';` })).toEqual([
    'packages/sink-x/src/a.ts:1 imports @weir/sdk/src/index.ts: only what @weir/sdk exports is its interface',
  ]);
  expect(workspace({ 'packages/sink-x/src/a.ts': `import '@weir/sink-x';` })).toEqual([
    'packages/sink-x/src/a.ts:1 imports its own package by name: import the file',
  ]);
});

test('a package that the table does not know may import nothing of the workspace', () => {
  const found = workspace({
    'packages/new/package.json': manifest('@weir/new', { '@weir/sdk': '0.1.0' }),
    'packages/new/src/index.ts': `import '@weir/sdk';`,
  });
  expect(found).toEqual(['packages/new/src/index.ts:1 imports @weir/sdk, which the dependency rule forbids to @weir/new']);
});

test('packages do not need each other in a circle, not even for tests', () => {
  const found = workspace({
    'packages/engine/package.json': manifest(
      '@weir/engine',
      { '@weir/sdk': '0.1.0', '@weir/store': '0.1.0' },
      { '@weir/testkit': '0.1.0' },
    ),
    'packages/engine/src/a.test.ts': `import '@weir/testkit';`,
  });
  expect(found).toEqual(['package.json packages need each other: @weir/engine → @weir/testkit → @weir/engine']);
});

test('the project graph of Nx has the declared edges and no others', () => {
  const files = filesOf({
    'packages/sdk/package.json': manifest('@weir/sdk'),
    'packages/store/package.json': manifest('@weir/store', { '@weir/sdk': '0.1.0' }),
  });
  const declared = { source: '@weir/store', target: '@weir/sdk' };
  expect(checkProjectGraph(files, [declared, { source: '@weir/store', target: 'npm:pg' }])).toEqual([]);
  expect(checkProjectGraph(files, [{ source: '@weir/sdk', target: '@weir/store' }]).map(formatFinding)).toEqual([
    'nx.json Nx sees @weir/sdk → @weir/store, which no package.json declares',
    'nx.json Nx does not see @weir/store → @weir/sdk',
  ]);
});
