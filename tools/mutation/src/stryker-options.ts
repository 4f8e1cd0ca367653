import { join } from 'node:path';
import type { MutatedPackage, MutationRequest } from './request.ts';

/** Where results are written, from the root of the workspace; git ignores it. */
export const RESULTS = 'test-results/mutation';

/**
 * Tests that never take part. Those of crashes start processes of their own, which do not know what is changed; the one of
 * allocations counts bytes, and the changed code has switches that take some.
 */
const leftOut = ['*.crash', 'allocation'];

/** Tests that run the whole of a package: many mutants need no more than the others. */
const wide: Readonly<Partial<Record<MutatedPackage, readonly string[]>>> = { engine: ['pipeline*', 'fan-out', 'begin-anew'] };

/**
 * The runs for one package, as the tests that do not take part in each. A later one tries only what the ones before it left
 * alive, so that the slow tests run for few mutants.
 */
export function passesOf(name: MutatedPackage, { properties }: MutationRequest): (readonly string[])[] {
  const quick = wide[name] === undefined ? [] : [[...leftOut, '*.prop', ...wide[name]]];
  return [...quick, [...leftOut, '*.prop'], ...(properties ? [leftOut] : [])];
}

/** Code of a package that only its tests use, or that only lists exports. */
const notMutated = ['!**/*.{test,contract,fake,bench}.ts', '!**/testing/**', '!**/index.ts'];

const configFile = join(import.meta.dirname, '../stryker/vitest.config.ts');

/** A mutant may take 1.5 times as long as its tests did at first, and this many ms more: the machine may be busy. */
const MORE_TIME = 20_000;

/** Stryker's configuration for one pass over one package: https://stryker-mutator.io/docs/stryker-js/configuration */
export function strykerOptions(name: MutatedPackage, request: MutationRequest, pass: number): object {
  const source = `packages/${name}/src`;
  const files = request.files.length === 0 ? ['**/*.ts'] : request.files;
  const without = passesOf(name, request)[pass]!;
  return {
    testRunner: 'vitest',
    plugins: ['@stryker-mutator/vitest-runner'],
    vitest: { configFile, dir: `packages/${name}` },
    mutate: [...files.map((glob) => `${source}/${glob}`), ...notMutated],
    testFiles: [`${source}/**/!(${without.join('|')}).test.ts`],
    // What the tests do not read is not copied; node_modules is linked.
    ignorePatterns: ['apps', 'docs', 'examples', 'tools', '.ci', '.nx', 'test-results', '**/dist', '**/out-tsc'],
    tempDirName: '.stryker-tmp',
    concurrency: request.workers,
    timeoutMS: MORE_TIME,
    incremental: true,
    force: request.anew && pass === 0,
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
