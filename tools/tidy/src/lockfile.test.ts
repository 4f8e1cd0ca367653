import { expect, test } from 'vitest';
import { formatFinding } from './finding.ts';
import { checkLockfile, completeLockfile, type Lockfile } from './lockfile.ts';

const found = (packages: Lockfile['packages']): string[] => checkLockfile(JSON.stringify({ packages })).map(formatFinding);

test('a lockfile without hosts and with every optional entry passes', () => {
  expect(
    found({
      '': {},
      'node_modules/@weir/sdk': { resolved: 'packages/sdk', link: true },
      'node_modules/a': { version: '1.0.0', optionalDependencies: { 'a-linux-x64': '1.0.0', 'a-darwin-arm64': '1.0.0' } },
      'node_modules/a-linux-x64': { version: '1.0.0' },
      'node_modules/a/node_modules/a-darwin-arm64': { version: '1.0.0' },
    }),
  ).toEqual([]);
});

test('the address of a registry is found', () => {
  expect(found({ 'node_modules/a': { version: '1.0.0', resolved: 'https://example.org/a.tgz' } })).toEqual([
    'package-lock.json node_modules/a is resolved to a host; .npmrc keeps such addresses out',
  ]);
});

test('a missing entry is found and added with version and platform', () => {
  const packages: Lockfile['packages'] = {
    'node_modules/a': {
      version: '2.0.0',
      dev: true,
      license: 'MIT',
      optionalDependencies: { '@a/linux-x64-musl': '2.0.0', '@a/win32-arm64-msvc': '2.0.0' },
    },
  };
  expect(found(packages)).toHaveLength(2);
  const lock = { packages };
  expect(completeLockfile(lock)).toEqual(['@a/linux-x64-musl', '@a/win32-arm64-msvc']);
  expect(lock.packages['node_modules/@a/linux-x64-musl']).toEqual({
    version: '2.0.0',
    cpu: ['x64'],
    dev: true,
    libc: ['musl'],
    license: 'MIT',
    optional: true,
    os: ['linux'],
  });
  expect(lock.packages['node_modules/@a/win32-arm64-msvc']).toMatchObject({ cpu: ['arm64'], os: ['win32'] });
  expect(found(lock.packages)).toEqual([]);
  expect(completeLockfile(lock)).toEqual([]);
});

test('an alias gets the name and the version behind it, and what its sibling of another platform says', () => {
  const packages: Lockfile['packages'] = {
    '': { license: 'Apache-2.0', optionalDependencies: { '@a-1/darwin-x64': 'npm:@a/darwin-x64@1.2.3-beta.4' } },
    'node_modules/@a-1/linux-x64': { name: '@a/linux-x64', version: '1.2.3-beta.4', license: 'MIT', hasInstallScript: true },
  };
  const lock = { packages };
  expect(completeLockfile(lock)).toEqual(['@a-1/darwin-x64']);
  expect(lock.packages['node_modules/@a-1/darwin-x64']).toEqual({
    name: '@a/darwin-x64',
    version: '1.2.3-beta.4',
    cpu: ['x64'],
    hasInstallScript: true,
    license: 'MIT',
    optional: true,
    os: ['darwin'],
  });
});

test('an optional dependency that names no platform is left to a person', () => {
  const lock: Lockfile = { packages: { 'node_modules/a': { optionalDependencies: { fsevents: '2.0.0' } } } };
  expect(() => completeLockfile(lock)).toThrow('add it to the lockfile by hand');
});
