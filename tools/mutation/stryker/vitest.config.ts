import { mergeConfig, type ViteUserConfig } from 'vitest/config';
import shared from '../../../vitest.shared.ts';

/**
 * The tests of a package while its code is changed. All files of a run share one process: to start one for each takes longer
 * than most tests. Many mutants wait for something that never comes: a test that takes this long has noticed.
 *
 * Which tests take no part is said here and not by Stryker's `testFiles`: with that, code that runs when a module is loaded
 * would be run before it is changed (https://github.com/stryker-mutator/stryker-js/issues/6144).
 */
const config: ViteUserConfig = mergeConfig(shared, {
  test: {
    isolate: false,
    testTimeout: Number(process.env['WEIR_MUTATE_TIMEOUT'] ?? 120_000),
    exclude: (process.env['WEIR_MUTATE_WITHOUT'] ?? '').split(',').map((name) => `**/${name}.test.ts`),
  },
});

export default config;
