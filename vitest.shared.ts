import { defineConfig, type ViteUserConfig } from 'vitest/config';

/** Every package's tests run against sources, in Node, one process per file. */
const config: ViteUserConfig = defineConfig({
  resolve: { conditions: ['@weir/source', 'node', 'import', 'default'] },
  // Not 'import': Node gets these as flags, and a require() of CommonJS packages (pg) would then load ES modules.
  ssr: { resolve: { conditions: ['@weir/source', 'node', 'default'] } },
  test: {
    include: ['src/**/*.test.ts'],
    pool: 'forks',
    passWithNoTests: true,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // What a server does a moment later comes late on a busy machine; a test that waits in vain still fails.
    expect: { poll: { timeout: 60_000 } },
  },
});

/** The same where no test changes what the next file sees: files share a process, which spares starting and loading for each. */
export const oneProcess: ViteUserConfig = { ...config, test: { ...config.test, isolate: false } };

export default config;
