import { expect, test } from 'vitest';
import { formatFinding } from './finding.ts';
import { checkProjectReferences } from './project-references.ts';
import { filesOf } from './workspace-files.ts';

const testCode = [
  'src/**/*.test.ts',
  'src/**/*.contract.ts',
  'src/**/*.fake.ts',
  'src/**/*.bench.ts',
  'src/testing/**/*.ts',
];
const project = (paths: readonly string[], more: object = {}): string =>
  JSON.stringify({ ...more, references: paths.map((path) => ({ path })) });

function workspace(changes: Readonly<Record<string, string>>): string[] {
  const files = filesOf({
    'tsconfig.json': project(['packages/sdk', './packages/store']),
    'packages/sdk/package.json': JSON.stringify({ name: '@weir/sdk' }),
    'packages/sdk/tsconfig.json': project(['./tsconfig.lib.json', './tsconfig.spec.json']),
    'packages/sdk/tsconfig.lib.json': project([], { exclude: testCode }),
    'packages/sdk/tsconfig.spec.json': project(['./tsconfig.lib.json'], { include: testCode }),
    'packages/store/package.json': JSON.stringify({ name: '@weir/store', dependencies: { '@weir/sdk': '0.1.0' } }),
    'packages/store/src/a.test.ts': `import '@weir/sdk';`,
    'packages/store/tsconfig.json': project(['./tsconfig.lib.json', './tsconfig.spec.json']),
    'packages/store/tsconfig.lib.json': project(['../sdk/tsconfig.lib.json'], { exclude: testCode }),
    'packages/store/tsconfig.spec.json': project(['./tsconfig.lib.json'], { include: testCode }),
    ...changes,
  });
  return checkProjectReferences(files).map(formatFinding);
}

test('references that follow the dependencies are accepted', () => {
  expect(workspace({})).toEqual([]);
});

test('a missing reference, an idle one and an unlisted package are found', () => {
  expect(workspace({ 'packages/store/tsconfig.lib.json': project([], { exclude: testCode }) })).toEqual([
    'packages/store/tsconfig.lib.json does not reference packages/sdk/tsconfig.lib.json',
    'packages/store/tsconfig.spec.json does not reference packages/sdk/tsconfig.lib.json',
  ]);
  expect(
    workspace({ 'packages/sdk/tsconfig.lib.json': project(['../store/tsconfig.lib.json'], { exclude: testCode }) }),
  ).toEqual(['packages/sdk/tsconfig.lib.json references packages/store/tsconfig.lib.json, which it does not need']);
  expect(workspace({ 'tsconfig.json': project(['packages/sdk']) })).toEqual([
    'tsconfig.json does not reference packages/store',
  ]);
});

test('a package that tests alone import is referenced by the spec project', () => {
  const changes = {
    'packages/sdk/src/a.contract.ts': `import '@weir/store';`,
    'packages/sdk/package.json': JSON.stringify({ name: '@weir/sdk', devDependencies: { '@weir/store': '0.1.0' } }),
  };
  expect(workspace(changes)).toEqual([
    'packages/sdk/tsconfig.spec.json does not reference packages/store/tsconfig.lib.json',
  ]);
  const mended = project(['./tsconfig.lib.json', '../store/tsconfig.lib.json'], { include: testCode });
  expect(workspace({ ...changes, 'packages/sdk/tsconfig.spec.json': mended })).toEqual([]);
});

test('test code belongs to the spec project and not to the library', () => {
  expect(workspace({ 'packages/sdk/tsconfig.lib.json': project([], { exclude: ['src/**/*.test.ts'] }) })).toEqual([
    `packages/sdk/tsconfig.lib.json does not exclude ${testCode.join(', ')}`,
  ]);
  expect(
    workspace({ 'packages/sdk/tsconfig.spec.json': project(['./tsconfig.lib.json'], { include: ['src/**/*.ts'] }) }),
  ).toEqual([`packages/sdk/tsconfig.spec.json does not include ${testCode.join(', ')}`]);
});
