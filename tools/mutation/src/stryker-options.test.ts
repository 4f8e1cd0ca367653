import { globSync } from 'node:fs';
import { matchesGlob, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { packages, parseRequest, type MutatedPackage, type MutationRequest } from './request.ts';
import { passesOf, strykerOptions } from './stryker-options.ts';

const root = resolve(import.meta.dirname, '../../..');

interface Chosen {
  readonly mutated: readonly string[];
  /** Of each pass. */
  readonly tests: readonly (readonly string[])[];
}

/** The files of a package that a run would change, and the tests that it would run. */
function chosen(name: MutatedPackage, ...args: readonly string[]): Chosen {
  const request = parseRequest(args) as MutationRequest;
  const passes = passesOf(name, request).map(
    (_, pass) => strykerOptions(name, request, pass) as { mutate: string[]; testFiles: string[] },
  );
  const files = globSync(`packages/${name}/src/**/*.ts`, { cwd: root });
  const matched = (globs: readonly string[]): string[] =>
    files
      .filter((file) => globs.some((glob) => matchesGlob(file, glob)))
      .map((file) => file.replace(`packages/${name}/src/`, ''));
  const { mutate } = passes[0]!;
  const left = new Set(matched(mutate.filter((glob) => glob.startsWith('!')).map((glob) => glob.slice(1))));
  return {
    mutated: matched(mutate.filter((glob) => !glob.startsWith('!'))).filter((file) => !left.has(file)),
    tests: passes.map(({ testFiles }) => matched(testFiles).toSorted()),
  };
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
  expect(chosen('store', '--properties').tests.at(-1)).toEqual(['memory-store.test.ts', 'sqlite-store.test.ts']);
  const [examples, all] = chosen('pgoutput', '--properties').tests;
  expect(examples).toContain('decoder.test.ts');
  expect(examples!.filter((file) => file.includes('prop'))).toEqual([]);
  expect(all).toEqual([...examples!, 'damage.prop.test.ts', 'decoder.prop.test.ts'].toSorted());
  expect(chosen('pgoutput').tests).toEqual([examples]);
});

test('the tests of the whole engine run for what its other tests left alive', () => {
  const [quick, all] = chosen('engine').tests;
  expect(quick).toContain('lane.test.ts');
  expect(all!.filter((file) => !quick!.includes(file))).toContain('pipeline-faults.test.ts');
  expect(quick!.filter((file) => !all!.includes(file))).toEqual([]);
});

test('what an earlier run found is forgotten once, not before each pass', () => {
  const request = parseRequest(['engine', '--anew']) as MutationRequest;
  expect([0, 1].map((pass) => strykerOptions('engine', request, pass))).toMatchObject([{ force: true }, { force: false }]);
});
