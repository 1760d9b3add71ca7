import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import LongestFirst from './test/support/longest-first.ts';
import { filesWithOwnProcess } from './test/support/own-process.ts';

const ALL = 'test/**/*.test.ts';
const PROCESSES = 'test/e2e/**/*.test.ts';
const ALONE = filesWithOwnProcess(import.meta.dirname, ALL);

// Tests import the packages' sources (the export condition `source`), so that a test never judges a stale build. What runs
// as a process of its own (test/e2e) is the built JavaScript, as in production; `npm test` builds before it tests.
export default defineConfig({
  resolve: { conditions: ['source'] },
  ssr: { resolve: { conditions: ['source', 'module', 'node', 'development|production'] } },
  test: {
    setupFiles: ['./test/support/property-seed.ts'],
    testTimeout: 20_000,
    hookTimeout: 20_000,
    // A fifth of a process's start is compiling. What one start has compiled the next ones take over.
    env: { NODE_COMPILE_CACHE: fileURLToPath(new URL('node_modules/.cache/compiled', import.meta.url)) },
    sequence: { sequencer: LongestFirst },
    reporters: ['default', './test/support/closing-line-reporter.ts'],
    // Files side by side, first those that compute, then those that wait for processes of their own: a process must not wait for a processor
    // that a computation has.
    projects: [
      {
        extends: true,
        test: { name: 'alone', include: [...ALONE], exclude: [PROCESSES], maxWorkers: '100%', sequence: { groupOrder: 0 } },
      },
      {
        extends: true,
        // The start of a process and the loading of the sources cost more than most of these files' tests: a process runs one file after the other.
        test: {
          name: 'unit',
          include: [ALL],
          exclude: [PROCESSES, ...ALONE],
          isolate: false,
          maxWorkers: '100%',
          sequence: { groupOrder: 0 },
        },
      },
      // The start of a process weighs little here, and these files change more of one, such as its working folder.
      { extends: true, test: { name: 'e2e', include: [PROCESSES], maxWorkers: 3, sequence: { groupOrder: 1 } } },
    ],
  },
});
