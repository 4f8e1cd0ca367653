import { globSync } from 'node:fs';
import { matchesGlob, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { packages, parseRequest, type MutatedPackage, type MutationRequest } from './request.ts';
import { passesOf, strykerOptions, vitestVariables } from './stryker-options.ts';

const root = resolve(import.meta.dirname, '../../..');

function requestOf(...args: readonly string[]): MutationRequest {
  return parseRequest(args) as MutationRequest;
}

function filesOf(name: MutatedPackage, glob: string): string[] {
  return globSync(glob, { cwd: resolve(root, `packages/${name}/src`) }).toSorted();
}

/** The files of a package that a run changes. */
function mutated(name: MutatedPackage, ...args: readonly string[]): string[] {
  const { mutate } = strykerOptions(name, requestOf(...args)) as { mutate: string[] };
  const matches = (file: string, without: boolean): boolean =>
    mutate.some((glob) => {
      const path = `packages/${name}/src/${file}`;
      return without ? glob.startsWith('!') && matchesGlob(path, glob.slice(1)) : matchesGlob(path, glob);
    });
  return filesOf(name, '**/*.ts').filter((file) => matches(file, false) && !matches(file, true));
}

/** The tests that each pass runs. */
function tests(name: MutatedPackage, ...args: readonly string[]): string[][] {
  return passesOf(name, requestOf(...args)).map(({ without }) =>
    filesOf(name, '**/*.test.ts').filter((file) => !without.some((left) => matchesGlob(file, `**/${left}.test.ts`))),
  );
}

test.each(packages)('of %s the code is changed, never what belongs to its tests', (name) => {
  expect(mutated(name).length).toBeGreaterThan(2);
  expect(mutated(name).filter((file) => /test|contract|fake|bench|index\.ts/.test(file))).toEqual([]);
});

test('chosen files only', () => {
  expect(mutated('engine', '--files', 'lane.ts,commit*.ts')).toEqual(['commit-order.ts', 'commit.ts', 'lane.ts']);
});

test('tests that start processes or count bytes never take part, those on generated input when they are asked for', () => {
  expect(filesOf('store', '*.crash.test.ts')).not.toEqual([]);
  for (const files of tests('store', '--properties')) {
    expect(files).toContain('sqlite-store.test.ts');
    expect(files.filter((file) => file.includes('crash'))).toEqual([]);
  }
  const [examples, all] = tests('pgoutput', '--properties');
  expect(examples).toContain('decoder.test.ts');
  expect(examples!.filter((file) => /prop|allocation/.test(file))).toEqual([]);
  expect(all).toEqual([...examples!, 'damage.prop.test.ts', 'decoder.prop.test.ts'].toSorted());
  expect(tests('pgoutput')).toEqual([examples]);
});

test('the tests of the whole engine run for what its other tests left alive', () => {
  const [quick, all] = tests('engine');
  expect(quick).toContain('lane.test.ts');
  expect(all!.filter((file) => !quick!.includes(file))).toContain('pipeline-faults.test.ts');
  expect(quick!.filter((file) => !all!.includes(file))).toEqual([]);
});

test('Vitest is told which tests take no part, and how long one may take', () => {
  expect(vitestVariables({ without: ['*.prop', 'allocation'], testTimeout: 5000 })).toEqual({
    WEIR_MUTATE_WITHOUT: '*.prop,allocation',
    WEIR_MUTATE_TIMEOUT: '5000',
  });
});
