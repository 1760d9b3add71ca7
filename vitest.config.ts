import { defineConfig } from 'vitest/config';

// Tests import the packages' sources (the export condition `source`), so that a test never judges a stale build. What runs
// as a process of its own (test/e2e) is the built JavaScript, as in production; `npm test` builds before it tests.
export default defineConfig({
  resolve: { conditions: ['source'] },
  ssr: { resolve: { conditions: ['source', 'module', 'node', 'development|production'] } },
  test: {
    include: ['test/**/*.test.ts'],
    setupFiles: ['./test/support/property-seed.ts'],
    testTimeout: 20_000,
    hookTimeout: 20_000,
    reporters: ['default', './test/support/closing-line-reporter.ts'],
  },
});
