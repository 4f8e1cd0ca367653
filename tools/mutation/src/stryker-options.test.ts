import { globSync } from 'node:fs';
import { matchesGlob, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { packages, parseRequest, type MutatedPackage, type MutationRequest } from './request.ts';
import { strykerOptions } from './stryker-options.ts';

const root = resolve(import.meta.dirname, '../../..');

/** The files of a package that a run would change, and the tests that it would run. */
function chosen(name: MutatedPackage, ...args: readonly string[]): { mutated: string[]; tests: string[] } {
  const options = strykerOptions(name, parseRequest(args) as MutationRequest) as { mutate: string[]; testFiles: string[] };
  const files = globSync(`packages/${name}/src/**/*.ts`, { cwd: root });
  const matched = (globs: readonly string[]): string[] =>
    files
      .filter((file) => globs.some((glob) => matchesGlob(file, glob)))
      .map((file) => file.replace(`packages/${name}/src/`, ''));
  const kept = matched(options.mutate.filter((glob) => !glob.startsWith('!')));
  const left = new Set(matched(options.mutate.filter((glob) => glob.startsWith('!')).map((glob) => glob.slice(1))));
  return { mutated: kept.filter((file) => !left.has(file)), tests: matched(options.testFiles) };
}

test.each(packages)('of %s the code is changed, never what belongs to its tests', (name) => {
  const { mutated } = chosen(name);
  expect(mutated.length).toBeGreaterThan(2);
  expect(mutated.filter((file) => /test|contract|fake|bench|index\.ts/.test(file))).toEqual([]);
});

test('chosen files only', () => {
  expect(chosen('engine', '--files', 'lane.ts,commit*.ts').mutated.toSorted()).toEqual([
    'commit-order.ts',
    'commit.ts',
    'lane.ts',
  ]);
});

test('tests that start processes or count bytes never take part, those on generated input when they are asked for', () => {
  expect(chosen('store').tests.toSorted()).toEqual(['memory-store.test.ts', 'sqlite-store.test.ts']);
  const few = chosen('pgoutput').tests;
  expect(few).toContain('decoder.test.ts');
  expect(few.filter((file) => /prop|allocation/.test(file))).toEqual([]);
  expect(chosen('pgoutput', '--properties').tests).toContain('decoder.prop.test.ts');
});
