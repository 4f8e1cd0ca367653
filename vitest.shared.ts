import { defineConfig, type ViteUserConfig } from 'vitest/config';

/** Every package's tests run against sources, in Node, one process per file. */
const config: ViteUserConfig = defineConfig({
  resolve: { conditions: ['@weir/source', 'node', 'import', 'default'] },
  ssr: { resolve: { conditions: ['@weir/source', 'node', 'import', 'default'] } },
  test: {
    include: ['src/**/*.test.ts'],
    pool: 'forks',
    passWithNoTests: true,
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});

export default config;
