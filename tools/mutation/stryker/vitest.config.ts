import { mergeConfig, type ViteUserConfig } from 'vitest/config';
import shared from '../../../vitest.shared.ts';

/**
 * The tests of a package while its code is changed. All files of a run share one process: to start one for each takes longer
 * than most tests.
 */
const config: ViteUserConfig = mergeConfig(shared, { test: { isolate: false } });

export default config;
