import type { MutatedPackage, MutationRequest } from './request.ts';

/** Where results are written, from the root of the workspace; git ignores it. */
export const RESULTS = 'test-results/mutation';

/**
 * Tests that never take part. Those of crashes start processes of their own, which do not know what is changed; the one of
 * allocations counts bytes, and the changed code has switches that take some.
 */
const leftOut = ['*.crash', 'allocation'];

/** Code of a package that only its tests use, or that only lists exports. */
const notMutated = ['!**/*.{test,contract,fake,bench}.ts', '!**/testing/**', '!**/index.ts'];

/** A mutant may take 1.5 times as long as its tests did at first, and this many ms more: the machine may be busy. */
const MORE_TIME = 20_000;

/** Stryker's configuration for one package: https://stryker-mutator.io/docs/stryker-js/configuration */
export function strykerOptions(name: MutatedPackage, request: MutationRequest): object {
  const source = `packages/${name}/src`;
  const files = request.files.length === 0 ? ['**/*.ts'] : request.files;
  const without = [...leftOut, ...(request.properties ? [] : ['*.prop'])];
  return {
    testRunner: 'vitest',
    plugins: ['@stryker-mutator/vitest-runner'],
    vitest: { configFile: `packages/${name}/vitest.config.ts`, dir: `packages/${name}` },
    mutate: [...files.map((glob) => `${source}/${glob}`), ...notMutated],
    testFiles: [`${source}/**/!(${without.join('|')}).test.ts`],
    // What the tests do not read is not copied; node_modules is linked.
    ignorePatterns: ['apps', 'docs', 'examples', 'tools', '.ci', '.nx', 'test-results', '**/dist', '**/out-tsc'],
    tempDirName: '.stryker-tmp',
    concurrency: request.workers,
    timeoutMS: MORE_TIME,
    incremental: true,
    force: request.anew,
    incrementalFile: `${RESULTS}/${name}.incremental.json`,
    reporters: ['progress-append-only', 'json', 'html'],
    jsonReporter: { fileName: reportFile(name) },
    htmlReporter: { fileName: `${RESULTS}/${name}.html` },
    allowConsoleColors: false,
  };
}

/** The result of a package in the format of https://github.com/stryker-mutator/mutation-testing-elements */
export function reportFile(name: MutatedPackage): string {
  return `${RESULTS}/${name}.json`;
}
