import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { olderVersions, postgresSuites } from './postgres-suites.ts';

const workspace = resolve(import.meta.dirname, '../../..');

test('the older versions are those that package.json has for a platform', () => {
  expect(olderVersions(workspace, 'linux-x64')).toEqual([14, 15, 16, 17]);
  expect(olderVersions(workspace, 'darwin-arm64')).toEqual([15, 16, 17]);
  expect(olderVersions(workspace, 'plan9-mips')).toEqual([]);
});

test('the suites are the files of the connectors that talk to a server', () => {
  const root = mkdtempSync(join(tmpdir(), 'weir-suites-'));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  const files = ['source-postgres/src/a.pg.test.ts', 'sink-postgres/src/deep/postgres.contract.test.ts'];
  const others = ['source-postgres/src/a.test.ts', 'sink-duckdb/src/duckdb.contract.test.ts', 'postgres/dist/b.pg.test.ts'];
  for (const file of [...files, ...others]) {
    mkdirSync(dirname(join(root, 'packages', file)), { recursive: true });
    writeFileSync(join(root, 'packages', file), '');
  }
  expect(postgresSuites(root)).toEqual(files.map((file) => `packages/${file}`).toSorted());
  expect(postgresSuites(workspace)).toContain('packages/source-postgres/src/contract.pg.test.ts');
});
