import { join } from 'node:path';
import type { MutatedPackage, MutationRequest } from './request.ts';

/** Where results are written, from the root of the workspace; git ignores it. */
export const RESULTS = 'test-results/mutation';

/** One run of Stryker over a package. */
export interface Pass {
  /** Names of tests that do not take part, before `.test.ts`; `*` stands for anything. */
  readonly without: readonly string[];
  /** A test that takes longer has noticed, in ms: many mutants wait for something that never comes. */
  readonly testTimeout: number;
}

/**
 * Tests that never take part. Those of crashes start processes of their own, which do not know what is changed; the one of
 * allocations counts bytes, and the changed code has switches that take some.
 */
const leftOut = ['*.crash', 'allocation'];

/** Tests that run the whole of a package: many mutants need no more than the others. */
const wide: Readonly<Partial<Record<MutatedPackage, readonly string[]>>> = {
  engine: ['pipeline*', 'fan-out', 'begin-anew', 'same-range'],
};

/** A later pass tries only what the ones before it left alive, so that the slow tests run for few mutants. */
export function passesOf(name: MutatedPackage, { properties }: MutationRequest): Pass[] {
  const quick = wide[name] === undefined ? [] : [{ without: [...leftOut, '*.prop', ...wide[name]], testTimeout: 15_000 }];
  const all = { without: [...leftOut, '*.prop'], testTimeout: 60_000 };
  return [...quick, all, ...(properties ? [{ without: leftOut, testTimeout: 120_000 }] : [])];
}

/** Code of a package that only its tests use, or that only lists exports. */
const notMutated = ['!**/*.{test,contract,fake,bench}.ts', '!**/testing/**', '!**/index.ts'];

/** A mutant may take 1.5 times as long as its tests did at first, and this many ms more: the machine may be busy. */
const MORE_TIME = 20_000;

/** Stryker's configuration for one package: https://stryker-mutator.io/docs/stryker-js/configuration */
export function strykerOptions(name: MutatedPackage, { files, workers }: MutationRequest): object {
  const source = `packages/${name}/src`;
  return {
    testRunner: 'vitest',
    plugins: ['@stryker-mutator/vitest-runner'],
    vitest: { configFile: join(import.meta.dirname, '../stryker/vitest.config.ts'), dir: `packages/${name}` },
    mutate: [...(files.length === 0 ? ['**/*.ts'] : files).map((glob) => `${source}/${glob}`), ...notMutated],
    // What the tests do not read is not copied; node_modules is linked.
    ignorePatterns: ['apps', 'docs', 'examples', 'tools', '.ci', '.nx', 'test-results', '**/dist', '**/out-tsc'],
    tempDirName: '.stryker-tmp',
    concurrency: workers,
    timeoutMS: MORE_TIME,
    incremental: true,
    incrementalFile: incrementalFile(name),
    reporters: ['progress-append-only', 'json', 'html'],
    jsonReporter: { fileName: reportFile(name) },
    htmlReporter: { fileName: `${RESULTS}/${name}.html` },
    allowConsoleColors: false,
  };
}

/** What stryker/vitest.config.ts reads. */
export function vitestVariables({ without, testTimeout }: Pass): Readonly<Record<string, string>> {
  return { WEIR_MUTATE_WITHOUT: without.join(','), WEIR_MUTATE_TIMEOUT: String(testTimeout) };
}

/** The result of a package in the format of https://github.com/stryker-mutator/mutation-testing-elements */
export function reportFile(name: MutatedPackage): string {
  return `${RESULTS}/${name}.json`;
}

/** What the next run takes over. */
export function incrementalFile(name: MutatedPackage): string {
  return `${RESULTS}/${name}.incremental.json`;
}
