import AffectedFirst from './tools/verify-workspace/src/affected-first.ts';
import { defineConfig, type ViteUserConfig } from 'vitest/config';

/** All tests of the workspace in one run; each package has its own project. */
const config: ViteUserConfig = defineConfig({
  test: {
    projects: ['packages/*/vitest.config.ts', 'apps/*/vitest.config.ts', 'tools/*/vitest.config.ts', 'examples/vitest.config.ts'],
    passWithNoTests: true,
    sequence: { sequencer: AffectedFirst },
  },
});

export default config;
